#include "control/service_edit.h"

#include <gmock/gmock.h>

#include "control/controller.h"
#include "tests/control/controller_rig.h"

namespace shunt::control {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

DesiredState with(const std::vector<std::string>& names) {
  DesiredState state;
  for (size_t i = 0; i < names.size(); ++i) {
    state.services.push_back(service_at(names[i], "10.9.9." + std::to_string(i + 1), {real_at("10.1.0.1")}));
  }
  return state;
}

std::vector<std::string> names_of(const DesiredState& state) {
  std::vector<std::string> names;
  for (const Service& service : state.services) names.push_back(service.name);
  return names;
}

TEST(ServiceEdit, TakesPlacesAndGoesBehindAll) {
  DesiredState state = with({"a", "b", "c"});
  Service b = state.services[1];
  b.port = 99;
  make_edits({{{"a", "nobody"}, {b}}, {{}, {service_at("d", "10.9.9.9", {})}}, {{"c"}, {service_at("a", "10.9.9.8", {})}},
              {{"d"}, {service_at("d", "10.9.9.7", {})}}},
             state);
  EXPECT_THAT(names_of(state), ElementsAre("b", "a", "d"));
  EXPECT_EQ(state.services[0].port, 99);
  EXPECT_EQ(state.services[2].address.to_string(), "10.9.9.7");
}

TEST(ServiceEdit, IsWhatLiesBetweenTwoStates) {
  const DesiredState before = with({"a", "b", "c"});
  DesiredState after = with({"b", "d"});
  after.services[0] = before.services[1];
  auto edit = edit_between(before, after);
  ASSERT_TRUE(edit);
  EXPECT_THAT(edit->removed, ElementsAre("a", "c"));
  ASSERT_EQ(edit->set.size(), 1u) << "b stays as it is";
  DesiredState made = before;
  make_edits({*edit}, made);
  EXPECT_EQ(made, after);
  EXPECT_THAT(edit_between(before, before)->set, IsEmpty());
  // Another order, and one that was taken out and put behind.
  EXPECT_FALSE(edit_between(before, with({"b", "a", "c"})));
  EXPECT_FALSE(edit_between(before, with({"x", "a", "b", "c"})));
}

TEST(ServiceEdit, ComesBackFromItsBytes) {
  const StateCodec codec = ControllerRig::codec();
  const ServiceEdit edit{{"a", ""}, with({"b", "c"}).services};
  const std::string bytes = to_bytes(edit, codec);
  const auto read = edit_in(bytes, codec);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->removed, edit.removed);
  EXPECT_EQ(read->set, edit.set);
  for (const size_t size : {0u, 7u, 8u, 15u, 17u}) EXPECT_FALSE(edit_in(bytes.substr(0, size), codec)) << size;
  EXPECT_FALSE(edit_in(std::string(8, '\xff'), codec));
}

TEST(ServiceEdit, NearIsWhoSharesAnAddressThatARuleIsAbout) {
  Service dns = service_at("dns", "10.9.9.1", {real_at("10.1.0.1")});
  const auto near = [&dns](const char* vip, const char* real) {
    Neighbourhood around;
    if (*vip != '\0') around.vips.insert(*IpAddress::parse(vip));
    if (*real != '\0') around.reals.insert(*IpAddress::parse(real));
    return is_near(dns, around);
  };
  EXPECT_TRUE(near("10.9.9.1", ""));
  EXPECT_TRUE(near("", "10.9.9.1"));
  EXPECT_TRUE(near("10.1.0.1", ""));
  EXPECT_TRUE(near("", "10.1.0.1"));
  EXPECT_FALSE(near("10.9.9.2", "10.1.0.2"));
  dns.protocol = Protocol::kTcp;
  EXPECT_FALSE(near("", "10.1.0.1")) << "many services may have a real";
  EXPECT_TRUE(near("10.1.0.1", ""));
  dns.more_vips = {{*IpAddress::parse("10.9.9.7"), {}}};
  EXPECT_TRUE(near("10.9.9.7", ""));
  Neighbourhood matches;
  matches.matches = true;
  EXPECT_FALSE(is_near(dns, matches));
  dns.match.emplace();
  EXPECT_TRUE(is_near(dns, matches));
}

TEST(ServiceEdit, WeightsAndThresholdsAreNoOtherDifference) {
  const auto before = with({"a"}).services;
  auto after = before;
  after[0].reals[0].weight = 9;
  after[0].reals[0].upper_threshold = 9;
  EXPECT_TRUE(differ_in_weights_alone(before, after));
  after[0].reals[0].name = "r";
  EXPECT_FALSE(differ_in_weights_alone(before, after));
  EXPECT_FALSE(differ_in_weights_alone(before, {}));
}

}  // namespace
}  // namespace shunt::control
