// What doctor says of a running daemon's surroundings, over values made for it.
#include "control/doctor/network_checks.h"

#include <gmock/gmock.h>

#include "tests/control/doctor/fake_root.h"
#include "tests/support/packet_builder.h"

namespace shunt::control {
namespace {

using testing::HasSubstr;
using Grade = Finding::Grade;

Machine two_ports() {
  Machine machine;
  machine.ports = {{.name = "outside", .kernel_port = {true, "sh-outside", {*InterfaceAddress::parse("192.0.2.2/24")}}},
                   {.name = "inside", .kernel_port = {true, "sh-inside", {}}}};
  return machine;
}

TEST(CheckReversePathFilter, StrictIsBadWhicheverOfTheTwoSaysSo) {
  FakeRoot machine;
  machine.file("/proc/sys/net/ipv4/conf/all/rp_filter", "1\n")
      .file("/proc/sys/net/ipv4/conf/sh-outside/rp_filter", "0\n")
      .file("/proc/sys/net/ipv4/conf/sh-inside/rp_filter", "2\n");
  const Findings found = check_reverse_path_filter(machine.root(), two_ports());
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].grade, Grade::kBad);
  EXPECT_EQ(found[0].remedy, "sysctl -w net.ipv4.conf.sh-outside.rp_filter=2");
  EXPECT_EQ(found[1].grade, Grade::kGood) << "loose wins over strict";
}

TEST(CheckKernelPorts, WhatIsMissingIsToldWithItsCommand) {
  FakeRoot machine;
  const IpAddress vip = test::ip("192.0.2.10");
  std::vector<Interface> interfaces{{"lo", true, {}}, {"sh-outside", false, {}}};
  const Findings found = check_kernel_ports(two_ports(), {vip}, interfaces, machine.root());
  std::vector<std::string> remedies;
  for (const Finding& each : found) {
    EXPECT_EQ(each.grade, Grade::kBad) << each.text;
    remedies.push_back(each.remedy);
  }
  EXPECT_THAT(remedies, testing::IsSupersetOf({"ip link set sh-outside up", "ip addr add 192.0.2.2/24 dev sh-outside",
                                               "ip addr add 192.0.2.10/32 dev sh-outside"}));
  interfaces = {{"sh-outside", true, {test::ip("192.0.2.2"), vip}}, {"sh-inside", true, {}}};
  for (const Finding& each : check_kernel_ports(two_ports(), {vip}, interfaces, machine.root())) {
    EXPECT_EQ(each.grade, Grade::kGood) << each.text;
  }
}

TEST(CheckKernelPorts, AVipOnAnotherInterfaceIsTold) {
  FakeRoot machine;
  machine.file("/proc/sys/net/ipv4/conf/all/arp_ignore", "0\n");
  const IpAddress vip = test::ip("192.0.2.10");
  const std::vector<Interface> interfaces{
      {"eth0", true, {vip}}, {"sh-outside", true, {test::ip("192.0.2.2"), vip}}, {"sh-inside", true, {}}};
  const Finding bad = finding_of(check_kernel_ports(two_ports(), {vip}, interfaces, machine.root()), "vip");
  EXPECT_EQ(bad.grade, Grade::kBad);
  EXPECT_THAT(bad.text, HasSubstr("is on eth0, too: Linux answers ARP for it on every interface"));
  EXPECT_EQ(bad.remedy, "ip addr del 192.0.2.10/32 dev eth0");
}

TEST(CheckPorts, LinksSteeringAndLossAreTold) {
  PortState port;
  port.name = "outside";
  port.link_up = true;
  port.steered = false;
  port.rx_missed = 7;
  const Findings found = check_ports({port}, 2);
  EXPECT_EQ(finding_of(found, "link").grade, Grade::kGood);
  EXPECT_EQ(finding_of(found, "rss").grade, Grade::kHint);
  EXPECT_THAT(finding_of(found, "rx").text, HasSubstr("7 packets"));
  port.link_up = false;
  EXPECT_EQ(finding_of(check_ports({port}, 1), "link").grade, Grade::kBad);
}

