// TCP segments on their way between ends that number a stream differently, because something stands in it for one of them
// that the other knows nothing of, or knows otherwise (client_address/proxy_stream.h, ftp/passage.h). All changes keep the
// checksum right. Worker only.
#pragma once

#include <cstring>

#include "dataplane/checksum.h"
#include "dataplane/client_address/grow.h"
#include "dataplane/family.h"
#include "dataplane/header_options.h"
#include "dataplane/worker.h"

namespace shunt::dataplane {

// A sequence number or an acknowledgement of the header.
inline void set_number(TcpHeader* tcp, Be32& number, uint32_t to) noexcept {
  const Be32 after = Be32::from_host(to);
  tcp->checksum = updated(tcp->checksum, fold(delta_of(number, after)));
  number = after;
}

// What of the receiver's was acknowledged selectively (RFC 2018 section 3), pairs of numbers: `first` and `last` say what
// the numbers of a pair become.
template <typename First, typename Last>
void change_selective_acks(TcpHeader* tcp, First first, Last last) noexcept {
  const auto* header = reinterpret_cast<const uint8_t*>(tcp);
  for (HeaderOption option; next_option(header, tcp->header_bytes(), option);) {
    if (option.kind != kTcpSelectiveAcks) continue;
    const uint32_t numbers = (option.bytes - 2) / 8 * 2;
    change_tcp_header(tcp, option.at + 2, numbers * sizeof(Be32), [&](uint8_t* at) {
      for (uint32_t i = 0; i < numbers; ++i, at += sizeof(Be32)) {
        Be32 number;
        std::memcpy(&number.raw, at, sizeof number);
        number = Be32::from_host(i % 2 == 0 ? first(number.host()) : last(number.host()));
        std::memcpy(at, &number.raw, sizeof number);
      }
    });
  }
}

// For a SYN: it opens no stream in which something stands before all that is read of it, neither by data of its own (RFC
// 7413), nor by data whose place a second numbering tells (RFC 8684). False: it cannot be made so, and goes no further.
template <typename Ip>
bool open_plainly(Packet& packet) noexcept;

// The IP header of a segment of ours with `payload` bytes behind it, between the same addresses as the one at `like`; the
// returned sum is what it adds to TCP's checksum.
uint64_t write_ip(Worker& worker, const Ipv4Header* like, uint8_t hops, uint32_t payload, Ipv4Header* ip) noexcept;
uint64_t write_ip(Worker& worker, const Ipv6Header* like, uint8_t hops, uint32_t payload, Ipv6Header* ip) noexcept;

// What the addresses and lengths of a packet's pseudo-header add to TCP's checksum.
template <typename Ip>
uint64_t pseudo_sum_of(const typename Ip::Header* ip, uint32_t tcp_bytes) noexcept {
  return sum_of(&ip->source, 2 * sizeof ip->source) + Be16::from_host(static_cast<uint16_t>(tcp_bytes)).raw +
         Be16::from_host(kIpProtocolTcp).raw;
}

}  // namespace shunt::dataplane
