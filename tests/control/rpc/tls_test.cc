// The API over TCP as clients with this and that certificate see it; each test in a process of its
// own.
#include "control/rpc/tls.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>

#include "control/rpc/roles.h"
#include "control/rpc/server.h"
#include "shunt/v1/debug.pb.h"
#include "tests/control/controller_rig.h"
#include "tests/control/rpc/calls.h"
#include "tests/support/certificates.h"
#include "tests/support/own_process.h"

namespace shunt::control::rpc {
namespace {

using std::chrono::seconds;
using test::Authority;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

// A server with certificates on a free port of 127.0.0.1; clients come with those of an authority,
// or with none.
struct TlsRig {
  TlsRig() {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", log));
    ours.issue("lb", "IP:127.0.0.1");
    listener.address = *IpAddress::parse("127.0.0.1");
    listener.port = 0;
    listener.certificate = ours.certificate("lb");
    listener.key = ours.key("lb");
    listener.client_ca = ours.ca();
    listener.viewers = {"eve", "watch.example"};
    listener.operators = {"night"};
    listener.admins = {"ops"};
    auto started = Server::start(rig.start(), rig.directory + "/run/s.sock",
                                 config::names_of(rig.options.machine), listener);
    EXPECT_TRUE(started) << started.error().message;
    server = std::move(*started);
  }

  std::shared_ptr<grpc::Channel> connect(const Authority& authority,
                                         const std::string& holder) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = Authority::read(ours.ca());
    if (!holder.empty()) {
      options.pem_private_key = Authority::read(authority.key(holder));
      options.pem_cert_chain = Authority::read(authority.certificate(holder));
    }
    grpc::ChannelArguments arguments;
    // Connections of its own, as of another program.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server->tcp_port()),
                                     grpc::SslCredentials(options), arguments);
  }
  std::shared_ptr<grpc::Channel> as(const std::string& holder) const {
    ours.issue(holder);
    return connect(ours, holder);
  }

  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> log =
      std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(64);
  ControllerRig rig;
  Authority ours{rig.directory, "ours"};
  TcpListener listener;
  std::unique_ptr<Server> server;
};

