// Edits of the live state beside whole states: both ways end at the same workers' tables and the same overrides.
#include <gmock/gmock.h>

#include <map>
#include <random>

#include "control/live_state.h"

namespace shunt::control {
namespace {

struct Side {
  Slots slots{4000, 400};
  SnapshotBuilder builder;
  LiveState live{slots, builder, [](RealId) { return Traffic{}; }, {{"outside", 0}}};
  std::unique_ptr<const dataplane::Snapshot> snapshot;

  void build() {
    live.flush();
    snapshot = builder.build();
  }
  // By service: what it is found by, its priority among matches and its reals with their weights.
  std::map<std::string, std::string> told() const {
    std::map<std::string, std::string> result;
    for (const auto& entry : snapshot->services) {
      std::map<std::string, std::string> reals;
      for (const auto* list : {&entry.candidates, &entry.sorry}) {
        for (const auto& each : *list) {
          const auto& real = snapshot->reals[each.id.index];
          reals[real.address.to_string()] = std::to_string(each.weight) + "/" + std::to_string(each.table_weight);
        }
      }
      std::string text = entry.address.to_string() + ":" + std::to_string(entry.port.host()) + " " +
                         std::to_string(static_cast<int>(entry.scheduler));
      for (const auto& [address, weight] : reals) text += " " + address + "=" + weight;
      result[slots.service(entry.id).name] = text;
    }
    return result;
  }
  std::string first_match(const std::string& vip) const {
    const auto* service = snapshot->find_service(
        {*IpAddress::parse("198.51.100.7"), *IpAddress::parse(vip), {}, Be16::from_host(7), 6}, 0);
    return service == nullptr ? "-" : slots.service(service->id).name;
  }
};

std::vector<std::string> names_of(const std::vector<KeptOverride>& overrides) {
  std::vector<std::string> names;
  for (const auto& each : overrides) names.push_back(each.service + "/" + each.real);
  std::sort(names.begin(), names.end());
  return names;
}

class Edits {
 public:
  explicit Edits(unsigned seed) : random_(seed) {}

  unsigned below(size_t limit) { return std::uniform_int_distribution<unsigned>(0, static_cast<unsigned>(limit) - 1)(random_); }

