#include "dataplane/snapshot.h"

#include <gmock/gmock.h>

#include <vector>

#include "tests/support/packet_builder.h"

namespace shunt::dataplane {
namespace {

using test::ip;

// 203.0.113.`last` or 2001:db8::`last`.
IpAddress address_of(uint32_t last, bool is_v6) {
  if (!is_v6) return IpAddress::from_v4(Be32::from_host(0xcb007100 + last));
  IpAddress address = ip("2001:db8::");
  address.bytes[15] = static_cast<uint8_t>(last);
  return address;
}

// Half full, as the builder leaves it: most walks meet collisions. Every other address is of IPv6.
class SnapshotTest : public testing::Test {
 protected:
  static constexpr uint32_t kServices = 64;
  static constexpr uint32_t kAddresses = 64;

  SnapshotTest() : service_slots(2 * kServices), address_slots(2 * kAddresses) {
    for (uint32_t i = 0; i < kServices; ++i) {
      ServiceEntry service;
      service.id = ServiceId{i};
      service.address = address_of(i / 4, i / 4 % 2);
      service.port = Be16::from_host(static_cast<uint16_t>(80 + i / 2 % 2));
      service.protocol = i % 2 ? 17 : 6;
      services.push_back(service);
      uint32_t at = service_hash(service.protocol, service.address, service.port) % (2 * kServices);
      while (service_slots[at].protocol != 0) at = (at + 1) % (2 * kServices);
      service_slots[at] = {service.address, service.port, service.protocol, i};
    }
    for (uint32_t i = 0; i < kAddresses; ++i) {
      const IpAddress address = address_of(100 + i, i % 2);
      uint32_t at = address_hash(address) % (2 * kAddresses);
      while (address_slots[at].kinds != 0) at = (at + 1) % (2 * kAddresses);
      address_slots[at] = {address, static_cast<uint8_t>(1 + i % 15)};
    }
    snapshot.services = services;
    snapshot.service_slots = service_slots;
    snapshot.addresses = address_slots;
  }

  std::vector<ServiceEntry> services;
  std::vector<ServiceSlot> service_slots;
  std::vector<AddressSlot> address_slots;
  Snapshot snapshot;
};

TEST_F(SnapshotTest, EveryServiceIsFoundByProtocolAddressAndPort) {
  for (const ServiceEntry& service : services) {
    const ServiceEntry* found =
        snapshot.find_service(service.protocol, service.address, service.port);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->id, service.id);
  }
}

TEST_F(SnapshotTest, WhatDiffersInOnePartIsNoService) {
  EXPECT_EQ(snapshot.find_service(6, ip("203.0.113.0"), Be16::from_host(82)), nullptr);
  EXPECT_EQ(snapshot.find_service(6, ip("203.0.113.16"), Be16::from_host(80)), nullptr);
  EXPECT_EQ(snapshot.find_service(132, ip("203.0.113.0"), Be16::from_host(80)), nullptr);
  EXPECT_EQ(snapshot.find_service(6, ip("203.0.113.1"), Be16::from_host(80)), nullptr) << "that one is of IPv6";
  ASSERT_NE(snapshot.find_service(6, ip("2001:db8::1"), Be16::from_host(80)), nullptr);
  for (const char* address : {"2001:db8::", "2001:db8::100", "2001:db9::1", "2001:db8:0:1::1", "3001:db8::1"}) {
    EXPECT_EQ(snapshot.find_service(6, ip(address), Be16::from_host(80)), nullptr) << address;
  }
}

TEST_F(SnapshotTest, EveryAddressHasItsKindsAndOthersNone) {
  for (uint32_t i = 0; i < kAddresses; ++i) {
    EXPECT_EQ(snapshot.kinds_of(address_of(100 + i, i % 2)), 1 + i % 15);
    EXPECT_EQ(snapshot.kinds_of(address_of(100 + i, i % 2 == 0)), 0) << "the other family's";
  }
  EXPECT_EQ(snapshot.kinds_of(ip("192.0.2.1")), 0);
}

// An IPv4 address lies in the first four of an IPv6 address's bytes: the family tells them apart.
TEST_F(SnapshotTest, SameBytesOfTheOtherFamilyAreAnotherAddress) {
  IpAddress twin = ip("203.0.113.0");
  ASSERT_NE(snapshot.find_service(6, twin, Be16::from_host(80)), nullptr);
  twin.family = AddressFamily::kIpv6;
  EXPECT_EQ(snapshot.find_service(6, twin, Be16::from_host(80)), nullptr);
  twin = address_of(100, false);
  ASSERT_NE(snapshot.kinds_of(twin), 0);
  twin.family = AddressFamily::kIpv6;
  EXPECT_EQ(snapshot.kinds_of(twin), 0);
}

TEST_F(SnapshotTest, EmptySnapshotKnowsNothing) {
  const Snapshot empty;
  EXPECT_EQ(empty.find_service(6, ip("203.0.113.0"), Be16::from_host(80)), nullptr);
  EXPECT_EQ(empty.kinds_of(ip("10.0.0.1")), 0);
}

TEST(RealEntryTest, WayOutIsTheNextHopsWithTheTunnelsHeaderTakenOff) {
  const NextHop hop{{test::mac(1), test::mac(2), 3, 1500}, ip("2001:db8::fe"), ip("2001:db8::1"), true};
  RealEntry real;
  real.address = ip("2001:db8::1");
  real.method = Method::kNat;
  real.take_way_out(hop, true);
  EXPECT_EQ(real.way_out, static_cast<const WayOut&>(hop));
  EXPECT_EQ(real.local_address, hop.local_address);
  real.method = Method::kTunnel;
  real.take_way_out(hop, true);
  EXPECT_EQ(real.way_out.mtu, 1460);
  real.address = ip("10.0.0.1");
  real.take_way_out(hop, true);
  EXPECT_EQ(real.way_out.mtu, 1480);
  constexpr std::pair<TunnelKind, int> kAdded[] = {{TunnelKind::kGre, 4},
                                                   {TunnelKind::kGreChecksum, 8},
                                                   {TunnelKind::kGue, 12},
                                                   {TunnelKind::kGueChecksum, 12}};
  for (const auto& [kind, added] : kAdded) {
    real.tunnel = kind;
    real.take_way_out(hop, true);
    EXPECT_EQ(real.way_out.mtu, 1480 - added);
  }
  real.take_way_out(hop, false);
  EXPECT_EQ(real.way_out.mtu, 0) << "no link, nothing fits";
  NextHop nameless = hop;
  nameless.local_address = {AddressFamily::kIpv6, {}};
  real.take_way_out(nameless, true);
  EXPECT_EQ(real.way_out.mtu, 0) << "no source for the outer header";
  real.method = Method::kDirect;
  real.take_way_out(nameless, true);
  EXPECT_EQ(real.way_out.mtu, 1500);
}

TEST_F(SnapshotTest, KindsAreDifferentBits) {
  uint8_t all = 0;
  for (const auto kind : {AddressSlot::Kind::kLocal, AddressSlot::Kind::kReal,
                          AddressSlot::Kind::kOwn, AddressSlot::Kind::kVip}) {
    EXPECT_EQ(all & bit(kind), 0);
    all |= bit(kind);
  }
}

}  // namespace
}  // namespace shunt::dataplane
