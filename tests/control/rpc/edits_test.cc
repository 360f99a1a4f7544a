// Edits of a state, by themselves: what they make of it, what they refuse, and where problems are said to be.
#include "control/rpc/edits.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>

#include "config/validate.h"

namespace shunt::control::rpc {
namespace {

using google::protobuf::TextFormat;
using testing::HasSubstr;

v1::DesiredState start() {
  v1::DesiredState state;
  EXPECT_TRUE(TextFormat::ParseFromString(
      R"(services { name: "web" protocol: PROTOCOL_TCP address: "203.0.113.10" port: 80 scheduler: SCHEDULER_RR
           health_check { rise: 4 fall: 5 }
           reals { name: "a" address: "10.0.1.1" port: 80 weight: 0 weight_before_drain: 3 upper_threshold: 9 }
           reals { address: "2001:db8::1" port: 80 weight: 2 }
           sorry_reals { name: "sorry" address: "10.0.1.9" port: 80 } }
         services { name: "mail" protocol: PROTOCOL_TCP address: "203.0.113.10" port: 25 }
         local_addresses { name: "p" addresses: "10.0.3.1" }
         access_lists { name: "bad" prefixes: "10.0.0.0/8" prefixes: "192.0.2.7" prefixes: "2001:db8::/32" }
         snat { name: "one" sources: "10.0.0.0/24" addresses: "203.0.113.20" }
         snat { name: "two" sources: "10.0.1.0/24" addresses: "203.0.113.20" })",
      &state));
  return state;
}

v1::EditRequest request_of(const std::string& text) {
  v1::EditRequest request;
  EXPECT_TRUE(TextFormat::ParseFromString(text, &request));
  return request;
}

v1::DesiredState edited(const std::string& text) {
  v1::DesiredState state = start();
  const auto refusal = make_edits(request_of(text).edits(), state);
  EXPECT_FALSE(refusal) << refusal->problem.cause;
  return state;
}

EditRefusal refused(const std::string& text) {
  v1::DesiredState state = start();
  const auto refusal = make_edits(request_of(text).edits(), state);
  EXPECT_TRUE(refusal) << text;
  return refusal.value_or(EditRefusal{});
}

TEST(EditsOfState, AddAndRemove) {
  const v1::DesiredState state = edited(R"(edits { remove_service { name: "web" } }
    edits { add_service { service { name: "dns" address: "203.0.113.11" } } }
    edits { add_real { service: "dns" real { address: "10.0.2.1" } sorry: true } }
    edits { remove_local_addresses { name: "p" } } edits { add_local_addresses { pool { name: "q" } } })");
  ASSERT_EQ(state.services_size(), 2);
  EXPECT_EQ(state.services(0).name(), "mail");
  EXPECT_EQ(state.services(1).sorry_reals(0).address(), "10.0.2.1");
  EXPECT_EQ(state.local_addresses(0).name(), "q");
}

TEST(EditsOfState, PrefixesOfAListComeAndGo) {
  const v1::DesiredState state = edited(R"(edits { change_access_list { name: "bad"
      add: "2001:0DB8::/32" add: "198.51.100.0/24" add: "198.51.100.0/24" add: "10.0.0.0/8"
      remove: "192.0.2.7/32" remove: "10.0.0.0/8" remove: "172.16.0.0/12" } }
    edits { add_access_list { list { name: "good" prefixes: "192.0.2.1" } } })");
  ASSERT_EQ(state.access_lists_size(), 2);
  EXPECT_THAT(state.access_lists(0).prefixes(), testing::ElementsAre("2001:db8::/32", "198.51.100.0/24", "10.0.0.0/8"));
  EXPECT_EQ(state.access_lists(1).name(), "good");
  EXPECT_EQ(edited(R"(edits { remove_access_list { name: "bad" } })").access_lists_size(), 0);
}

