#include "dataplane/snapshot.h"

#include <gmock/gmock.h>

#include <vector>

#include "tests/support/packet_builder.h"

namespace shunt::dataplane {
namespace {

using test::ip;

// Half full, as the builder leaves it: most walks meet collisions.
class SnapshotTest : public testing::Test {
 protected:
  static constexpr uint32_t kServices = 64;
  static constexpr uint32_t kAddresses = 64;

  SnapshotTest() : service_slots(2 * kServices), address_slots(2 * kAddresses) {
    for (uint32_t i = 0; i < kServices; ++i) {
      ServiceEntry service;
      service.id = ServiceId{i};
      service.address = Be32::from_host(0xcb007100 + i / 4);
      service.port = Be16::from_host(static_cast<uint16_t>(80 + i / 2 % 2));
      service.protocol = i % 2 ? 17 : 6;
      services.push_back(service);
      uint32_t at = service_hash(service.protocol, service.address, service.port) % (2 * kServices);
      while (service_slots[at].protocol != 0) at = (at + 1) % (2 * kServices);
      service_slots[at] = {service.address, service.port, service.protocol, i};
    }
    for (uint32_t i = 0; i < kAddresses; ++i) {
      const Be32 address = Be32::from_host(0x0a000001 + i);
      uint32_t at = address_hash(address) % (2 * kAddresses);
      while (address_slots[at].address.raw != 0) at = (at + 1) % (2 * kAddresses);
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
}

TEST_F(SnapshotTest, EveryAddressHasItsKindsAndOthersNone) {
  for (uint32_t i = 0; i < kAddresses; ++i) {
    EXPECT_EQ(snapshot.kinds_of(Be32::from_host(0x0a000001 + i)), 1 + i % 15);
  }
  EXPECT_EQ(snapshot.kinds_of(ip("10.0.0.65")), 0);
  EXPECT_EQ(snapshot.kinds_of(ip("192.0.2.1")), 0);
}

TEST_F(SnapshotTest, EmptySnapshotKnowsNothing) {
  const Snapshot empty;
  EXPECT_EQ(empty.find_service(6, ip("203.0.113.0"), Be16::from_host(80)), nullptr);
  EXPECT_EQ(empty.kinds_of(ip("10.0.0.1")), 0);
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
