// What newer figures do to an older list of services, and when it is too old for them.
#include "src/shuntctl/top/figures.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

namespace shunt::shuntctl {
namespace {

template <typename Message>
Message of(const char* text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

v1::ListServicesResponse list() {
  return of<v1::ListServicesResponse>(R"(
    services { name: "dns" active_connections: 5 }
    services { name: "web" active_connections: 1 rates { connections: 1 }
      reals { name: "a" health: HEALTH_UP effective_weight: 1 }
      reals { name: "b" health: HEALTH_UP inhibition {} }
      reals { name: "old" health: HEALTH_DOWN removed: true active_connections: 3 } })");
}

v1::Stats look() {
  return of<v1::Stats>(R"(
    services { name: "dns" active_connections: 6 }
    services { name: "web" active_connections: 7 inactive_connections: 8 rates { connections: 9 }
      reals: 2 reals_up: 1
      real_stats { name: "a" health: HEALTH_UP effective_weight: 4 active_connections: 5 }
      real_stats { name: "b" health: HEALTH_UP }
      real_stats { name: "old" health: HEALTH_DOWN removed: true active_connections: 2 } })");
}

TEST(Figures, NewerOnesTakeThePlaceOfTheLists) {
  v1::ListServicesResponse services = list();
  lay_over(look(), services);
  EXPECT_EQ(services.services(0).active_connections(), 6U);
  const v1::ServiceState& web = services.services(1);
  EXPECT_EQ(web.active_connections(), 7U);
  EXPECT_EQ(web.inactive_connections(), 8U);
  EXPECT_EQ(web.rates().connections(), 9);
  EXPECT_EQ(web.reals(0).effective_weight(), 4U);
  EXPECT_EQ(web.reals(0).active_connections(), 5U);
  EXPECT_EQ(web.reals(2).active_connections(), 2U);
}

TEST(Figures, OfAnotherRealAreNotPutIntoItsPlace) {
  v1::Stats other = look();
  other.mutable_services(1)->mutable_real_stats(1)->set_name("c");
  v1::ListServicesResponse services = list();
  lay_over(other, services);
  EXPECT_EQ(services.services(1).reals(0).active_connections(), 5U);
  EXPECT_EQ(services.services(1).reals(2).active_connections(), 3U);
}

TEST(Figures, ThatAgreeWithTheListLeaveItInForce) {
  EXPECT_FALSE(contradicts(look(), list()));
  v1::Stats without_reals = look();
  without_reals.mutable_services(1)->clear_real_stats();
  EXPECT_FALSE(contradicts(without_reals, list()));
}

TEST(Figures, OfOtherStatesContradictTheList) {
  const auto contradicted_by = [](auto&& change) {
    v1::Stats stats = look();
    change(*stats.mutable_services(1));
    return contradicts(stats, list());
  };
  using Stats = v1::ServiceStats;
  EXPECT_TRUE(contradicted_by([](Stats& web) { web.set_reals_up(2); }));
  EXPECT_TRUE(contradicted_by([](Stats& web) { web.set_reals(3); }));
  EXPECT_TRUE(contradicted_by([](Stats& web) { web.set_name("another"); }));
  EXPECT_TRUE(contradicted_by([](Stats& web) { web.mutable_real_stats()->RemoveLast(); }));
  EXPECT_TRUE(
      contradicted_by([](Stats& web) { web.mutable_real_stats(0)->set_health(v1::HEALTH_DOWN); }));
  EXPECT_TRUE(contradicted_by([](Stats& web) { web.mutable_real_stats(0)->set_draining(true); }));
}

}  // namespace
}  // namespace shunt::shuntctl
