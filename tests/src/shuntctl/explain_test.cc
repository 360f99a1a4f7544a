// shuntctl explain: what it asks, and how a person reads the answer.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "src/shuntctl/endpoint_argument.h"
#include "tests/src/shuntctl/fake_daemon.h"

namespace shunt::shuntctl {
namespace {

using testing::HasSubstr;
using testing::Not;

v1::ExplainResponse an_answer() {
  v1::ExplainResponse told;
  told.set_verdict("begins a connection to real web/r1");
  told.set_ingress_port("outside");
  told.set_ingress_assumed(true);
  auto& service = *told.mutable_service();
  service.set_name("web");
  service.set_found_by("port 80 of VIP 192.0.2.10");
  service.set_scheduler(v1::SCHEDULER_WLC);
  service.set_method(v1::METHOD_NAT);
  auto& worker = *told.add_workers();
  worker.set_handles(true);
  worker.set_real("r1");
  worker.set_why("wlc: it has the fewest connections for its weight");
  worker.add_rewrite("destination 192.0.2.10:80 -> 10.0.0.11:8080");
  worker.add_reply_rewrite("source 10.0.0.11:8080 -> 192.0.2.10:80");
  auto& real = *told.add_reals();
  real.set_name("r1");
  real.set_address("10.0.0.11");
  real.set_port(8080);
  real.set_chosen(true);
  real.set_may_be_chosen(true);
  real.set_reason("wlc: it has the fewest connections for its weight");
  real.mutable_next_hop()->set_state(v1::ExplainedNextHop::STATE_REACHABLE);
  real.mutable_next_hop()->set_mac("02:00:00:00:00:0b");
  auto& down = *told.add_reals();
  down.set_name("r2");
  down.set_address("10.0.0.12");
  down.set_port(8080);
  down.set_health(v1::HEALTH_DOWN);
  down.mutable_health_since()->set_seconds(std::time(nullptr) - 125);
  down.set_last_check("connect: connection refused");
  down.mutable_next_hop()->set_state(v1::ExplainedNextHop::STATE_NO_ROUTE);
  return told;
}

TEST(ExplainVerb, SaysThatTheClientIsDenied) {
  FakeDaemon daemon;
  v1::ExplainResponse told = an_answer();
  told.mutable_service()->set_access("denied by 198.51.100.0/24 of access list abusers");
  told.mutable_workers(0)->clear_real();
  told.mutable_workers(0)->set_drop_reason("access_denied");
  told.clear_reals();
  daemon.debug.explained = told;
  const Ended ended = daemon.ctl({"explain", "198.51.100.7:40000", "192.0.2.10:80"});
  EXPECT_THAT(ended.out, HasSubstr("access      denied by 198.51.100.0/24 of access list abusers\n"));
  EXPECT_THAT(ended.out, HasSubstr("drop        access_denied\n"));
}

TEST(ExplainVerb, AsksForThePacketAndShowsTheAnswer) {
  FakeDaemon daemon;
  daemon.debug.explained = an_answer();
  const Ended ended = daemon.ctl({"explain", "198.51.100.7:40000", "192.0.2.10:80", "udp", "--port", "outside"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(daemon.debug.asked_explain.client(), "198.51.100.7");
  EXPECT_EQ(daemon.debug.asked_explain.client_port(), 40000u);
  EXPECT_EQ(daemon.debug.asked_explain.virtual_(), "192.0.2.10");
  EXPECT_EQ(daemon.debug.asked_explain.virtual_port(), 80u);
  EXPECT_EQ(daemon.debug.asked_explain.protocol(), v1::PROTOCOL_UDP);
  EXPECT_EQ(daemon.debug.asked_explain.ingress_port(), "outside");
  for (const char* words : {"verdict     begins a connection to real web/r1", "udp 198.51.100.7:40000 -> 192.0.2.10:80",
                            "web: port 80 of VIP 192.0.2.10; scheduler wlc, method nat", "connection  none yet",
                            "destination 192.0.2.10:80 -> 10.0.0.11:8080", "r1 (10.0.0.11:8080)", "02:00:00:00:00:0b",
                            "down for 2m", "connect: connection refused", "no route"}) {
    EXPECT_THAT(ended.out, HasSubstr(words));
  }
}

TEST(ExplainVerb, ListsEachWorkerWhereTheyDiffer) {
  FakeDaemon daemon;
  daemon.debug.explained = an_answer();
  auto& other = *daemon.debug.explained.add_workers();
  other.set_worker(1);
  other.set_handles(true);
  other.set_real("r9");
  const Ended ended = daemon.ctl({"explain", "[2001:db8::7]:40000", "[2001:db8::10]:80"});
  EXPECT_THAT(ended.out, HasSubstr("worker 0: r1"));
  EXPECT_THAT(ended.out, HasSubstr("worker 1: r9"));
  EXPECT_EQ(daemon.debug.asked_explain.client(), "2001:db8::7");
  EXPECT_EQ(daemon.debug.asked_explain.protocol(), v1::PROTOCOL_TCP);
}

TEST(ExplainVerb, AnswersInJson) {
  FakeDaemon daemon;
  daemon.debug.explained = an_answer();
  const auto answer =
      nlohmann::json::parse(daemon.ctl({"-o", "json", "explain", "198.51.100.7:1", "192.0.2.10:80"}).out);
  EXPECT_EQ(answer["service"]["name"], "web");
  EXPECT_EQ(answer["reals"][1]["last_check"], "connect: connection refused");
}

TEST(ExplainVerb, WhatIsNoEndpointIsSaidSo) {
  FakeDaemon daemon;
  for (const char* wrong : {"192.0.2.10", "192.0.2.10:", ":80", "2001:db8::1:80", "192.0.2.10:8o"}) {
    const Ended ended = daemon.ctl({"explain", wrong, "192.0.2.10:80"});
    EXPECT_EQ(ended.exit, 2) << wrong;
    EXPECT_THAT(ended.err, HasSubstr("needs an address and a port")) << wrong;
  }
}

TEST(Endpoint, TakesBothFamilies) {
  EXPECT_EQ(Endpoint::parse("[2001:db8::1]:443")->address, "2001:db8::1");
  EXPECT_EQ(Endpoint::parse("192.0.2.1:443")->port, 443u);
  EXPECT_FALSE(Endpoint::parse("192.0.2.1:1234567"));
}

}  // namespace
}  // namespace shunt::shuntctl