TEST(CheckReals, ARouteAndANeighbourThatAreMissing) {
  PortState inside;
  inside.name = "inside";
  inside.kernel_port = "sh-inside";
  ServiceState service;
  service.name = "web";
  service.reals.resize(4);
  service.reals[0].name = "lost";
  service.reals[0].address = test::ip("10.9.0.1");
  service.reals[0].next_hop = "no route";
  service.reals[1].name = "silent";
  service.reals[1].address = test::ip("10.0.0.2");
  service.reals[1].health = Health::kDown;
  service.reals[1].next_hop = "unresolved: 10.0.0.2 on inside";
  service.reals[2] = service.reals[1];
  service.reals[2].health = Health::kUnchecked;
  service.reals[3].next_hop = "reachable via 02:00:00:00:00:01 on inside";
  const Findings found = check_reals({service}, {inside});
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0].grade, Grade::kBad);
  EXPECT_EQ(found[0].remedy, "ip route add 10.9.0.1/32 via GATEWAY dev sh-inside");
  EXPECT_EQ(found[1].grade, Grade::kBad);
  EXPECT_THAT(found[1].remedy, HasSubstr("ping -c 1 -I sh-inside 10.0.0.2"));
  EXPECT_EQ(found[2].grade, Grade::kHint) << "nobody may have asked yet";
  EXPECT_EQ(found[3].grade, Grade::kGood);
}

TEST(CheckVipAnswers, WhoElseAnswersIsNamed) {
  const Findings found = check_vip_answers({{test::ip("192.0.2.10"), "sh-outside", test::mac(9)}}, 1);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].grade, Grade::kBad);
  EXPECT_THAT(found[0].text, HasSubstr("02:00:00:00:00:09 answers ARP for it, too, on sh-outside"));
  EXPECT_EQ(check_vip_answers({}, 3)[0].grade, Grade::kGood);
  EXPECT_TRUE(check_vip_answers({}, 0).empty());
}

// Right, left to hardware, and wrong ones, of both families and protocols.
TEST(CountChecksum, TellsUnfinishedFromWrong) {
  for (const char* client : {"198.51.100.7", "2001:db8::7"}) {
    const char* server = client[1] == '9' ? "192.0.2.10" : "2001:db8::10";
    for (const bool is_tcp : {true, false}) {
      ChecksumCounts counts;
      const auto packet = [&] {
        auto builder = test::a_packet().from(client, 40000).to(server, 80).payload("hello");
        return is_tcp ? builder.tcp(0x18) : builder.udp();
      };
      const size_t l4 = client[1] == '9' ? 34 : 54;
      const size_t place = l4 + (is_tcp ? 16 : 6);
      test::Bytes frame = packet().bytes();
      count_checksum(frame.data(), frame.size(), counts);
      EXPECT_EQ(counts.right, 1u);
      // What the kernel leaves there: the pseudo-header's sum, folded. Summed here by hand, from the frame's own bytes.
      const size_t addresses = client[1] == '9' ? 8 : 32;
      uint32_t sum = (is_tcp ? 6u : 17u) + static_cast<uint32_t>(frame.size() - l4);
      for (size_t i = l4 - addresses; i < l4; i += 2) sum += static_cast<uint32_t>(frame[i] << 8 | frame[i + 1]);
      while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
      frame[place] = static_cast<uint8_t>(sum >> 8);
      frame[place + 1] = static_cast<uint8_t>(sum);
      count_checksum(frame.data(), frame.size(), counts);
      EXPECT_EQ(counts.unfinished, 1u) << client << (is_tcp ? " tcp" : " udp");
      EXPECT_EQ(counts.sender, client);
      frame[place] ^= 0x55;
      count_checksum(frame.data(), frame.size(), counts);
      EXPECT_EQ(counts.wrong, 1u);
      for (size_t bytes = 0; bytes < frame.size(); ++bytes) count_checksum(frame.data(), bytes, counts);
      EXPECT_EQ(counts.right + counts.unfinished + counts.wrong, 3u) << "what is cut short is not judged";
    }
  }
}

TEST(CheckChecksums, UnfinishedOnesAreBad) {
  const Findings found = check_checksums({{"outside", {10, 2, 0, "198.51.100.7"}}, {"inside", {5, 0, 0, ""}}});
  EXPECT_EQ(finding_of({found[1]}, "tx_checksum").grade, Grade::kBad);
  EXPECT_THAT(found[1].text, HasSubstr("2 of 12 packets that came in, the last from 198.51.100.7"));
  EXPECT_EQ(found[0].grade, Grade::kGood);
}

}  // namespace
}  // namespace shunt::control
