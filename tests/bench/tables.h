// What the packet path reads in a benchmark: a snapshot of services with their reals, next hops and timeouts, as
// control would build it. Addresses follow from numbers, so that a check needs no memory of what was made.
#pragma once

#include <memory>
#include <vector>

#include "control/limits_builder.h"
#include "dataplane/connection.h"
#include "dataplane/headers.h"
#include "dataplane/snapshot.h"

namespace shunt::bench {

inline constexpr MacAddress kOurMac{{2, 0, 0, 0, 0, 1}};

struct TablesSpec {
  dataplane::Method method = dataplane::Method::kDirect;
  dataplane::SchedulerKind scheduler = dataplane::SchedulerKind::kRr;
  uint32_t services = 1;  // 1..10,000
  uint32_t reals = 100;   // of each service; services times reals is at most kMaxReals
  AddressFamily family = AddressFamily::kIpv4;
  dataplane::TunnelKind tunnel = dataplane::TunnelKind::kIpip;
  // fullnat: the reals are of the other family.
  bool crosses = false;
  bool has_ftp = false;
  // Every packet is asked for, of the service and of its client, and none is too many.
  bool has_limits = false;

  AddressFamily reals_family() const noexcept {
    const bool is_v4 = (family == AddressFamily::kIpv4) != crosses;
    return is_v4 ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  }
  // Whose table has the connections.
  AddressFamily table_family() const noexcept { return crosses ? AddressFamily::kIpv6 : family; }
};

class Tables {
 public:
  explicit Tables(const TablesSpec& spec);
  Tables(const Tables&) = delete;

  // Valid while these tables live.
  dataplane::Snapshot snapshot(uint64_t version) const;

  const TablesSpec& spec() const noexcept { return spec_; }
  // The request of connection `index`, any number below 2^24 * 2^15: its service is index modulo services.
  dataplane::IpFlow request(uint64_t index) const noexcept;
  // fullnat's and snat's local addresses by number, and back.
  const IpAddress& local_address(uint16_t number) const noexcept { return local_addresses_[number]; }
  uint16_t local_number_of(const IpAddress& address) const noexcept;
  // The real that round robin gives it when connections are opened in order.
  dataplane::RealId real_in_turn(uint64_t index) const noexcept;
  const dataplane::RealEntry& real(dataplane::RealId id) const noexcept { return reals_[id.index]; }
  // The real to which frames with this destination go, kNoReal when there is none; one real per address.
  dataplane::RealId real_of(const MacAddress& destination) const noexcept;
  const dataplane::NextHop& client_hop() const noexcept { return hops_[0]; }
  const dataplane::NextHop& hop_of(dataplane::RealId id) const noexcept { return hops_[reals_[id.index].next_hop.index]; }

  // Milliseconds that a connection of a service lives on in this state after its last packet.
  void set_timeout(dataplane::ConnectionState state, uint32_t ms) noexcept {
    timeouts_[0][static_cast<size_t>(state)] = ms;
  }

 private:
  void add_real(uint32_t service, uint32_t index);
  void add_service(uint32_t index);
  void add_limits();

  TablesSpec spec_;
  std::vector<dataplane::RealEntry> reals_;
  std::vector<dataplane::Candidate> candidates_;
  std::vector<dataplane::ServiceEntry> services_;
  std::vector<dataplane::ServiceSlot> service_slots_;
  std::vector<dataplane::TimeoutSet> timeouts_;
  std::vector<dataplane::NextHop> hops_;
  std::vector<dataplane::RouteInterval> routes_;
  std::vector<dataplane::RouteInterval6> routes6_;
  std::vector<IpAddress> local_addresses_;
  std::vector<dataplane::SnatEntry> snat_rules_;
  std::vector<std::unique_ptr<control::LimitsMemory>> limits_;  // by service, or none
  std::vector<dataplane::LimitedService> limited_;
  std::vector<dataplane::RealId> real_ids_;
};

}  // namespace shunt::bench
