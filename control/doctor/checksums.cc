#include "control/doctor/network_checks.h"
#include "dataplane/frame_flow.h"
#include "dataplane/headers.h"

namespace shunt::control {
namespace {

// RFC 1071, of bytes in network order.
uint32_t sum_of(const uint8_t* bytes, size_t count, uint32_t sum = 0) {
  for (size_t i = 0; i + 1 < count; i += 2) sum += static_cast<uint32_t>(bytes[i] << 8 | bytes[i + 1]);
  if (count % 2 != 0) sum += static_cast<uint32_t>(bytes[count - 1] << 8);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

bool is_whole_v4(const uint8_t* frame) {
  const uint32_t fragment = static_cast<uint32_t>(frame[20] << 8 | frame[21]);
  return (fragment & 0x3fff) == 0;
}

}  // namespace

void count_checksum(const uint8_t* frame, size_t bytes, ChecksumCounts& counts) {
  const dataplane::FrameFlow read = dataplane::flow_of_frame({frame, bytes});
  const uint8_t protocol = read.flow.protocol;
  const bool is_tcp = protocol == dataplane::kIpProtocolTcp;
  if (!read.has_ports || (!is_tcp && protocol != dataplane::kIpProtocolUdp)) return;
  const bool is_v4 = read.flow.source.is_v4();
  const size_t ip_end = sizeof(dataplane::EthernetHeader) + read.ip_bytes;
  if (ip_end > bytes || (is_v4 && !is_whole_v4(frame))) return;  // not all of it is here
  const size_t l4_bytes = ip_end - read.l4_offset;
  const uint8_t* l4 = frame + read.l4_offset;
  const size_t place = is_tcp ? 16 : 6;
  if (l4_bytes < place + 2) return;
  const auto field = static_cast<uint32_t>(l4[place] << 8 | l4[place + 1]);
  if (field == 0 && !is_tcp) return;  // UDP without one
  const size_t address_bytes = is_v4 ? 4 : 16;
  uint32_t pseudo = sum_of(read.flow.source.bytes.data(), address_bytes, static_cast<uint32_t>(protocol + l4_bytes));
  pseudo = sum_of(read.flow.destination.bytes.data(), address_bytes, pseudo);
  if (sum_of(l4, l4_bytes, pseudo) == 0xffff) {
    ++counts.right;
  } else if (field == pseudo) {
    ++counts.unfinished;
    counts.sender = read.flow.source.to_string();
  } else {
    ++counts.wrong;
  }
}

Findings check_checksums(const std::map<std::string, ChecksumCounts>& counts) {
  Findings found;
  for (const auto& [port, seen] : counts) {
    const uint64_t all = seen.right + seen.unfinished + seen.wrong;
    const std::string subject = "port " + port;
    const std::string of_all = " of " + std::to_string(all) + " packets that came in";
    if (seen.unfinished > 0) {
      found.push_back(
          {Finding::Grade::kBad, "tx_checksum", subject,
           std::to_string(seen.unfinished) + of_all + ", the last from " + seen.sender +
               ", have no checksum yet: a veth or a virtual machine left it to hardware that is not there, and who "
               "gets them from us drops them",
           "ethtool -K DEVICE tx off  # on the sender, and on both ends of a veth in between"});
    } else if (seen.wrong > 0) {
      found.push_back({Finding::Grade::kHint, "tx_checksum", subject,
                       std::to_string(seen.wrong) + of_all + " have a wrong checksum",
                       "shuntctl capture -w FILE  # and look whose they are"});
    } else if (all > 0) {
      found.push_back({Finding::Grade::kGood, "tx_checksum", subject,
                       std::to_string(all) + " packets came in, their checksums right", ""});
    }
  }
  return found;
}

}  // namespace shunt::control
