// Random states there and back: what undo_of() keeps leads to the state before, whatever changed.
#include "control/history/undo.h"

#include <gmock/gmock.h>

#include <random>

#include "tests/control/controller_rig.h"

namespace shunt::control {
namespace {

// Services s0.. in a random order, some left out, each with random weights, so that two of these differ in all ways.
DesiredState random_state(std::mt19937& random) {
  DesiredState state;
  std::vector<int> names = {0, 1, 2, 3, 4, 5, 6, 7};
  std::shuffle(names.begin(), names.end(), random);
  names.resize(random() % 9);
  for (const int name : names) {
    std::vector<Real> reals;
    for (uint32_t i = 0; i < 1 + random() % 3; ++i) {
      reals.push_back(real_at("10.1.0." + std::to_string(i + 1), static_cast<uint32_t>(random() % 2)));
    }
    state.services.push_back(service_at("s" + std::to_string(name), "10.9.9." + std::to_string(name + 1), reals));
  }
  if (random() % 2 == 0) state.timeouts.values[0] = Milliseconds(1000 * (random() % 3));
  if (random() % 2 == 0) state.sysctls.sloppy_tcp = true;
  if (random() % 2 == 0) state.local_addresses.push_back({"pool", {*IpAddress::parse("10.1.0.250")}, ""});
  return state;
}

TEST(Undo, LeadsFromAnyStateBackToAnyOther) {
  std::mt19937 random(4711);
  for (int i = 0; i < 2000; ++i) {
    const DesiredState before = random_state(random);
    const DesiredState after = random_state(random);
    ASSERT_EQ(undo(after, undo_of(before, after)), before) << i;
  }
}

TEST(Undo, IsAsSmallAsTheChange) {
  DesiredState before;
  for (int i = 0; i < 50; ++i) {
    before.services.push_back(service_at("s" + std::to_string(i), "10.9.9." + std::to_string(i + 1), {real_at("10.1.0.1")}));
  }
  DesiredState after = before;
  after.services[7].reals[0].weight = 5;
  after.services.push_back(service_at("new", "10.9.8.1", {real_at("10.1.0.1")}));
  const Undo way_back = undo_of(before, after);
  EXPECT_EQ(way_back.before.services, (std::vector<Service>{before.services[7]}));
  EXPECT_EQ(way_back.added, (std::vector<std::string>{"new"}));
  EXPECT_TRUE(way_back.order.empty());
}

}  // namespace
}  // namespace shunt::control
