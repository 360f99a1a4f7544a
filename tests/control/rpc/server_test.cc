// The API over a running controller and dataplane, as a client on the socket sees it; each test in a process of its
// own.
#include "control/rpc/server.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <pwd.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "shunt/v1/api.grpc.pb.h"
#include "tests/control/controller_rig.h"
#include "tests/support/own_process.h"

namespace shunt::control::rpc {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

// As the audit log names this process.
std::string ours() {
  const passwd* user = getpwuid(getuid());
  return (user == nullptr ? std::to_string(getuid()) : std::string(user->pw_name)) + " (uid " + std::to_string(getuid()) +
         ", pid " + std::to_string(getpid()) + ")";
}

struct ServerRig {
  ServerRig() {
    auto logger = std::make_shared<spdlog::logger>("test", log);
    spdlog::set_default_logger(logger);
    socket = rig.directory + "/run/s.sock";
    auto started = Server::start(rig.start(), socket, config::names_of(rig.options.machine));
    EXPECT_TRUE(started) << started.error().message;
    server = std::move(*started);
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    channel = grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), arguments);
    stub = v1::Shunt::NewStub(channel);
  }

  template <typename Request, typename Response>
  grpc::Status call(grpc::Status (v1::Shunt::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response& response) {
    grpc::ClientContext context;
    // Ample: a sanitizer on a busy machine.
    context.set_deadline(std::chrono::system_clock::now() + seconds(240));
    return (stub.get()->*method)(&context, request, &response);
  }
  v1::GetResponse get() {
    v1::GetResponse response;
    EXPECT_TRUE(call(&v1::Shunt::Stub::Get, v1::GetRequest(), response).ok());
    return response;
  }

  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> log = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(64);
  ControllerRig rig;
  std::string socket;
  std::unique_ptr<Server> server;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::Shunt::Stub> stub;
};

struct RawAnswer {
  grpc::Status status;
  std::string bytes;
};