// By name, with empty messages.
grpc::Status raw_call(const std::shared_ptr<grpc::Channel>& channel, const std::string& path) {
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  // A stream that never ends by itself takes all of it.
  context.set_deadline(std::chrono::system_clock::now() + seconds(5));
  const grpc::Slice empty;
  auto pending = stub.PrepareUnaryCall(&context, path, grpc::ByteBuffer(&empty, 1), &queue);
  pending->StartCall();
  grpc::ByteBuffer received;
  grpc::Status status;
  pending->Finish(&received, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  return status;
}

TEST(Roles, EveryCallOfOurServicesIsInTheTableAndNothingElseOfThem) {
  std::vector<std::string> calls;
  for (const auto* file :
       {v1::ApplyRequest::descriptor()->file(), v1::ExplainRequest::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      const auto* service = file->service(s);
      for (int m = 0; m < service->method_count(); ++m) {
        calls.push_back("/" + service->full_name() + "/" + service->method(m)->name());
      }
    }
  }
  ASSERT_GE(calls.size(), 12U);
  std::vector<std::string> listed;
  for (const CallRole& row : call_roles()) {
    if (row.path.starts_with("/shunt.")) listed.emplace_back(row.path);
  }
  EXPECT_THAT(listed, testing::UnorderedElementsAreArray(calls));
}

TEST(Tls, AnAdminChangesAndTheLogNamesWhoAndFromWhere) {
  if (test::ran_in_own_process()) return;
  TlsRig rig;
  const grpc::Status drained = drain(rig.as("ops"));
  EXPECT_TRUE(drained.ok()) << drained.error_message();
  EXPECT_THAT(rig.log->last_formatted(), Contains(AllOf(HasSubstr("audit: ops at 127.0.0.1:"),
                                                        HasSubstr("drain real dns/10.1.0.1:53"))));
}

TEST(Tls, AViewerReadsButDoesNotChange) {
  if (test::ran_in_own_process()) return;
  TlsRig rig;
  const auto eve = rig.as("eve");
  EXPECT_TRUE(get_status(eve).ok());
  EXPECT_TRUE(raw_call(eve, "/grpc.health.v1.Health/Check").ok());
  const grpc::Status refused = drain(eve);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(refused.error_message(),
              AllOf(HasSubstr("you are eve, a viewer"), HasSubstr("/shunt.v1.Shunt/Drain"),
                    HasSubstr("listener.tcp.operators")));
  v1::GetResponse current;
  grpc::ClientContext context;
  ASSERT_TRUE(Stub(eve).Get(&context, v1::GetRequest(), &current).ok());
  EXPECT_EQ(current.revision(), 1U);
  EXPECT_THAT(rig.log->last_formatted(),
              Contains(AllOf(HasSubstr("audit: eve"), HasSubstr("Drain: refused"))));
}

TEST(Tls, AViewerMayDoExactlyWhatTheTableSays) {
  if (test::ran_in_own_process()) return;
  TlsRig rig;
  const auto eve = rig.as("eve");
  for (const CallRole& row : call_roles()) {
    const bool refused =
        raw_call(eve, std::string(row.path)).error_code() == grpc::StatusCode::PERMISSION_DENIED;
    EXPECT_EQ(refused, row.role != Role::kViewer) << row.path;
  }
  EXPECT_EQ(raw_call(eve, "/shunt.v1.Shunt/Unlisted").error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
}

TEST(Tls, AnOperatorMayDoExactlyWhatTheTableSays) {
  if (test::ran_in_own_process()) return;
  TlsRig rig;
  const auto night = rig.as("night");
  for (const CallRole& row : call_roles()) {
    const bool refused =
        raw_call(night, std::string(row.path)).error_code() == grpc::StatusCode::PERMISSION_DENIED;
    EXPECT_EQ(refused, row.role == Role::kAdmin) << row.path;
  }
  EXPECT_TRUE(drain(night).ok());
  EXPECT_THAT(rig.log->last_formatted(), Contains(HasSubstr("audit: night at 127.0.0.1:")));
  const grpc::Status refused = raw_call(night, "/shunt.v1.Shunt/Apply");
  EXPECT_THAT(refused.error_message(), AllOf(HasSubstr("you are night, an operator"), HasSubstr("listener.tcp.admins")));
}

TEST(Tls, AnAlternativeNameOfTheCertificateCountsToo) {
  if (test::ran_in_own_process()) return;
  TlsRig rig;
  rig.ours.issue("machine-7", "DNS:watch.example");
  EXPECT_TRUE(get_status(rig.connect(rig.ours, "machine-7")).ok());
}

TEST(Tls, ANameThatIsInNoRoleIsToldWhoItIs) {
  if (test::ran_in_own_process()) return;
  TlsRig rig;
  const auto bob = rig.as("bob");
  for (const grpc::Status& refused : {get_status(bob), drain(bob)}) {
    EXPECT_EQ(refused.error_code(), grpc::StatusCode::PERMISSION_DENIED);
    EXPECT_THAT(refused.error_message(), HasSubstr("you are bob, who is listed in no role"));
  }
}

TEST(Tls, NobodyComesInWithoutACertificateOfTheRightAuthority) {
  if (test::ran_in_own_process()) return;
  TlsRig rig;
  const Authority other(rig.rig.directory, "other");
  other.issue("ops");
  rig.ours.issue("ops", "", -1);
  const std::string address = "127.0.0.1:" + std::to_string(rig.server->tcp_port());
  for (const auto& channel :
       {rig.connect(rig.ours, ""), rig.connect(other, "ops"), rig.connect(rig.ours, "ops"),
        grpc::CreateChannel(address, grpc::InsecureChannelCredentials())}) {
    EXPECT_EQ(get_status(channel).error_code(), grpc::StatusCode::UNAVAILABLE);
  }
  EXPECT_TRUE(get_status(rig.as("ops")).ok());
}

TEST(Tls, ARenewedCertificateIsTakenUpWithoutARestart) {
  if (test::ran_in_own_process()) return;
  TlsRig rig;
  const auto before = rig.as("eve");
  EXPECT_TRUE(get_status(before).ok());
  // Only the new one has the name that the client below insists on.
  rig.ours.issue("lb", "DNS:renewed.example");
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = Authority::read(rig.ours.ca());
  options.pem_private_key = Authority::read(rig.ours.key("eve"));
  options.pem_cert_chain = Authority::read(rig.ours.certificate("eve"));
  const auto renewed = [&] {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetSslTargetNameOverride("renewed.example");
    return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(rig.server->tcp_port()),
                                     grpc::SslCredentials(options), arguments);
  };
  EXPECT_TRUE(within(seconds(20), [&] { return get_status(renewed()).ok(); }));
  EXPECT_TRUE(get_status(before).ok()) << "connections outlive the certificate that they began with";
}

TEST(Tls, ATakenPortIsAConflict) {
  if (test::ran_in_own_process()) return;
  TlsRig rig;
  rig.listener.port = static_cast<uint16_t>(rig.server->tcp_port());
  const auto second =
      Server::start(rig.rig.controller(), rig.rig.directory + "/run/t.sock", {}, rig.listener);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_THAT(second.error().message,
              AllOf(HasSubstr("listener.tcp 127.0.0.1:"), HasSubstr("listener.tcp.port")));
}

class TlsFiles : public testing::Test {
 protected:
  TlsFiles() {
    char pattern[] = "/tmp/shunt-tls-XXXXXX";
    folder_ = mkdtemp(pattern);
    authority_ = std::make_unique<Authority>(folder_, "ours");
    authority_->issue("lb");
    authority_->issue("ops");
    listener_.certificate = authority_->certificate("lb");
    listener_.key = authority_->key("lb");
    listener_.client_ca = authority_->ca();
  }
  ~TlsFiles() override { std::filesystem::remove_all(folder_); }

  void expect_error(ErrorCode code, const std::string& message) {
    const auto checked = check_tls_files(listener_);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, code);
    EXPECT_THAT(checked.error().message, HasSubstr(message));
  }

  std::string folder_;
  std::unique_ptr<Authority> authority_;
  TcpListener listener_;
};

TEST_F(TlsFiles, GoodOnesPass) { EXPECT_TRUE(check_tls_files(listener_)); }

TEST_F(TlsFiles, AMissingOneIsNamed) {
  listener_.client_ca = folder_ + "/nowhere.pem";
  expect_error(ErrorCode::kNotFound,
               "listener.tcp.client_ca " + folder_ + "/nowhere.pem: cannot be read: No such file");
}

TEST_F(TlsFiles, AKeyOfAnotherCertificateIsRefused) {
  listener_.key = authority_->key("ops");
  expect_error(ErrorCode::kInvalid,
               "listener.tcp.key " + listener_.key + ": key values mismatch; ");
}

TEST_F(TlsFiles, WhatIsNoCertificateIsRefused) {
  listener_.certificate = authority_->key("lb");
  expect_error(ErrorCode::kInvalid,
               "listener.tcp.certificate " + listener_.certificate + ": no start line; ");
  listener_.certificate = authority_->certificate("lb");
  listener_.client_ca = authority_->key("lb");
  expect_error(ErrorCode::kInvalid, "listener.tcp.client_ca " + listener_.client_ca);
}

}  // namespace
}  // namespace shunt::control::rpc
