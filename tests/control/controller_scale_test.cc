// A state as big as the tables: what is linear takes a second, what is not would take minutes. The bounds are wide,
// since tests run beside others; the measured times are printed.
#include <gmock/gmock.h>

#include <cstdio>

#include "tests/control/controller_rig.h"
#include "tests/support/own_process.h"

namespace shunt::control {
namespace {

constexpr uint32_t kServices = 10000;
constexpr uint32_t kRealsEach = 10;

DesiredState big_state() {
  DesiredState state;
  state.services.reserve(kServices);
  for (uint32_t i = 0; i < kServices; ++i) {
    std::vector<Real> reals;
    for (uint32_t j = 0; j < kRealsEach; ++j) {
      reals.push_back(real_at(IpAddress::from_v4(Be32::from_host(0x0a010000u + (i * 7 + j * 1001) % 60000)).to_string()));
    }
    const auto vip = IpAddress::from_v4(Be32::from_host(0xc0000000u + i)).to_string();
    state.services.push_back(service_at("service-" + std::to_string(i), vip, std::move(reals)));
  }
  return state;
}

class Stopwatch {
 public:
  double ms() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double, std::milli>(now - std::exchange(begun_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

TEST(ControllerScale, TenThousandServicesWithAHundredThousandReals) {
  if (test::ran_in_own_process()) return;
  ControllerRig rig;
  Controller& controller = rig.start();
  DesiredState state = big_state();
  Stopwatch watch;
  ASSERT_TRUE(controller.apply(state, 0, false));
  const double first_ms = watch.ms();

  double edit_ms = 0;
  constexpr int kEdits = 20;
  for (int i = 0; i < kEdits; ++i) {
    const Service& service = state.services[static_cast<size_t>(i) * 499];
    watch.ms();
    ASSERT_TRUE(controller.set_weight(service.name, service.reals[3].name, 5, 0));
    edit_ms += watch.ms() / kEdits;
  }
  // The next full state differs in one service; the weights stay.
  state.services[77].reals.pop_back();
  watch.ms();
  ASSERT_TRUE(controller.apply(state, 0, false));
  const double again_ms = watch.ms();

  // Neighbours come in: no service is made anew.
  std::vector<std::string> neighbours;
  for (uint32_t i = 0; i < 60000; i += 2) {
    neighbours.push_back(IpAddress::from_v4(Be32::from_host(0x0a010000u + i)).to_string());
  }
  const KernelView view = ControllerRig::view(neighbours);
  watch.ms();
  controller.on_kernel_view(view);
  ASSERT_TRUE(controller.set_weight("service-1", state.services[1].reals[0].name, 9, 0));
  const double view_ms = watch.ms();

  ASSERT_EQ(controller.list_services({})->services.size(), kServices);
  const double list_ms = watch.ms();
  ASSERT_TRUE(controller.status());
  const double status_ms = watch.ms();
  std::printf("first apply %.0f ms, one weight %.1f ms, apply of one change %.0f ms, 30,000 neighbours %.0f ms, "
              "list of all %.0f ms, status %.0f ms\n",
              first_ms, edit_ms, again_ms, view_ms, list_ms, status_ms);
  EXPECT_LT(first_ms, 20000);
  EXPECT_LT(edit_ms, 1000);
  EXPECT_LT(again_ms, 10000);
  EXPECT_LT(view_ms, 5000);
  EXPECT_LT(list_ms, 10000);
  EXPECT_LT(status_ms, 5000);
}

}  // namespace
}  // namespace shunt::control
