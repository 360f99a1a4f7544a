// Builds the workers' next hops from what the kernel says and what the configuration fixes. A neighbour keeps its id for
// as long as ids last, seen or not, so that a flapping one disturbs nobody. Owner: the controller's thread; what
// tables() returns is immutable and may be read by any.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "control/kernel/view.h"
#include "dataplane/next_hops.h"
#include "dataplane/snapshot.h"
#include "src/base/address.h"

namespace shunt::control {

// Next hops with the memory they lie in.
struct NextHopTables {
  std::vector<dataplane::NextHop> hops;
  std::vector<dataplane::RouteInterval> routes;
  std::vector<dataplane::RouteInterval6> routes6;
  std::vector<dataplane::NeighbourSlot> neighbours;
  uint16_t generation = 0;
  // By port id: its own addresses, whoever it speaks to.
  std::array<dataplane::PortAddresses, dataplane::kMaxPorts> port_addresses{};

  dataplane::NextHops view() const noexcept { return {hops, routes, routes6, neighbours, generation}; }
};

// A port as frames leave it.
struct NextHopPort {
  uint16_t id = 0;
  MacAddress mac;
  uint16_t mtu = 1500;
  // Used while the kernel says nothing of the port.
  std::vector<InterfaceAddress> addresses;
};

// What holds whatever the kernel says; wins over it.
struct StaticNextHops {
  std::vector<KernelNeighbour> neighbours;
  std::vector<KernelRoute> routes;
};

// A neighbour: who is asked on which port.
struct NeighbourKey {
  uint16_t port = 0;
  IpAddress address;
  bool operator==(const NeighbourKey&) const = default;
};
struct NeighbourKeyHash {
  size_t operator()(const NeighbourKey& key) const noexcept {
    return dataplane::neighbour_hash(key.address, key.port);
  }
};

// Gives out ids. Those of neighbours that are not wanted any more are reused only when no unused id is left.
class NextHopIds {
 public:
  // Every one of `wanted` has an id afterwards, as long as there are any. True when an id got another meaning.
  bool assign(const std::vector<NeighbourKey>& wanted);
  // kNoNextHop: it has none.
  dataplane::NextHopId id_of(const NeighbourKey& key) const;
  // Whose the ids are, by id.
  const std::vector<NeighbourKey>& owners() const noexcept { return owners_; }

 private:
  std::vector<dataplane::NextHopId> collect_unwanted(const std::vector<NeighbourKey>& wanted) const;

  std::unordered_map<NeighbourKey, dataplane::NextHopId, NeighbourKeyHash> ids_;
  std::vector<NeighbourKey> owners_;
};

class NextHopTable {
 public:
  NextHopTable(const std::vector<NextHopPort>& ports, StaticNextHops fixed);

  // Makes the tables anew from `view`; false when they are as they were.
  bool update(const KernelView& view);

  std::shared_ptr<const NextHopTables> tables() const noexcept { return tables_; }
  // Neighbours and gateways that the last update left out because every id is in use.
  size_t left_out() const noexcept { return left_out_; }

 private:
  // Makes `next` the tables if it differs from them; whether it did.
  bool take(std::shared_ptr<NextHopTables> next, bool meanings_changed);

  const std::unordered_map<uint16_t, NextHopPort> ports_;
  const StaticNextHops fixed_;
  NextHopIds ids_;
  size_t left_out_ = 0;
  std::shared_ptr<const NextHopTables> tables_ = std::make_shared<NextHopTables>();
};

}  // namespace shunt::control