TEST(EditsOfState, RulesOfSnatComeBehindAndStayInTheirPlaces) {
  const v1::DesiredState state = edited(R"(edits { add_snat_rule { rule { name: "three" sources: "0.0.0.0/0" } } }
    edits { update_snat_rule { rule { name: "one" egress_port: "outside" } } } edits { remove_snat_rule { name: "two" } })");
  ASSERT_EQ(state.snat_size(), 2);
  EXPECT_EQ(state.snat(0).name(), "one");
  EXPECT_EQ(state.snat(0).egress_port(), "outside");
  EXPECT_EQ(state.snat(0).sources(0), "10.0.0.0/24");
  EXPECT_EQ(state.snat(1).name(), "three");
}

TEST(EditsOfState, OnlyEditsOfServicesNameServicesAlone) {
  EXPECT_TRUE(names_services_alone(request_of(R"(edits { remove_service { name: "web" } } edits { add_real { service: "web" } })").edits()));
  for (const char* other : {R"(edits { remove_local_addresses { name: "p" } })", R"(edits { change_access_list { name: "bad" } })",
                            R"(edits { remove_service { name: "web" } } edits { remove_snat_rule { name: "one" } })"}) {
    EXPECT_FALSE(names_services_alone(request_of(other).edits())) << other;
  }
}

TEST(EditsOfState, AMaskSaysWhichFieldsAreTakenOver) {
  const v1::Service named = edited(R"(edits { update_service {
    service { name: "web" scheduler: SCHEDULER_WLC health_check { rise: 9 } }
    update_mask { paths: "health_check.rise" paths: "sorry_reals" } } })").services(0);
  EXPECT_EQ(named.scheduler(), v1::SCHEDULER_RR);
  EXPECT_EQ(named.health_check().rise(), 9U);
  EXPECT_EQ(named.health_check().fall(), 5U);
  EXPECT_EQ(named.sorry_reals_size(), 0);
  EXPECT_EQ(named.reals_size(), 2);
  const v1::Service set = edited(R"(edits { update_service { service { name: "web" scheduler: SCHEDULER_WLC } } })").services(0);
  EXPECT_EQ(set.scheduler(), v1::SCHEDULER_WLC);
  EXPECT_EQ(set.reals_size(), 2);
  const v1::Service all = edited(R"(edits { update_service { service { name: "web" port: 81 } update_mask { paths: "*" } } })").services(0);
  EXPECT_EQ(all.port(), 81U);
  EXPECT_EQ(all.name(), "web");
  EXPECT_EQ(all.reals_size(), 0);
}

TEST(EditsOfState, RealsAreFoundByNameOrEndpointInAnyForm) {
  EXPECT_EQ(edited(R"(edits { remove_real { service: "web" real: "[2001:DB8:0::1]:80" } })").services(0).reals_size(), 1);
  EXPECT_EQ(edited(R"(edits { remove_real { service: "web" real: "sorry" } })").services(0).sorry_reals_size(), 0);
  const v1::Real drained = edited(R"(edits { update_real { service: "web" real: "10.0.1.1:80"
    values { lower_threshold: 4 } } })").services(0).reals(0);
  EXPECT_EQ(drained.lower_threshold(), 4U);
  EXPECT_EQ(drained.upper_threshold(), 9U);
  EXPECT_EQ(drained.weight_before_drain(), 3U) << "it stays drained";
  const v1::Real weighed = edited(R"(edits { update_real { service: "web" real: "a" values { weight: 6 } } })").services(0).reals(0);
  EXPECT_EQ(weighed.weight(), 6U);
  EXPECT_FALSE(weighed.has_weight_before_drain());
}

