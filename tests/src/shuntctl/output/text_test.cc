#include "src/shuntctl/output/text.h"

#include <gtest/gtest.h>

namespace shunt::shuntctl {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Text, WordsAreTheYamlFilesWords) {
  EXPECT_EQ(word(v1::SCHEDULER_WLC), "wlc");
  EXPECT_EQ(word(v1::SCHEDULER_TWOS), "twos");
  EXPECT_EQ(word(v1::METHOD_FULLNAT), "fullnat");
  EXPECT_EQ(word(v1::PROTOCOL_UDP), "udp");
  EXPECT_EQ(word(v1::HEALTH_DOWN), "DOWN");
}

TEST(Text, AValueThatOnlyANewerDaemonKnowsIsAQuestionMark) {
  EXPECT_EQ(word(static_cast<v1::Method>(99)), "?");
  EXPECT_EQ(word(v1::METHOD_UNSPECIFIED), "?");
}

TEST(Text, ATunnelSaysItsKind) {
  v1::RealState real;
  real.set_method(v1::METHOD_DIRECT);
  EXPECT_EQ(forward_text(real), "direct");
  real.set_method(v1::METHOD_TUNNEL);
  real.mutable_tunnel()->set_kind(v1::TUNNEL_KIND_IPIP);
  EXPECT_EQ(forward_text(real), "tunnel");
  real.mutable_tunnel()->set_kind(v1::TUNNEL_KIND_GRE);
  real.mutable_tunnel()->set_checksum(v1::TUNNEL_CHECKSUM_NONE);
  EXPECT_EQ(forward_text(real), "tunnel (gre)");
  real.mutable_tunnel()->set_kind(v1::TUNNEL_KIND_GUE);
  real.mutable_tunnel()->set_checksum(v1::TUNNEL_CHECKSUM_FULL);
  real.mutable_tunnel()->set_port(6080);
  EXPECT_EQ(forward_text(real), "tunnel (gue:6080,checksum)");
}

TEST(Text, Ipv6EndpointsHaveBrackets) {
  EXPECT_EQ(endpoint("10.0.0.1", 80), "10.0.0.1:80");
  EXPECT_EQ(endpoint("2001:db8::1", 80), "[2001:db8::1]:80");
}

TEST(Text, CountsKeepThreeDigitsOnceTheyAreLong) {
  EXPECT_EQ(count(0, false), "0");
  EXPECT_EQ(count(99999, false), "99999");
  EXPECT_EQ(count(100000, false), "100k");
  EXPECT_EQ(count(999499, false), "999k");
  EXPECT_EQ(count(999500, false), "1.00M");
  EXPECT_EQ(count(1234567, false), "1.23M");
  EXPECT_EQ(count(12345678901, false), "12.3G");
  EXPECT_EQ(count(UINT64_MAX, false), "18.4E");
}

TEST(Text, ExactCountsAreInFull) { EXPECT_EQ(count(12345678901, true), "12345678901"); }

TEST(Text, ATrickleIsNotShownAsNothing) {
  EXPECT_EQ(rate(0, false), "0");
  EXPECT_EQ(rate(0.01, false), "0.1");
  EXPECT_EQ(rate(2.5, false), "2.5");
  EXPECT_EQ(rate(250.4, false), "250");
  EXPECT_EQ(rate(14880952, false), "14.9M");
  EXPECT_EQ(rate(14880952.25, true), "14880952.25");
}

TEST(Text, BytesAreBinary) {
  EXPECT_EQ(bytes(1023, false), "1023 B");
  EXPECT_EQ(bytes(50331648, false), "48.0 MiB");
  EXPECT_EQ(bytes(50331648, true), "50331648 B");
}

TEST(Text, AgesHaveTwoUnitsAtMost) {
  EXPECT_EQ(age(seconds(-3)), "0s");
  EXPECT_EQ(age(seconds(59)), "59s");
  EXPECT_EQ(age(seconds(60)), "1m");
  EXPECT_EQ(age(seconds(3600 * 3 + 60 * 12)), "3h12m");
  EXPECT_EQ(age(seconds(86400 * 2 + 3600 * 4)), "2d4h");
}

TEST(Text, ExpiryIsIpvsadms) {
  EXPECT_EQ(expiry(milliseconds(898999)), "14:58");
  EXPECT_EQ(expiry(milliseconds(0)), "00:00");
  EXPECT_EQ(expiry(seconds(90610)), "25:10:10");
}

TEST(Text, AnUnsetTimeIsADash) {
  EXPECT_EQ(local_time({}), "-");
  EXPECT_EQ(age_of({}, std::chrono::system_clock::now()), "-");
}

}  // namespace
}  // namespace shunt::shuntctl