  // A service of the name with any VIP that no other has.
  Service service(const std::string& name, const DesiredState& state) {
    Service result;
    result.name = name;
    if (below(5) == 0) {
      result.match.emplace();
      result.match->vips = {*Prefix::parse("10.9." + std::to_string(below(3)) + ".0/24"), *Prefix::parse("10.8.0.0/16")};
    } else {
      result.address = *IpAddress::parse("192.0.2." + std::to_string(below(250)));
      result.port = 80;
      for (const Service& each : state.services) {
        if (each.name != name && !each.match && each.address == result.address) return service(name, state);
      }
    }
    result.scheduler = below(2) == 0 ? SchedulerKind::kWrr : SchedulerKind::kMh;
    result.method = below(4) == 0 ? Method::kDirect : Method::kNat;
    result.slow_start = Milliseconds(below(4) == 0 ? 60'000 : 0);
    return with_reals(std::move(result));
  }
  Service with_reals(Service service) {
    service.reals.clear();
    const unsigned first = below(8);
    for (unsigned i = first; i < first + 1 + below(4); ++i) {
      Real real;
      real.address = *IpAddress::parse("10.0.0." + std::to_string(i + 1));
      real.port = service.match ? uint16_t{0} : uint16_t{80};
      real.name = address_and_port(real.address, real.port);
      real.weight = below(5);
      real.sorry = below(6) == 0;
      service.reals.push_back(real);
    }
    return service;
  }
  ServiceEdit edit(const DesiredState& state) {
    ServiceEdit edit;
    DesiredState next = state;
    for (unsigned i = 0; i < 1 + below(3); ++i) {
      const std::string name = "s" + std::to_string(below(12));
      const auto known = std::find_if(next.services.begin(), next.services.end(),
                                      [&name](const Service& each) { return each.name == name; });
      if (std::any_of(edit.set.begin(), edit.set.end(), [&](const Service& each) { return each.name == name; })) continue;
      if (known != next.services.end() && below(4) == 0) {
        edit.removed.push_back(name);
        next.services.erase(known);
      } else if (known != next.services.end() && below(3) != 0) {
        *known = with_reals(*known);
        edit.set.push_back(*known);
      } else {
        const Service made = service(name, next);
        if (known != next.services.end()) *known = made;
        else next.services.push_back(made);
        edit.set.push_back(made);
      }
    }
    return edit;
  }

 private:
  std::mt19937 random_;
};

TEST(LiveEdits, EndWhereWholeStatesEnd) {
  const SteadyTime now{};
  for (unsigned seed = 1; seed <= 40; ++seed) {
    Edits edits(seed);
    Side edited;
    Side replaced;
    edited.build();
    replaced.build();
    for (int step = 0; step < 60; ++step) {
      const ServiceEdit edit = edits.edit(edited.live.desired());
      DesiredState next = replaced.live.desired();
      make_edits({edit}, next);
      ASSERT_TRUE(edited.live.fits(next));
      const auto lost = edited.live.edit(edit, now);
      const auto expected = replaced.live.replace(next, now);
      // Sometimes several changes share a snapshot.
      if (edits.below(3) != 0) {
        edited.build();
        replaced.build();
        ASSERT_EQ(edited.told(), replaced.told()) << "seed " << seed << " step " << step;
        for (const char* vip : {"10.9.0.1", "10.9.1.1", "10.9.2.1", "10.8.0.1"}) {
          ASSERT_EQ(edited.first_match(vip), replaced.first_match(vip)) << "seed " << seed << " step " << step;
        }
      }
      ASSERT_EQ(edited.live.desired(), next) << "seed " << seed << " step " << step;
      ASSERT_EQ(names_of(lost), names_of(expected)) << "seed " << seed << " step " << step;
      ASSERT_EQ(names_of(edited.live.overrides()), names_of(replaced.live.overrides())) << "seed " << seed << " step " << step;
      ASSERT_TRUE(std::is_sorted(edited.live.overridden().begin(), edited.live.overridden().end()));
      for (uint32_t i = 0; i < next.services.size(); ++i) {
        ASSERT_EQ(edited.live.find_service(next.services[i].name), i);
        ASSERT_EQ(edited.live.live(i).reals.size(), next.services[i].reals.size());
      }
      if (next.services.empty()) continue;
      const uint32_t place = edits.below(next.services.size());
      if (next.services[place].reals.empty()) continue;
      const RealPlace real{place, edits.below(next.services[place].reals.size())};
      Override value;
      if (edits.below(3) != 0) value.weight = WeightOverride{edits.below(9), {}, {}, "me"};
      edited.live.set_override(real, value);
      replaced.live.set_override(real, value);
    }
  }
}

TEST(LiveEdits, OtherServicesAreNotTouched) {
  Side side;
  DesiredState state;
  for (int i = 0; i < 3; ++i) {
    Service service;
    service.name = "s" + std::to_string(i);
    service.address = *IpAddress::parse("192.0.2." + std::to_string(i + 1));
    service.port = 80;
    service.scheduler = SchedulerKind::kWrr;
    Real real;
    real.address = *IpAddress::parse("10.0.0.1");
    real.port = 80;
    real.name = "10.0.0.1:80";
    service.reals = {real};
    state.services.push_back(service);
  }
  side.live.replace(state);
  side.build();
  const auto generation = [&side](const char* vip) {
    return side.snapshot->find_service(6, *IpAddress::parse(vip), Be16::from_host(80))->generation;
  };
  const auto before = generation("192.0.2.3");
  Service changed = state.services[1];
  changed.reals[0].weight = 9;
  side.live.edit({{"s0"}, {changed}});
  side.build();
  EXPECT_EQ(generation("192.0.2.3"), before);
  EXPECT_EQ(side.snapshot->services.size(), 2u);
  EXPECT_EQ(side.live.service({0, 0}).reals[0].weight, 9u);
}

}  // namespace
}  // namespace shunt::control
