// What can be said of a running daemon's surroundings: Linux's network stack on the kernel ports, ports, reals. One
// check a file; values in, findings out, pure but for the files. Any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "control/doctor/file_root.h"
#include "control/doctor/finding.h"
#include "control/model/desired_state.h"
#include "control/model/machine.h"
#include "control/report.h"

namespace shunt::control {

// A network interface as Linux has it.
struct Interface {
  std::string name;
  bool up = false;
  std::vector<IpAddress> addresses;
};
// Of this process's network namespace.
std::vector<Interface> read_interfaces();

// rp_filter on the kernel ports.
Findings check_reverse_path_filter(const FileRoot& root, const Machine& machine);
// Kernel ports: there, up, with their addresses and VIPs, which no other interface has.
Findings check_kernel_ports(const Machine& machine, const std::vector<IpAddress>& vips,
                            const std::vector<Interface>& interfaces, const FileRoot& root);
// Links, RSS, offloads, what cards could not keep up with.
Findings check_ports(const std::vector<PortState>& ports, size_t workers);
// Each real's route and neighbour.
Findings check_reals(const std::vector<ServiceState>& services, const std::vector<PortState>& ports);

// Somebody else who answers for a VIP.
struct VipAnswer {
  IpAddress vip;
  std::string interface;
  MacAddress mac;
};
// Asks by ARP on the kernel ports, for IPv4 VIPs, and waits a moment. Needs CAP_NET_RAW; without it nobody is found.
std::vector<VipAnswer> ask_for_vips(const std::vector<IpAddress>& vips, const std::vector<std::string>& interfaces);
Findings check_vip_answers(const std::vector<VipAnswer>& answers, size_t asked);

// Frames that came in, by what their TCP or UDP checksum says.
struct ChecksumCounts {
  uint64_t right = 0;
  // The pseudo-header's sum alone: the sender's Linux left the rest to hardware that is not there.
  uint64_t unfinished = 0;
  uint64_t wrong = 0;
  // The last sender of an unfinished one.
  std::string sender;
};
// Counts a whole frame; fragments and others are left out.
void count_checksum(const uint8_t* frame, size_t bytes, ChecksumCounts& counts);
// By port.
Findings check_checksums(const std::map<std::string, ChecksumCounts>& counts);

}  // namespace shunt::control
