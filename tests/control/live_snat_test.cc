// Rules of snat from the desired state to the snapshot, their slots and counters, and what their changes are called.
#include "control/live_snat.h"

#include <gmock/gmock.h>

#include "control/diff.h"
#include "control/live_state.h"

namespace shunt::control {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

SnatRule rule(const std::string& name, const std::string& source = "10.0.0.0/24", const std::string& pool = "192.0.2.50") {
  SnatRule result;
  result.name = name;
  result.sources = {*Prefix::parse(source)};
  result.protocols = {Protocol::kTcp, Protocol::kUdp, Protocol::kIcmp};
  result.addresses = {*AddressRange::parse(pool)};
  return result;
}

class LiveSnatTest : public testing::Test {
 protected:
  void replace(std::vector<SnatRule> rules) {
    DesiredState state = live_.desired();
    state.snat = std::move(rules);
    ASSERT_TRUE(live_.fits(state));
    live_.replace(std::move(state));
    live_.flush();
    snapshot_ = builder_.build();
  }
  // The rule's place, or -1.
  int found(const std::string& source, const std::string& destination, uint8_t protocol = 6, uint16_t port = 443,
            uint16_t in_port = 1) const {
    const uint32_t at = snapshot_->snat_matches.find(
        {*IpAddress::parse(source), *IpAddress::parse(destination), {}, Be16::from_host(port), protocol}, in_port);
    return at == dataplane::MatchTable::kNone ? -1 : static_cast<int>(snapshot_->snat_matches.services[at]);
  }

