// A load balancer with one rule of snat: 10.0.0.0/24 (or its twin) reaches out from 192.0.2.50, by 10.0.0.1, whose MAC
// address is real_mac(insider).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "control/snat_table.h"
#include "tests/support/families.h"
#include "tests/support/worker_fixture.h"

namespace shunt::control {

struct SnatRig {
  SnatRig(AddressFamily of, uint32_t workers = 1, dataplane::Method inside = dataplane::Method::kDirect,
          uint32_t capacity = 256)
      : family(of), lb(workers, capacity) {
    using namespace dataplane;
    // Somebody else's service, so that the inside has machines that are known by their MAC addresses.
    const ServiceId service = lb.add_service(Protocol::kTcp, at("203.0.113.99"), 80, inside);
    insider = lb.add_real(service, at("10.0.0.1"), 80);
    const std::string unspecified = of == AddressFamily::kIpv4 ? "0.0.0.0" : "::";
    rules = lb.add_service(Protocol::kTcp, unspecified, 0, Method::kSnat);
    slot = lb.add_real(rules, unspecified, 0);
    lb.real(slot).next_hop = kNoNextHop;
    pool = {test::ip(at("192.0.2.50"))};
    lb.amend = [this](Snapshot& snapshot) {
      std::vector<MatchRule> matches;
      for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp, is_v6() ? Protocol::kIcmpv6 : Protocol::kIcmp}) {
        const bool is_icmp = protocol != Protocol::kTcp && protocol != Protocol::kUdp;
        matches.push_back({protocol, family, sources, destinations, is_icmp ? PortRange{0, 0} : kAllPorts, in_port, 0});
      }
      const auto addresses = std::make_shared<const std::vector<IpAddress>>(pool);
      const SnatInput rule{slot, kCounter, matches, out_port, ports, addresses};
      tables.push_back(make_snat_table({&rule, 1}));
      snapshot.snat_rules = tables.back()->entries;
      snapshot.snat_matches = tables.back()->matches->table();
    };
    sources = {*Prefix::parse(at("10.0.0.0") + (is_v6() ? "/64" : "/24"))};
    publish();
  }

  // With the pool's addresses as they are now.
  void publish() {
    for (; added < pool.size(); ++added) lb.add_local_address(rules, pool[added].to_string());
    lb.publish();
  }
  std::string at(std::string_view ipv4) const { return test::in_family(family, ipv4); }
  bool is_v6() const { return family == AddressFamily::kIpv6; }

  // From the inside to somebody outside.
  test::PacketBuilder out(uint16_t port = 40000, uint16_t to = 443) const {
    return test::a_packet().from(at("10.0.0.1"), port).to(at("198.51.100.7"), to).to_mac(test::kInsideMac);
  }
  test::PacketBuilder echo(uint16_t id, bool is_request = true) const {
    const uint8_t request = is_v6() ? 128 : 8;
    const uint8_t reply = is_v6() ? 129 : 0;
    return test::a_packet().icmp(is_request ? request : reply, 0, uint32_t{id} << 16 | 7).payload("abcdefgh");
  }
  // The port of the pool that the connection of a packet from the inside has.
  uint16_t port_of(const test::PacketBuilder& packet, uint32_t worker = 0) {
    const auto connection = lb.copy_of(packet, worker);
    return connection ? connection->reply.destination_port.host() : uint16_t{0};
  }
  IpAddress address_of(const test::PacketBuilder& packet, uint32_t worker = 0) {
    const auto connection = lb.copy_of(packet, worker);
    return connection ? connection->reply.destination : IpAddress{};
  }
  test::PacketBuilder leaving(test::PacketBuilder packet) const {
    return packet.ttl(63).from_mac(test::kOutsideMac).to_mac(test::kGatewayMac);
  }
  test::PacketBuilder coming_in(test::PacketBuilder packet) const {
    return packet.ttl(63).from_mac(test::kInsideMac).to_mac(test::real_mac(insider));
  }
  uint64_t exhausted(uint32_t worker = 0) { return lb.worker(worker).snat_exhausted[kCounter].read(); }

  static constexpr uint32_t kCounter = 5;

  AddressFamily family;
  test::WorkerFixture lb;
  dataplane::RealId insider;
  dataplane::ServiceId rules;
  dataplane::RealId slot;
  // Of the rule; publish() makes it so.
  std::vector<Prefix> sources;
  std::vector<Prefix> destinations;
  std::optional<uint16_t> in_port;
  uint16_t out_port = dataplane::SnatEntry::kAnyPort;
  PortRange ports{1024, 65535};
  std::vector<IpAddress> pool;

 private:
  size_t added = 0;
  std::vector<std::shared_ptr<const SnatTable>> tables;
};

}  // namespace shunt::control
