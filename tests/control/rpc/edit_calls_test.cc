// Edits as a client of the socket sees them.
#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <thread>

#include "control/rpc/edits.h"
#include "tests/control/rpc/api_rig.h"
#include "tests/support/own_process.h"

namespace shunt::control::rpc {
namespace {

v1::EditRequest adding(const std::string& address) {
  v1::EditRequest request;
  auto& add = *request.add_edits()->mutable_add_real();
  add.set_service("dns");
  add.mutable_real()->set_address(address);
  return request;
}

TEST(EditCalls, ABatchIsOneRevisionOrNothing) {
  if (test::ran_in_own_process()) return;
  ApiRig api;
  v1::EditRequest request = adding("10.1.0.3");
  request.add_edits()->mutable_remove_real()->set_service("dns");
  v1::ApplyResponse response;
  const grpc::Status refused = api.call(&v1::Shunt::Stub::Edit, request, response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(details_in(refused).at(0).field(), "edits[1].remove_real.real");
  EXPECT_EQ(api.get().revision(), 1U);
  request.mutable_edits(1)->mutable_remove_real()->set_real("10.1.0.1:53");
  request.set_expected_revision(1);
  request.set_dry_run(true);
  ASSERT_TRUE(api.call(&v1::Shunt::Stub::Edit, request, response).ok());
  EXPECT_EQ(api.get().revision(), 1U);
  request.set_dry_run(false);
  request.set_idempotency_key("once");
  ASSERT_TRUE(api.call(&v1::Shunt::Stub::Edit, request, response).ok());
  EXPECT_EQ(response.revision(), 2U);
  EXPECT_EQ(response.changes_size(), 2);
  v1::ApplyResponse again;
  ASSERT_TRUE(api.call(&v1::Shunt::Stub::Edit, request, again).ok());
  EXPECT_EQ(again.SerializeAsString(), response.SerializeAsString());
  EXPECT_EQ(api.get().revision(), 2U);
  request.clear_idempotency_key();
  const grpc::Status late = api.call(&v1::Shunt::Stub::Edit, request, response);
  EXPECT_EQ(late.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(details_in(late).at(0).reason(), "REVISION_CONFLICT");
  v1::HistoryResponse history;
  ASSERT_TRUE(api.call(&v1::Shunt::Stub::History, v1::HistoryRequest(), history).ok());
  EXPECT_EQ(history.revisions(0).what(), "add real dns/10.1.0.3, remove real dns/10.1.0.1:53");
}

TEST(EditCalls, ProblemsHaveTheEditsFields) {
  if (test::ran_in_own_process()) return;
  ApiRig api;
  v1::EditRequest request = adding("10.1.0.3");
  request.mutable_edits(0)->mutable_add_real()->mutable_real()->set_weight(70000);
  v1::ApplyResponse response;
  const grpc::Status refused = api.call(&v1::Shunt::Stub::Edit, request, response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(details_in(refused).at(0).field(), "edits[0].add_real.real.weight");
  EXPECT_EQ(details_in(refused).at(0).reason(), "OUT_OF_RANGE");
}

v1::Service service_at(const std::string& name, const std::string& vip, const std::string& real) {
  v1::Service service;
  service.set_name(name);
  service.set_protocol(v1::PROTOCOL_UDP);
  service.set_address(vip);
  service.set_port(53);
  service.set_scheduler(v1::SCHEDULER_RR);
  service.add_reals()->set_address(real);
  return service;
}

// A state with something of everything that services can contradict.
v1::DesiredState crowded() {
  v1::DesiredState state;
  auto& pool = *state.add_local_addresses();
  pool.set_name("locals");
  pool.add_addresses("10.1.9.1");
  auto& list = *state.add_access_lists();
  list.set_name("abusers");
  list.add_prefixes("10.7.0.0/16");
  *state.add_services() = service_at("one", "10.9.9.1", "10.1.0.1");
  *state.add_services() = service_at("two", "10.9.9.2", "10.1.0.2");
  auto& range = *state.add_services();
  range = service_at("range", "10.9.9.3", "10.1.0.3");
  range.set_port(1000);
  range.set_last_port(2000);
  auto& single = *state.add_services();
  single = service_at("single", "10.9.9.4", "10.1.0.4");
  single.set_one_packet(true);
  auto& match = *state.add_services();
  match.set_name("match");
  match.set_protocol(v1::PROTOCOL_UDP);
  match.set_scheduler(v1::SCHEDULER_RR);
  match.mutable_match()->add_vips("10.8.0.0/16");
  match.mutable_match()->add_vips("10.9.9.5/32");
  match.add_reals()->set_address("10.1.0.5");
  return state;
}

struct Contradiction {
  const char* what;
  std::function<void(v1::Edit&)> edit;
  // Empty: there is none.
  const char* field;
};

std::vector<Contradiction> contradictions() {
  const auto add = [](v1::Service service) {
    return [service](v1::Edit& edit) { *edit.mutable_add_service()->mutable_service() = service; };
  };
  const auto add_real = [](const char* service, const char* address) {
    return [=](v1::Edit& edit) {
      edit.mutable_add_real()->set_service(service);
      edit.mutable_add_real()->mutable_real()->set_address(address);
    };
  };
  const auto update = [](const char* name, const std::function<void(v1::Service&)>& fill) {
    return [=](v1::Edit& edit) {
      edit.mutable_update_service()->mutable_service()->set_name(name);
      fill(*edit.mutable_update_service()->mutable_service());
    };
  };
  v1::Service crossing = service_at("new", "10.9.9.3", "10.1.0.9");
  crossing.set_port(1500);
  crossing.set_last_port(2500);
  v1::Service within = crossing;
  within.set_last_port(1600);
  v1::Service same_match = crowded().services(4);
  same_match.set_name("new");
  same_match.mutable_match()->mutable_vips()->SwapElements(0, 1);
  v1::Service more = service_at("new", "10.9.9.9", "10.1.0.9");
  more.add_more_vips()->set_address("10.9.9.2");
  more.mutable_more_vips(0)->set_port(53);
  return {
      {"a VIP and port that another has", add(service_at("new", "10.9.9.2", "10.1.0.9")), "edits[0].add_service.service.port"},
      {"one more VIP that another has", add(more), "edits[0].add_service.service.more_vips[0].port"},
      {"a VIP that is another's real", add(service_at("new", "10.1.0.1", "10.1.0.9")), nullptr},
      {"a VIP that is a local address", add(service_at("new", "10.1.9.1", "10.1.0.9")), nullptr},
      {"a VIP that is a match's", add(service_at("new", "10.9.9.5", "10.1.0.9")), ""},
      {"a real that is a match's VIP", add_real("one", "10.9.9.5"), "edits[0].add_real.real.address"},
      {"a real that is another's VIP", add_real("one", "10.9.9.2"), "edits[0].add_real.real.address"},
      {"a real that is its own VIP", add_real("one", "10.9.9.1"), "edits[0].add_real.real.address"},
      {"a real that is a local address", add_real("one", "10.1.9.1"), nullptr},
      {"a real that another has", add_real("one", "10.1.0.2"), ""},
      {"a real that a one-packet service has", add_real("one", "10.1.0.4"), "edits[0].add_real.real"},
      {"ports that cross another's", add(crossing), "edits[0].add_service.service.port"},
      {"ports within another's", add(within), ""},
      {"a match that another has", add(same_match), "edits[0].add_service.service.match"},
      {"a VIP changed to another's", update("one", [](v1::Service& s) { s.set_address("10.9.9.2"); }),
       "edits[0].update_service.service.port"},
      {"one-packet, with a real that another has",
       update("single", [](v1::Service& s) { *s.mutable_reals() = service_at("x", "10.9.9.9", "10.1.0.1").reals(); }),
       "edits[0].update_service.service.reals[0]"},
      {"a pool that there is not", update("one", [](v1::Service& s) {
         s.set_method(v1::METHOD_FULLNAT);
         s.set_local_addresses("nowhere");
       }), "edits[0].update_service.service.local_addresses"},
      {"an access list that there is", update("one", [](v1::Service& s) { s.mutable_access()->add_deny_lists("abusers"); }), ""},
      {"an access list that there is not",
       update("one", [](v1::Service& s) { s.mutable_access()->add_deny_lists("nobody"); }), nullptr},
  };
}

TEST(EditCalls, FindWhatAWholeStateWouldBeRefusedFor) {
  if (test::ran_in_own_process()) return;
  ApiRig api;
  v1::ApplyRequest apply;
  *apply.mutable_state() = crowded();
  v1::ApplyResponse response;
  const grpc::Status applied = api.call(&v1::Shunt::Stub::Apply, apply, response);
  ASSERT_TRUE(applied.ok()) << applied.error_message();
  for (const Contradiction& each : contradictions()) {
    v1::EditRequest request;
    request.set_dry_run(true);
    each.edit(*request.add_edits());
    const grpc::Status edited = api.call(&v1::Shunt::Stub::Edit, request, response);
    // What a client would do that edits the whole state by itself.
    v1::ApplyRequest whole;
    whole.set_dry_run(true);
    *whole.mutable_state() = api.get().state();
    ASSERT_FALSE(make_edits(request.edits(), *whole.mutable_state())) << each.what;
    const grpc::Status refused = api.call(&v1::Shunt::Stub::Apply, whole, response);
    EXPECT_EQ(edited.error_code(), refused.error_code()) << each.what << ": " << edited.error_message();
    const bool is_fine = each.field != nullptr && *each.field == '\0';
    EXPECT_EQ(edited.ok(), is_fine) << each.what << ": " << edited.error_message();
    if (edited.ok()) continue;
    const auto first = details_in(edited).at(0);
    EXPECT_EQ(first.reason(), details_in(refused).at(0).reason()) << each.what;
    if (each.field != nullptr) {
      EXPECT_EQ(first.field(), each.field) << each.what;
    }
  }
}

TEST(EditCalls, SeveralServicesAreEditedTogether) {
  if (test::ran_in_own_process()) return;
  ApiRig api;
  v1::ApplyRequest apply;
  *apply.mutable_state() = crowded();
  v1::ApplyResponse response;
  ASSERT_TRUE(api.call(&v1::Shunt::Stub::Apply, apply, response).ok());
  v1::DesiredState expected = api.get().state();
  v1::EditRequest request;
  // A VIP goes from one to another; what is taken out comes back at the end; a pool changes with the service that has it.
  request.add_edits()->mutable_remove_service()->set_name("two");
  *request.add_edits()->mutable_add_service()->mutable_service() = service_at("new", "10.9.9.2", "10.1.0.7");
  ASSERT_FALSE(make_edits(request.edits(), expected));
  ASSERT_TRUE(api.call(&v1::Shunt::Stub::Edit, request, response).ok());
  // It is the same service to the workers, by its VIP: another name, and another real.
  EXPECT_EQ(response.changes_size(), 3);
  request.clear_edits();
  request.add_edits()->mutable_remove_service()->set_name("one");
  *request.add_edits()->mutable_add_service()->mutable_service() = service_at("one", "10.9.9.1", "10.1.0.8");
  auto& pool = *request.add_edits()->mutable_update_local_addresses()->mutable_pool();
  pool.set_name("locals");
  pool.add_addresses("10.1.9.2");
  ASSERT_FALSE(make_edits(request.edits(), expected));
  ASSERT_TRUE(api.call(&v1::Shunt::Stub::Edit, request, response).ok());
  std::vector<std::string> names, wanted;
  const v1::DesiredState edited = api.get().state();
  for (const auto& each : edited.services()) names.push_back(each.name() + " " + each.reals(0).address());
  for (const auto& each : expected.services()) wanted.push_back(each.name() + " " + each.reals(0).address());
  EXPECT_EQ(names, wanted);
  EXPECT_EQ(names.back(), "one 10.1.0.8");
  EXPECT_EQ(api.get().state().local_addresses(0).addresses(0), "10.1.9.2");
}

TEST(EditCalls, OfTwoWritersOneWinsAndFreeOnesAllCount) {
  if (test::ran_in_own_process()) return;
  ApiRig api;
  constexpr int kWriters = 6;
  std::atomic<int> won = 0, lost = 0;
  std::vector<std::thread> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&, i] {
      v1::EditRequest request = adding("10.1.1." + std::to_string(i + 1));
      request.set_expected_revision(1);
      v1::ApplyResponse response;
      const grpc::Status status = api.call(&v1::Shunt::Stub::Edit, request, response);
      ++(status.ok() ? won : lost);
      if (status.ok()) return;
      EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
      EXPECT_THAT(status.error_message(), testing::HasSubstr("the current one is "));
      request.clear_expected_revision();
      EXPECT_TRUE(api.call(&v1::Shunt::Stub::Edit, request, response).ok());
    });
  }
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, kWriters - 1);
  EXPECT_EQ(api.get().state().services(0).reals_size(), 2 + kWriters);
}

}  // namespace
}  // namespace shunt::control::rpc