  Slots slots_{4, 4};
  SnapshotBuilder builder_;
  uint64_t exhausted_ = 7;
  LiveState live_{slots_, builder_, [](RealId) { return Traffic{}; }, {{"outside", 0}, {"inside", 1}}, {}, 1,
                  [this](uint32_t) { return exhausted_; }};
  std::unique_ptr<const dataplane::Snapshot> snapshot_;
};

TEST_F(LiveSnatTest, RulesAreFoundInTheirOrder) {
  SnatRule narrow = rule("narrow", "10.0.0.0/28", "192.0.2.51");
  narrow.protocols = {Protocol::kTcp};
  narrow.destinations = {*Prefix::parse("198.51.100.0/24")};
  narrow.ingress_port = "inside";
  replace({narrow, rule("wide"), rule("six", "2001:db8::/64", "2001:db8:1::50/126")});
  EXPECT_EQ(found("10.0.0.1", "198.51.100.7"), 0);
  EXPECT_EQ(found("10.0.0.1", "198.51.100.7", 17), 1);
  EXPECT_EQ(found("10.0.0.1", "198.51.101.7"), 1);
  EXPECT_EQ(found("10.0.0.1", "198.51.100.7", 6, 443, 0), 1) << "another ingress port";
  EXPECT_EQ(found("10.0.0.99", "198.51.100.7"), 1);
  EXPECT_EQ(found("10.0.1.1", "198.51.100.7"), -1);
  EXPECT_EQ(found("10.0.0.1", "198.51.100.7", 1, 0), 1) << "an echo request";
  EXPECT_EQ(found("10.0.0.1", "198.51.100.7", 1, 9), -1) << "an echo reply";
  EXPECT_EQ(found("10.0.0.1", "198.51.100.7", 132), -1) << "SCTP";
  EXPECT_EQ(found("2001:db8::1", "2001:db8:9::1", 58, 0), 2);
  EXPECT_EQ(found("2001:db8::1", "2001:db8:9::1", 1, 0), -1);
  EXPECT_THAT(snapshot_->snat_rules[2].addresses, SizeIs(4));
  for (const dataplane::SnatEntry& entry : snapshot_->snat_rules) {
    EXPECT_EQ(snapshot_->reals[entry.real.index].method, Method::kSnat);
    EXPECT_EQ(snapshot_->reals[entry.real.index].way_out.mtu, 0);
  }
}

TEST_F(LiveSnatTest, ThePoolIsOurs) {
  replace({rule("egress", "10.0.0.0/24", "192.0.2.50-192.0.2.51")});
  using Kind = dataplane::AddressSlot::Kind;
  EXPECT_EQ(snapshot_->kinds_of(*IpAddress::parse("192.0.2.51")), bit(Kind::kLocal));
  replace({});
  EXPECT_EQ(snapshot_->kinds_of(*IpAddress::parse("192.0.2.51")), 0);
  EXPECT_THAT(snapshot_->snat_rules, IsEmpty());
}

TEST_F(LiveSnatTest, ARulesSlotIsItsNames) {
  replace({rule("a"), rule("b")});
  const LiveSnatRule a = live_.snat()[0];
  const LiveSnatRule b = live_.snat()[1];
  EXPECT_NE(a.real, b.real);
  EXPECT_NE(a.counter, b.counter);
  EXPECT_EQ(a.exhausted_base, 7u);
  exhausted_ = 9;
  SnatRule changed = rule("a", "10.1.0.0/16", "192.0.2.99");
  replace({rule("b"), changed});
  EXPECT_EQ(live_.snat()[0].real, b.real);
  EXPECT_EQ(live_.snat()[1].real, a.real);
  EXPECT_EQ(live_.snat()[1].counter, a.counter);
  EXPECT_EQ(live_.snat()[1].exhausted_base, 7u);
  replace({rule("b")});
  EXPECT_THAT(slots_.removed_reals(), ElementsAre(a.real));
  const auto freed = slots_.free_idle(builder_.version(), [](RealId) { return uint64_t{0}; },
                                      [](RealId) { return Traffic{}; });
  EXPECT_THAT(freed, SizeIs(1));
  replace({rule("b"), rule("c")});
  EXPECT_EQ(live_.snat()[1].counter, a.counter) << "nobody else's by now";
  EXPECT_EQ(live_.snat()[1].exhausted_base, 9u);
}

TEST_F(LiveSnatTest, TimeoutsAreTheRulesThenTheStatesThenANats) {
  using dataplane::ConnectionState;
  const auto timeout = [&](size_t index, ConnectionState state) {
    const uint16_t set = snapshot_->reals[live_.snat()[index].real.index].timeouts;
    return snapshot_->timeouts[set][static_cast<size_t>(state)];
  };
  SnatRule own = rule("own");
  own.timeouts.values[static_cast<size_t>(ConnectionState::kUdp)] = Milliseconds(5000);
  replace({own, rule("plain")});
  EXPECT_EQ(timeout(0, ConnectionState::kUdp), 5000u);
  EXPECT_EQ(timeout(1, ConnectionState::kUdp), 300'000u);
  EXPECT_EQ(timeout(1, ConnectionState::kEstablished), 7'440'000u);
  EXPECT_EQ(timeout(1, ConnectionState::kIcmp), 60'000u);
  DesiredState state = live_.desired();
  state.timeouts.values[static_cast<size_t>(ConnectionState::kEstablished)] = Milliseconds(9000);
  live_.replace(state);
  live_.flush();
  snapshot_ = builder_.build();
  EXPECT_EQ(timeout(1, ConnectionState::kEstablished), 9000u);
}

TEST_F(LiveSnatTest, RulesTakeSlots) {
  DesiredState state;
  for (int i = 0; i < 5; ++i) state.snat.push_back(rule("r" + std::to_string(i)));
  const auto fits = live_.fits(state);
  ASSERT_FALSE(fits);
  EXPECT_THAT(fits.error().message, testing::HasSubstr("5 new ones, place for 4"));
}

TEST(SnatDifferences, NameRulesAndTheirFields) {
  using Kind = Change::Kind;
  DesiredState before;
  before.snat = {rule("a"), rule("b")};
  DesiredState after = before;
  after.snat[0].addresses = {*AddressRange::parse("192.0.2.60/31")};
  after.snat[0].egress_port = "outside";
  EXPECT_THAT(differences(before, after),
              ElementsAre(Change{Kind::kChanged, "snat a",
                                 {"egress_port: default -> outside", "addresses: +192.0.2.60/31", "addresses: -192.0.2.50"}}));
  std::swap(after.snat[0], after.snat[1]);
  after.snat[1] = rule("a");
  EXPECT_THAT(differences(before, after), ElementsAre(Change{Kind::kChanged, "snat", {"order: a, b -> b, a"}}));
  after.snat = {rule("b")};
  EXPECT_THAT(differences(before, after), ElementsAre(Change{Kind::kRemoved, "snat a", {}}));
  EXPECT_EQ(differences(after, before)[0].kind, Kind::kAdded);
}

}  // namespace
}  // namespace shunt::control