// One unary call by name with messages as bytes: for services whose stubs this tree does not generate.
RawAnswer raw_call(const std::shared_ptr<grpc::Channel>& channel, const std::string& method) {
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + seconds(10));
  const grpc::Slice empty;
  auto call = stub.PrepareUnaryCall(&context, method, grpc::ByteBuffer(&empty, 1), &queue);
  call->StartCall();
  RawAnswer answer;
  grpc::ByteBuffer received;
  call->Finish(&received, &answer.status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  grpc::Slice slice;
  if (answer.status.ok() && received.DumpToSingleSlice(&slice).ok()) {
    answer.bytes.assign(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return answer;
}

TEST(Server, ItsSocketIsTheOwnersAndGoesWithIt) {
  if (test::ran_in_own_process()) return;
  const mode_t before = umask(022);
  ServerRig rig;
  EXPECT_EQ(umask(022), 022U);
  umask(before);
  struct stat found {};
  ASSERT_EQ(stat(rig.socket.c_str(), &found), 0);
  EXPECT_TRUE(S_ISSOCK(found.st_mode));
  EXPECT_EQ(found.st_mode & 0777U, 0600U);

  const auto second = Server::start(rig.rig.controller(), rig.socket, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);

  rig.server->stop();
  EXPECT_FALSE(std::filesystem::exists(rig.socket));
}

TEST(Server, HealthAndReflectionAreOn) {
  if (test::ran_in_own_process()) return;
  ServerRig rig;
  // HealthCheckResponse{status: SERVING}
  EXPECT_EQ(raw_call(rig.channel, "/grpc.health.v1.Health/Check").bytes, "\x08\x01");
  // A stream of questions; that it is known is what a unary call can see.
  EXPECT_NE(raw_call(rig.channel, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo").status.error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(raw_call(rig.channel, "/nobody/Knows").status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST(Server, WhatGetReturnsApplyTakesBackUnchanged) {
  if (test::ran_in_own_process()) return;
  ServerRig rig;
  const v1::GetResponse got = rig.get();
  EXPECT_EQ(got.revision(), 1U);
  ASSERT_EQ(got.state().services_size(), 1);
  v1::ApplyRequest request;
  *request.mutable_state() = got.state();
  v1::ApplyResponse response;
  ASSERT_TRUE(rig.call(&v1::Shunt::Stub::Apply, request, response).ok());
  EXPECT_EQ(response.revision(), 1U);
  EXPECT_EQ(response.changes_size(), 0);
}

TEST(Server, ApplyChangesUnderTheExpectedRevisionAndIsAudited) {
  if (test::ran_in_own_process()) return;
  ServerRig rig;
  v1::ApplyRequest request;
  *request.mutable_state() = rig.get().state();
  request.mutable_state()->mutable_services(0)->mutable_reals(0)->set_weight(5);
  request.set_expected_revision(1);
  request.set_dry_run(true);
  v1::ApplyResponse response;
  ASSERT_TRUE(rig.call(&v1::Shunt::Stub::Apply, request, response).ok());
  EXPECT_EQ(response.revision(), 1U);
  ASSERT_EQ(response.changes_size(), 1);
  EXPECT_EQ(response.changes(0).kind(), v1::Change::KIND_CHANGED);
  EXPECT_EQ(response.changes(0).subject(), "real dns/10.1.0.1:53");
  EXPECT_EQ(response.changes(0).details(0), "weight: 1 -> 5");
  EXPECT_THAT(rig.log->last_formatted(), Not(Contains(HasSubstr("audit"))));

  request.set_dry_run(false);
  ASSERT_TRUE(rig.call(&v1::Shunt::Stub::Apply, request, response).ok());
  EXPECT_EQ(response.revision(), 2U);
  EXPECT_EQ(rig.get().state().services(0).reals(0).weight(), 5U);
  EXPECT_THAT(rig.log->last_formatted(),
              Contains(AllOf(HasSubstr("audit: " + ours() + ": apply"), HasSubstr("revision 2"))));

  const grpc::Status late = rig.call(&v1::Shunt::Stub::Apply, request, response);
  EXPECT_EQ(late.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_THAT(late.error_message(), HasSubstr("2"));
  EXPECT_THAT(rig.log->last_formatted(), Contains(HasSubstr("refused")));
}

TEST(Server, AnInvalidStateChangesNothingAndNamesEveryProblem) {
  if (test::ran_in_own_process()) return;
  ServerRig rig;
  v1::ApplyRequest request;
  *request.mutable_state() = rig.get().state();
  auto& service = *request.mutable_state()->mutable_services(0);
  service.mutable_reals(1)->set_weight(70000);
  // Known to this machine only: its one port is p0.
  service.set_vip_port("p9");
  v1::ApplyResponse response;
  const grpc::Status status = rig.call(&v1::Shunt::Stub::Apply, request, response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), AllOf(HasSubstr("services[0].reals[1].weight: "), HasSubstr("70000"),
                                            HasSubstr("services[0].vip_port: "), HasSubstr("p9")));
  v1::ErrorStatus details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.details_size(), 2);
  EXPECT_EQ(rig.get().revision(), 1U);
  EXPECT_THAT(rig.log->last_formatted(), Contains(AllOf(HasSubstr("audit"), HasSubstr("refused: 2 problems"))));
}

TEST(Server, WeightsAndDrainsAreOverrides) {
  if (test::ran_in_own_process()) return;
  ServerRig rig;
  v1::SetWeightRequest weight;
  weight.set_service("dns");
  weight.set_real("10.1.0.1:53");
  weight.set_weight(9);
  v1::ApplyResponse response;
  weight.mutable_lasts()->set_seconds(3600);
  const v1::DesiredState configured = rig.get().state();
  const auto the_real = [&rig] {
    v1::ListServicesResponse services;
    EXPECT_TRUE(rig.call(&v1::Shunt::Stub::ListServices, v1::ListServicesRequest(), services).ok());
    return services.services(0).reals(0);
  };
  ASSERT_TRUE(rig.call(&v1::Shunt::Stub::SetWeight, weight, response).ok());
  EXPECT_EQ(response.revision(), 2U);
  EXPECT_EQ(the_real().weight(), 9U);
  EXPECT_EQ(the_real().configured_weight(), 1U);
  EXPECT_EQ(the_real().weight_override().by(), ours());
  EXPECT_GT(the_real().weight_override().until().seconds(), 0);

  v1::DrainRequest drain;
  drain.set_service("dns");
  drain.set_real("10.1.0.1:53");
  drain.mutable_deadline()->set_seconds(300);
  drain.set_then(v1::AT_DEADLINE_RESET);
  ASSERT_TRUE(rig.call(&v1::Shunt::Stub::Drain, drain, response).ok());
  EXPECT_EQ(the_real().weight(), 0U);
  EXPECT_TRUE(the_real().draining());
  EXPECT_EQ(the_real().drain_override().then(), v1::AT_DEADLINE_RESET);
  EXPECT_THAT(rig.log->last_formatted(), Contains(HasSubstr("drain real dns/10.1.0.1:53, after 5m reset")));
  EXPECT_EQ(rig.get().state().SerializeAsString(), configured.SerializeAsString()) << "the desired state stays as it is";
  v1::ListOverridesResponse overrides;
  ASSERT_TRUE(rig.call(&v1::Shunt::Stub::ListOverrides, v1::ListOverridesRequest(), overrides).ok());
  ASSERT_EQ(overrides.overrides_size(), 1);
  EXPECT_EQ(overrides.overrides(0).weight().weight(), 9U);
  EXPECT_TRUE(overrides.overrides(0).has_drain());

  v1::DrainRequest undo;
  undo.set_service("dns");
  undo.set_real("10.1.0.1:53");
  undo.set_undo(true);
  ASSERT_TRUE(rig.call(&v1::Shunt::Stub::Drain, undo, response).ok());
  EXPECT_EQ(the_real().weight(), 9U);
  EXPECT_FALSE(the_real().draining());
  v1::ClearOverrideRequest clear;
  clear.set_service("dns");
  clear.set_real("10.1.0.1:53");
  ASSERT_TRUE(rig.call(&v1::Shunt::Stub::ClearOverride, clear, response).ok());
  EXPECT_EQ(the_real().weight(), 1U);
  ASSERT_TRUE(rig.call(&v1::Shunt::Stub::ClearOverride, clear, response).ok());
  EXPECT_EQ(response.changes_size(), 0);
  // Each is refused with its field.
  drain.mutable_deadline()->set_seconds(0);
  EXPECT_THAT(rig.call(&v1::Shunt::Stub::Drain, drain, response).error_message(), HasSubstr("deadline: deadline 0ms is not within"));
  drain.clear_deadline();
  EXPECT_THAT(rig.call(&v1::Shunt::Stub::Drain, drain, response).error_message(), HasSubstr("then is given without a deadline"));
  drain.clear_then();

  drain.set_real("10.1.0.77:53");
  EXPECT_EQ(rig.call(&v1::Shunt::Stub::Drain, drain, response).error_code(), grpc::StatusCode::NOT_FOUND);
  weight.set_weight(70000);
  EXPECT_EQ(rig.call(&v1::Shunt::Stub::SetWeight, weight, response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(rig.log->last_formatted(), Contains(HasSubstr("audit: " + ours() + ": set weight of real dns/10.1.0.1:53")));
}

TEST(Server, AnIpv6RealIsNamedByItsAddressInAnyForm) {
  if (test::ran_in_own_process()) return;
  ServerRig rig;
  v1::ApplyRequest request;
  *request.mutable_state() = rig.get().state();
  v1::Service& web = *request.mutable_state()->add_services();
  web.set_name("web6");
  web.set_protocol(v1::PROTOCOL_TCP);
  web.set_address("2001:DB8:0::10");
  web.set_port(80);
  web.mutable_health_check()->set_disabled(true);
  web.add_reals()->set_address("2001:DB8:0:0::1");
  v1::ApplyResponse response;
  const grpc::Status applied = rig.call(&v1::Shunt::Stub::Apply, request, response);
  ASSERT_TRUE(applied.ok()) << applied.error_message();
  v1::Service kept = rig.get().state().services(1);
  EXPECT_EQ(kept.address(), "2001:db8::10");
  EXPECT_EQ(kept.reals(0).name(), "[2001:db8::1]:80");

  v1::SetWeightRequest weight;
  weight.set_service("web6");
  weight.set_real("[2001:DB8:0::1]:080");
  weight.set_weight(9);
  ASSERT_TRUE(rig.call(&v1::Shunt::Stub::SetWeight, weight, response).ok());
  EXPECT_THAT(response.changes(0).details(), Contains("weight: 1 -> 9"));
  EXPECT_EQ(response.changes(0).subject(), "real web6/[2001:db8::1]:80");
  EXPECT_THAT(rig.log->last_formatted(), Contains(HasSubstr("set weight of real web6/[2001:db8::1]:80 to 9")));

  v1::DrainRequest drain;
  drain.set_service("web6");
  drain.set_real("[2001:DB8::1]:80");
  ASSERT_TRUE(rig.call(&v1::Shunt::Stub::Drain, drain, response).ok());
  EXPECT_THAT(response.changes(0).details(), Contains("draining: no -> yes"));

  grpc::ClientContext context;
  v1::ListConnectionsRequest list;
  list.set_real("[2001:DB8:0::1]:80");
  auto reader = rig.stub->ListConnections(&context, list);
  for (v1::Connection none; reader->Read(&none);) ADD_FAILURE() << none.ShortDebugString();
  EXPECT_TRUE(reader->Finish().ok());
}

TEST(Server, ConnectionsAreListedAsTheyAre) {
  if (test::ran_in_own_process()) return;
  ServerRig rig;
  const std::string real = rig.rig.real_of(4711);
  ASSERT_NE(real, "");
  const auto list = [&](const v1::ListConnectionsRequest& request, std::vector<v1::Connection>& out) {
    grpc::ClientContext context;
    auto reader = rig.stub->ListConnections(&context, request);
    for (v1::Connection connection; reader->Read(&connection);) out.push_back(connection);
    return reader->Finish();
  };
  std::vector<v1::Connection> found;
  ASSERT_TRUE(list({}, found).ok());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].protocol(), v1::PROTOCOL_UDP);
  EXPECT_EQ(found[0].client(), "10.1.200.7");
  EXPECT_EQ(found[0].client_port(), 4711U);
  EXPECT_EQ(found[0].virtual_(), "10.9.9.9");
  EXPECT_EQ(found[0].virtual_port(), 53U);
  EXPECT_EQ(found[0].real(), real);
  EXPECT_EQ(found[0].real_port(), 53U);
  EXPECT_EQ(found[0].local(), "");
  EXPECT_EQ(found[0].method(), v1::METHOD_NAT);
  EXPECT_EQ(found[0].state(), "UDP");
  EXPECT_EQ(found[0].service(), "dns");
  EXPECT_GT(found[0].expires_in().seconds(), 200);
  EXPECT_EQ(found[0].in_packets(), 1U);

  v1::ListConnectionsRequest other;
  other.set_client("10.1.200.8");
  found.clear();
  ASSERT_TRUE(list(other, found).ok());
  EXPECT_EQ(found.size(), 0U);
  other.set_client("2001:DB8::7");
  ASSERT_TRUE(list(other, found).ok());
  EXPECT_EQ(found.size(), 0U);
  other.set_client("nonsense");
  EXPECT_EQ(list(other, found).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST(Server, ReportsArriveWhole) {
  if (test::ran_in_own_process()) return;
  ServerRig rig;
  ASSERT_NE(rig.rig.real_of(4711), "");
  v1::Status status;
  ASSERT_TRUE(rig.call(&v1::Shunt::Stub::GetStatus, v1::GetStatusRequest(), status).ok());
  EXPECT_EQ(status.version(), SHUNT_VERSION);
  EXPECT_EQ(status.reals(), 2U);
  EXPECT_GT(status.started().seconds(), 1'600'000'000);
  EXPECT_EQ(status.connection_capacity(), 4096U);
  EXPECT_EQ(status.ipv6_connection_capacity(), 2048U);
  EXPECT_EQ(status.connections(), 1U);
  EXPECT_EQ(status.ipv6_connections(), 0U);

  v1::ListServicesResponse services;
  ASSERT_TRUE(rig.call(&v1::Shunt::Stub::ListServices, v1::ListServicesRequest(), services).ok());
  ASSERT_EQ(services.services_size(), 1);
  const v1::ServiceState& service = services.services(0);
  EXPECT_EQ(service.name(), "dns");
  EXPECT_EQ(service.scheduler(), v1::SCHEDULER_RR);
  EXPECT_EQ(service.traffic().connections(), 1U);
  ASSERT_EQ(service.reals_size(), 2);
  EXPECT_EQ(service.reals(0).address(), "10.1.0.1");
  EXPECT_EQ(service.reals(0).effective_weight(), 1U);
  EXPECT_THAT(service.reals(0).next_hop(), HasSubstr("reachable"));
  v1::ListServicesRequest none;
  none.set_name("none");
  EXPECT_EQ(rig.call(&v1::Shunt::Stub::ListServices, none, services).error_code(), grpc::StatusCode::NOT_FOUND);

  v1::ListWorkersResponse workers;
  ASSERT_TRUE(rig.call(&v1::Shunt::Stub::ListWorkers, v1::ListWorkersRequest(), workers).ok());
  ASSERT_EQ(workers.workers_size(), 1);
  EXPECT_EQ(workers.workers(0).connection_capacity(), 4096U);
  EXPECT_EQ(workers.workers(0).ipv6_connection_capacity(), 2048U);

  v1::ListPortsResponse ports;
  ASSERT_TRUE(rig.call(&v1::Shunt::Stub::ListPorts, v1::ListPortsRequest(), ports).ok());
  ASSERT_EQ(ports.ports_size(), 1);
  EXPECT_EQ(ports.ports(0).name(), "p0");
  EXPECT_EQ(ports.ports(0).mac(), "02:00:00:00:00:01");
  EXPECT_EQ(ports.ports(0).kernel_port(), "sh-p0");

  v1::ListDropsResponse drops;
  EXPECT_TRUE(rig.call(&v1::Shunt::Stub::ListDrops, v1::ListDropsRequest(), drops).ok());
}

TEST(Server, TakesAHundredThousandReals) {
  if (test::ran_in_own_process()) return;
  ServerRig rig;
  v1::ApplyRequest request;
  *request.mutable_state() = rig.get().state();
  for (int s = 0; s < 100; ++s) {
    auto& service = *request.mutable_state()->add_services();
    service.set_name("bulk" + std::to_string(s));
    service.set_protocol(v1::PROTOCOL_UDP);
    service.set_address("203.0.113." + std::to_string(s + 1));
    service.set_port(53);
    service.set_scheduler(v1::SCHEDULER_RR);
    for (int r = 0; r < 1000; ++r) {
      service.add_reals()->set_address("10.2." + std::to_string(r / 250) + "." + std::to_string(r % 250 + 1));
    }
  }
  v1::ApplyResponse response;
  const grpc::Status applied = rig.call(&v1::Shunt::Stub::Apply, request, response);
  ASSERT_TRUE(applied.ok()) << applied.error_message();
  v1::ListServicesResponse services;
  const grpc::Status listed = rig.call(&v1::Shunt::Stub::ListServices, v1::ListServicesRequest(), services);
  ASSERT_TRUE(listed.ok()) << listed.error_message();
  EXPECT_EQ(services.services_size(), 101);
  // Above what gRPC takes by default.
  EXPECT_GT(services.ByteSizeLong(), 4U << 20);
}

}  // namespace
}  // namespace shunt::control::rpc
