// What wants an operator's attention: each line names the subject, the cause and the remedy.
#include <algorithm>
#include <set>

#include "control/controller_state.h"
#include "dataplane/headers.h"

namespace shunt::control {
namespace {

// Of one kind of problem; the rest is summed up, so that one broken rack does not fill the screen.
constexpr size_t kShownOfAKind = 10;
constexpr uint64_t kFullPercent = 85;
// Drops are news for this long.
constexpr auto kRecent = std::chrono::seconds(10);

class Problems {
 public:
  void add(std::string text) {
    if (++of_this_kind_ <= kShownOfAKind) list.push_back(std::move(text));
  }
  // Ends a kind of problem: `what` is its plural.
  void end_of(const char* what) {
    if (of_this_kind_ > kShownOfAKind) {
      list.push_back(std::to_string(of_this_kind_ - kShownOfAKind) + " more " + what +
                     ": as those before; see the list of services");
    }
    of_this_kind_ = 0;
  }
  std::vector<std::string> list;

 private:
  size_t of_this_kind_ = 0;
};

// Whether packets dropped so say that something here wants mending; others are the senders' fault, or meant.
bool is_alarming(dataplane::DropReason reason) noexcept {
  switch (reason) {
    case dataplane::DropReason::kTableFull:
    case dataplane::DropReason::kLocalPortsExhausted:
    case dataplane::DropReason::kSnatExhausted:
    case dataplane::DropReason::kNoLocalAddress:
    case dataplane::DropReason::kNoRoute:
    case dataplane::DropReason::kNoNeighbour:
    case dataplane::DropReason::kWaitingRoomFull:
    case dataplane::DropReason::kPortDown:
    case dataplane::DropReason::kTxFull:
    case dataplane::DropReason::kHandOffFull:
    case dataplane::DropReason::kKernelPortFull:
    case dataplane::DropReason::kHopLoop:
    case dataplane::DropReason::kNoMbuf:
    case dataplane::DropReason::kNoRealLeft:
      return true;
    case dataplane::DropReason::kTruncated:
    case dataplane::DropReason::kNotOurMac:
    case dataplane::DropReason::kBadIpHeader:
    case dataplane::DropReason::kBadIpChecksum:
    case dataplane::DropReason::kBadExtensionHeader:
    case dataplane::DropReason::kBadL4Header:
    case dataplane::DropReason::kNotSchedulable:
    case dataplane::DropReason::kFtpUnread:
    case dataplane::DropReason::kTtlExpired:
    case dataplane::DropReason::kTooBig:
    case dataplane::DropReason::kNoKernelPort:
    case dataplane::DropReason::kFragmentTiny:
    case dataplane::DropReason::kFragmentBadLength:
    case dataplane::DropReason::kFragmentOverlap:
    case dataplane::DropReason::kFragmentDuplicate:
    case dataplane::DropReason::kFragmentTimeout:
    case dataplane::DropReason::kFragmentFlood:
    case dataplane::DropReason::kNoCallId:
    case dataplane::DropReason::kReplyOfNone:
    case dataplane::DropReason::kDropPacket:
    case dataplane::DropReason::kNotOurVlan:
    case dataplane::DropReason::kConnectionFlushed:
    case dataplane::DropReason::kAccessDenied:
    case dataplane::DropReason::kNewConnectionLimit:
    case dataplane::DropReason::kPacketLimit:
    case dataplane::DropReason::kBitLimit:
    case dataplane::DropReason::kConnectionLimit:
    case dataplane::DropReason::kClientNewConnectionLimit:
    case dataplane::DropReason::kClientPacketLimit:
    case dataplane::DropReason::kClientBitLimit:
    case dataplane::DropReason::kClientConnectionLimit:
    case dataplane::DropReason::kBadIcmpChecksum:
    case dataplane::DropReason::kBadIcmpError:
    case dataplane::DropReason::kIcmpNoConnection:
    case dataplane::DropReason::kImpossibleMtu:
    case dataplane::DropReason::kTunnelError:
      return false;
  }
  return false;
}

void add_services(const LiveState& live, Problems& problems) {
  for (uint32_t i = 0; i < live.desired().services.size(); ++i) {
    const Service& service = live.desired().services[i];
    size_t down = 0;
    size_t idle = 0;
    size_t all = 0;
    bool says_sorry = false;
    for (uint32_t j = 0; j < service.reals.size(); ++j) {
      const bool is_down = live.live(i).reals[j].health.health == Health::kDown;
      if (service.reals[j].sorry) {
        says_sorry |= !is_down && live.wanted_weight({i, j}) > 0;
        continue;
      }
      ++all;
      if (is_down) ++down;
      else if (live.wanted_weight({i, j}) == 0) ++idle;
    }
    if (live.live(i).standing.panics || down + idle < all) continue;
    const std::string then = says_sorry ? ", its sorry reals get them" : "";
    if (all == 0) {
      problems.add("service " + service.name + ": it has no real" + then + "; add one");
    } else {
      problems.add("service " + service.name + ": no real left for new connections (" + std::to_string(down) +
                   " down, " + std::to_string(idle) + " with weight 0)" + then +
                   "; mend a real or give one a weight");
    }
  }
  problems.end_of("services");
}

void add_standings(const LiveState& live, Problems& problems) {
  for (uint32_t i = 0; i < live.desired().services.size(); ++i) {
    const Service& service = live.desired().services[i];
    const ServiceStanding& standing = live.live(i).standing;
    const std::string up = std::to_string(standing.reals.up) + " of " + std::to_string(standing.reals.wanted) + " reals up";
    if (standing.panics) {
      problems.add("service " + service.name + ": panic: " + up + ", fewer than its panic_threshold, " +
                   std::to_string(service.panic_threshold) + " %; all get new connections, down ones too: mend reals");
    }
    if (service.quorum && standing.is_judged && !standing.has_quorum) {
      const uint64_t wanted = uint64_t{service.quorum->weight} + service.quorum->hysteresis;
      problems.add("service " + service.name + ": quorum lost: " + up + ", weight " +
                   std::to_string(standing.reals.weight_up) + " of the " + std::to_string(wanted) + " that it needs" +
                   (live.is_withdrawn(i) ? ", its VIPs are withdrawn" : ", its reals but sorry ones get no new connections") +
                   "; mend reals, or lower quorum.weight");
    }
  }
  problems.end_of("services");
}

void add_down_reals(const LiveState& live, Problems& problems) {
  for (uint32_t i = 0; i < live.desired().services.size(); ++i) {
    const Service& service = live.desired().services[i];
    for (uint32_t j = 0; j < service.reals.size(); ++j) {
      const HealthState& health = live.live(i).reals[j].health;
      if (health.health != Health::kDown) continue;
      problems.add("real " + service.name + "/" + service.reals[j].name + ": down: " + health.last_check +
                   "; see to its server, or to the way there");
    }
  }
  problems.end_of("reals down");
}

// Tunnels in which an IPv6 packet of the least size does not fit (RFC 8200 section 5): it is lost, as nobody sends
// smaller ones.
void add_narrow_tunnels(const Slots& slots, const SnapshotBuilder& builder, Problems& problems) {
  for (uint32_t i = 0; i < slots.real_slots(); ++i) {
    const dataplane::RealEntry& real = builder.real({i});
    const RealSlot& slot = slots.real({i});
    if (!real.is_used() || real.method != Method::kTunnel || slot.key.service.address.is_v4()) continue;
    const uint32_t fits = real.way_out.mtu;
    if (fits == 0 || fits >= dataplane::kLeastIpv6Mtu) continue;
    problems.add("real " + slots.service(slot.service).name + "/" + slot.name + ": its tunnel carries " +
                 std::to_string(fits) + " bytes and IPv6 needs " + std::to_string(dataplane::kLeastIpv6Mtu) +
                 "; raise the MTU of the way there by " + std::to_string(dataplane::kLeastIpv6Mtu - fits));
  }
  problems.end_of("tunnels");
}

// A worker's connection table of one family, and what sets its size.
struct Table {
  uint32_t worker = 0;
  const char* name = "";
  const char* setting = "";
};

void add_table(const Table& table, uint64_t used, uint64_t capacity, Problems& problems) {
  if (used * 100 <= capacity * kFullPercent) return;
  problems.list.push_back("worker " + std::to_string(table.worker) + ": its " + table.name + " is " +
                          std::to_string(used * 100 / capacity) + " % full (" + std::to_string(used) + " of " +
                          std::to_string(capacity) + "); raise " + table.setting + " or shorten timeouts");
}

}  // namespace

std::vector<std::string> Controller::State::problems() const {
  Problems problems;
  for (const auto& [source, text] : outside_problems) problems.list.push_back(text);
  for (const auto& port : dataplane.ports()) {
    for (std::string& loss : losses.problems(port.id, port.name, Clock::now())) problems.list.push_back(std::move(loss));
    const PortLink& link = links[port.id];
    if (link.up()) continue;
    problems.list.push_back("port " + port.name + (link.driver ? ": its kernel port is set down; set it up with ip link"
                                                               : ": no link; check the cable or the other end"));
  }
  add_services(live, problems);
  add_standings(live, problems);
  add_down_reals(live, problems);
  add_narrow_tunnels(slots, builder, problems);

  std::set<std::pair<uint16_t, IpAddress>> told;
  for (uint32_t i = 0; i < slots.real_slots(); ++i) {
    const dataplane::RealEntry& real = builder.real({i});
    if (!real.is_used() || real.next_hop != dataplane::kNoNextHop) continue;
    const dataplane::Route route = builder.route_to({i});
    if (route.kind == dataplane::Route::Kind::kFound) continue;  // found since the last build
    const bool no_route = route.kind == dataplane::Route::Kind::kNoRoute;
    const IpAddress& whom = no_route ? real.address : route.neighbour;
    if (!told.insert({route.port, whom}).second) continue;
    if (no_route) {
      problems.add("next hop " + whom.to_string() + ": no route there; add one on a kernel port or under next_hops");
    } else {
      problems.add("next hop " + whom.to_string() + ": it does not answer on port " + port_name(route.port) +
                   "; is it up and on that network?");
    }
  }
  problems.end_of("next hops");
  if (next_hops.left_out() > 0) {
    problems.list.push_back("neighbours: " + std::to_string(next_hops.left_out()) +
                            " have no place in the table; route to them through fewer gateways");
  }
  for (const auto& info : dataplane.workers()) {
    const dataplane::WorkerCounters& counters = dataplane.worker_counters(info.index);
    if (meters.worker(info.index).stalled) {
      problems.list.push_back("worker " + std::to_string(info.index) + ": it stands still on lcore " +
                              std::to_string(info.lcore) + "; look for what else runs on that CPU, or restart shuntd");
    }
    add_table({info.index, "connection table", "workers.connections"}, counters.connections.read(),
              info.connection_capacity, problems);
    add_table({info.index, "IPv6 connection table", "workers.ipv6_connections"}, counters.ipv6_connections.read(),
              info.ipv6_connection_capacity, problems);
  }
  const uint64_t templates = dataplane.templates_used();
  const uint64_t template_capacity = dataplane.template_capacity();
  if (templates * 100 > template_capacity * kFullPercent) {
    problems.list.push_back("templates: " + std::to_string(templates) + " of " + std::to_string(template_capacity) +
                            " persistent clients that can be remembered are; raise workers.templates or shorten the "
                            "services' persistence.timeout");
  }
  const auto now = Clock::now();
  for (size_t i = 0; i < dataplane::kDropReasons; ++i) {
    const auto reason = static_cast<dataplane::DropReason>(i);
    const auto last = meters.last_drop(reason);
    if (!is_alarming(reason) || !last || now - *last > kRecent) continue;
    problems.list.push_back("drops: " + std::string(name_of(reason)) + " rises: " + std::string(meaning_of(reason)));
  }
  return std::move(problems.list);
}

}  // namespace shunt::control
