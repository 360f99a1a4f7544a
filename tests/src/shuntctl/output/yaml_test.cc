#include "src/shuntctl/output/yaml.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <google/protobuf/text_format.h>

#include "config/convert.h"
#include "config/yaml_file.h"

namespace shunt::shuntctl {
namespace {

v1::DesiredState state_of(const char* text) {
  v1::DesiredState state;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &state));
  return state;
}

constexpr const char* kFull = R"(
  timeouts { tcp_established { seconds: 900 } udp { seconds: 1 nanos: 500000000 } }
  local_addresses { name: "pool0" addresses: "10.0.1.250" addresses: "10.0.1.251" port: "inside" }
  services {
    name: "null" protocol: PROTOCOL_TCP address: "203.0.113.10" port: 80 scheduler: SCHEDULER_WLC
    method: METHOD_FULLNAT local_addresses: "pool0" vip_port: "outside"
    reals { name: "10.0.1.1:80" address: "10.0.1.1" port: 80 weight: 0 weight_before_drain: 7 }
    reals { name: "0x10" address: "10.0.1.2" port: 80 weight: 5 }
    health_check { interval { seconds: 5 } timeout { seconds: 2 } rise: 2 fall: 3 }
  }
  services {
    name: "web6" protocol: PROTOCOL_TCP address: "2001:db8::10" port: 80
    reals { name: "[fd00::1]:80" address: "fd00::1" port: 80 weight: 5 }
  }
  services {
    name: "on" protocol: PROTOCOL_UDP address: "203.0.113.11" port: 53 scheduler: SCHEDULER_RR
    method: METHOD_NAT health_check { disabled: true }
  }
  services {
    name: "maglev" protocol: PROTOCOL_TCP address: "203.0.113.12" port: 80 scheduler: SCHEDULER_MH
    scheduler_flags { port: true fallback: false }
  })";

TEST(Yaml, WritesTheFilesForm) {
  EXPECT_EQ(to_yaml(state_of(R"(services { name: "web" protocol: PROTOCOL_TCP address: "203.0.113.10" port: 80
                                 timeouts { udp { seconds: 1 nanos: 500000000 } }
                                 reals { name: "a" address: "10.0.1.1" weight: 0 } })")),
            "services:\n"
            "  - name: web\n"
            "    protocol: tcp\n"
            "    address: \"203.0.113.10\"\n"
            "    port: 80\n"
            "    reals:\n"
            "      - name: a\n"
            "        address: \"10.0.1.1\"\n"
            "        weight: 0\n"
            "    timeouts:\n"
            "      udp: 1500ms\n");
}

TEST(Yaml, ReadsBackToTheSameState) {
  const v1::DesiredState state = state_of(kFull);
  const auto loaded = config::load_yaml_text(to_yaml(state), "written", config::Purpose::kDesiredState);
  for (const auto& problem : loaded.problems) ADD_FAILURE() << config::to_string(problem, "written");
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(config::desired_part(loaded.config), state))
      << to_yaml(state);
}

TEST(Yaml, AnEmptyStateIsAnEmptyMap) { EXPECT_EQ(to_yaml(v1::DesiredState()), "{}\n"); }

}  // namespace
}  // namespace shunt::shuntctl