TEST(EditsOfState, RefusalsNameTheFieldAndTheReason) {
  const struct {
    const char* edit;
    grpc::StatusCode code;
    const char* reason;
    const char* field;
  } cases[] = {
      {R"(edits { add_service { service { name: "web" } } })", grpc::StatusCode::ALREADY_EXISTS, "ALREADY_EXISTS",
       "edits[0].add_service.service.name"},
      {R"(edits { remove_service { name: "mail" } } edits { remove_service { name: "mail" } })", grpc::StatusCode::NOT_FOUND,
       "NOT_FOUND", "edits[1].remove_service.name"},
      {R"(edits { update_real { service: "web" real: "c" } })", grpc::StatusCode::NOT_FOUND, "NOT_FOUND",
       "edits[0].update_real.real"},
      {R"(edits { add_real { service: "wbe" } })", grpc::StatusCode::NOT_FOUND, "NOT_FOUND", "edits[0].add_real.service"},
      {R"(edits { update_service { service { name: "web" } update_mask { paths: "colour" } } })",
       grpc::StatusCode::INVALID_ARGUMENT, "UNKNOWN_FIELD", "edits[0].update_service.update_mask"},
      {R"(edits { update_service { service { name: "web" } update_mask { paths: "name" } } })",
       grpc::StatusCode::INVALID_ARGUMENT, "UNKNOWN_FIELD", "edits[0].update_service.update_mask"},
      {R"(edits { add_local_addresses { pool { name: "p" } } })", grpc::StatusCode::ALREADY_EXISTS, "ALREADY_EXISTS",
       "edits[0].add_local_addresses.pool.name"},
      {R"(edits { change_access_list { name: "worse" } })", grpc::StatusCode::NOT_FOUND, "NOT_FOUND",
       "edits[0].change_access_list.name"},
      {R"(edits { change_access_list { name: "bad" add: "10.0.0.1/8" } })", grpc::StatusCode::INVALID_ARGUMENT, "MALFORMED",
       "edits[0].change_access_list.add[0]"},
      {R"(edits { change_access_list { name: "bad" remove: "192.0.2.7" remove: "him" } })", grpc::StatusCode::INVALID_ARGUMENT,
       "MALFORMED", "edits[0].change_access_list.remove[1]"},
      {R"(edits { add_access_list { list { name: "bad" } } })", grpc::StatusCode::ALREADY_EXISTS, "ALREADY_EXISTS",
       "edits[0].add_access_list.list.name"},
      {R"(edits { update_snat_rule { rule { name: "four" } } })", grpc::StatusCode::NOT_FOUND, "NOT_FOUND",
       "edits[0].update_snat_rule.rule.name"},
      {"edits { }", grpc::StatusCode::INVALID_ARGUMENT, "REQUIRED", "edits[0]"},
  };
  for (const auto& each : cases) {
    const EditRefusal refusal = refused(each.edit);
    EXPECT_EQ(refusal.code, each.code) << each.edit;
    EXPECT_EQ(refusal.problem.reason, each.reason);
    EXPECT_EQ(refusal.problem.field, each.field);
  }
}

TEST(EditsOfState, ProblemsAreSaidToBeWhereTheEditIs) {
  const v1::EditRequest request = request_of(R"(edits { add_service { service { name: "dns" protocol: PROTOCOL_UDP
      address: "203.0.113.11" port: 53 reals { address: "10.0.2.1" weight: 70000 } } } }
    edits { add_real { service: "mail" real { address: "10.0.2.1" weight: 80000 } } }
    edits { update_service { service { name: "web" vip_port: "p0" local_addresses: "p" } } }
    edits { add_snat_rule { rule { name: "wide" sources: "10.0.0.0/24" addresses: "203.0.113.20" first_port: 80 } } }
    edits { add_access_list { list { name: "odd" prefixes: "10.0.0.0/8" prefixes: "him" } } })");
  v1::DesiredState state = start();
  ASSERT_FALSE(make_edits(request.edits(), state));
  std::vector<std::string> fields;
  for (const auto& problem : by_edits(config::validate_desired_state(state), request.edits(), state)) fields.push_back(problem.field);
  EXPECT_THAT(fields, testing::IsSupersetOf({"edits[0].add_service.service.reals[0].weight", "edits[1].add_real.real.weight",
                                             "edits[2].update_service.service.local_addresses",
                                             "edits[3].add_snat_rule.rule.first_port", "edits[4].add_access_list.list.prefixes[1]"}));
}

}  // namespace
}  // namespace shunt::control::rpc
