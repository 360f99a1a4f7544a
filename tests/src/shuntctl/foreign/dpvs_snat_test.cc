#include "src/shuntctl/foreign/dpvs_snat.h"

#include <gmock/gmock.h>

#include "src/shuntctl/foreign/import_dpvs.h"

namespace shunt::shuntctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Imported of(const std::string& text) { return import_dpvs({{"setup.sh", text}}, "lb1"); }

TEST(DpvsSnat, AServiceByMatchBecomesARule) {
  const Imported result = of(
      "-A -H proto=tcp,src-range=10.0.0.0-10.0.0.255,dst-range=198.51.100.7,oif=outside -s rr --conn-timeout 600\n"
      "-a -H proto=tcp,src-range=10.0.0.0-10.0.0.255,dst-range=198.51.100.7,oif=outside -r 203.0.113.1:0 -J -w 100\n"
      "-a -H proto=tcp,src-range=10.0.0.0-10.0.0.255,dst-range=198.51.100.7,oif=outside -r 203.0.113.2:0 -J -w 100\n"
      "-A -H proto=icmp,src-range=10.0.0.1-10.0.0.6 -s rr\n"
      "-a -H proto=icmp,src-range=10.0.0.1-10.0.0.6 -r 203.0.113.1:0 -J\n");
  EXPECT_THAT(result.faults, IsEmpty());
  const v1::Config config = assemble(result.draft);
  ASSERT_EQ(config.snat_size(), 2);
  const v1::SnatRule& tcp = config.snat(0);
  EXPECT_EQ(tcp.name(), "snat-tcp-1");
  EXPECT_THAT(tcp.sources(), ElementsAre("10.0.0.0/24"));
  EXPECT_THAT(tcp.destinations(), ElementsAre("198.51.100.7/32"));
  EXPECT_THAT(tcp.addresses(), ElementsAre("203.0.113.1", "203.0.113.2"));
  EXPECT_THAT(tcp.protocols(), ElementsAre(v1::PROTOCOL_TCP));
  EXPECT_EQ(tcp.egress_port(), "outside");
  EXPECT_EQ(tcp.timeouts().tcp_established().seconds(), 600);
  EXPECT_THAT(config.snat(1).sources(), ElementsAre("10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/31", "10.0.0.6/32"));
  EXPECT_THAT(config.snat(1).protocols(), ElementsAre(v1::PROTOCOL_ICMP));
  EXPECT_THAT(all_notes(result.draft), IsEmpty());
}

TEST(DpvsSnat, Ipv6HasBracketsOrNone) {
  for (const char* range : {"[2001:db8::-2001:db8::ff]:0", "2001:db8::-2001:db8::ff"}) {
    const std::string match = "proto=udp,src-range=" + std::string(range);
    const Imported result = of("-A -H " + match + " -s rr\n-a -H " + match + " -r [2001:db8:1::5]:0 -J\n");
    ASSERT_EQ(result.draft.config.snat_size(), 1) << range;
    EXPECT_THAT(result.draft.config.snat(0).sources(), ElementsAre("2001:db8::/120"));
    EXPECT_THAT(result.draft.config.snat(0).addresses(), ElementsAre("2001:db8:1::5"));
  }
}

TEST(DpvsSnat, WhatARuleCannotSayIsNamed) {
  const Imported result = of(
      "-A -H proto=tcp,src-range=10.0.0.1:1-99 -s rr\n-a -H proto=tcp,src-range=10.0.0.1:1-99 -r 203.0.113.1:0 -J\n"
      "-A -H proto=tcp,oif=dpdk1 -s rr\n-a -H proto=tcp,oif=dpdk1 -r 203.0.113.2:0 -J\n"
      "-A -H proto=udp,src-range=10.0.0.1 -s rr\n");
  std::vector<std::string> notes;
  for (const Note& note : all_notes(result.draft)) notes.push_back(to_string(note));
  EXPECT_THAT(notes, ElementsAre(HasSubstr("its src-range names ports"), HasSubstr("it has no address"),
                                 HasSubstr("egress_port \"dpdk1\" is not a port")));
  // Without its port the second would be for what leaves by any.
  EXPECT_THAT(result.draft.config.snat(), SizeIs(1));
}

TEST(DpvsSnat, KeepalivedHasThemAsVirtualServersByMatch) {
  const Imported result = import_dpvs({{"keepalived.conf", R"(virtual_server match SNAT1 {
    protocol UDP
    lb_algo rr
    lb_kind SNAT
    src-range 10.0.0.0-10.0.0.255
    real_server 203.0.113.1 0 {
        weight 4
    }
}
)"}}, "lb1");
  ASSERT_EQ(result.draft.config.snat_size(), 1);
  EXPECT_THAT(result.draft.config.snat(0).sources(), ElementsAre("10.0.0.0/24"));
  EXPECT_THAT(result.draft.config.snat(0).protocols(), ElementsAre(v1::PROTOCOL_UDP));
  EXPECT_THAT(result.draft.config.snat(0).addresses(), ElementsAre("203.0.113.1"));
}

}  // namespace
}  // namespace shunt::shuntctl
