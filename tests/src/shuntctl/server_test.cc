// shuntctl over TCP: what it says to each way in which two machines cannot speak with each other.
#include <gmock/gmock.h>

#include "tests/src/shuntctl/fake_daemon.h"
#include "tests/support/certificates.h"

namespace shunt::shuntctl {
namespace {

using test::Authority;
using testing::AllOf;
using testing::HasSubstr;

// A daemon on a free port of 127.0.0.1 that asks for certificates of its authority.
class Remote : public v1::Shunt::Service {
 public:
  explicit Remote(const std::string& names = "IP:127.0.0.1") {
    ours.issue("lb", names);
    ours.issue("ops");
    grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = Authority::read(ours.ca());
    options.pem_key_cert_pairs = {{Authority::read(ours.key("lb")), Authority::read(ours.certificate("lb"))}};
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~Remote() override { stop(); }
  void stop() { server_->Shutdown(std::chrono::system_clock::now()); }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string path(const std::string& name) const { return folder_.path(name); }
  Ended ctl(const std::string& ca, const std::string& certificate, const std::string& key) const {
    return run_shuntctl({"status", "--server", address(), "--ca", ca, "--cert", certificate, "--key", key});
  }

 private:
  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*, v1::Status* response) override {
    response->set_hostname("lb1");
    return grpc::Status::OK;
  }

  ScratchFolder folder_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;

 public:
  Authority ours{folder_.path(""), "ours"};
};

TEST(RemoteServer, AnswersWhoHasACertificate) {
  const Remote remote;
  EXPECT_EQ(remote.ctl(remote.ours.ca(), remote.ours.certificate("ops"), remote.ours.key("ops")).exit, 0);
}

TEST(RemoteServer, MayComeFromTheEnvironmentAndASocketThatIsGivenStandsAboveIt) {
  const Remote remote;
  const std::vector<std::pair<std::string, std::string>> environment = {{"SHUNT_SERVER", remote.address()},
                                                                        {"SHUNT_CA", remote.ours.ca()},
                                                                        {"SHUNT_CERT", remote.ours.certificate("ops")},
                                                                        {"SHUNT_KEY", remote.ours.key("ops")}};
  EXPECT_EQ(run_shuntctl({"status"}, {environment.begin(), environment.end()}).exit, 0);
  const Ended ended = run_shuntctl({"status", "-s", "/nowhere/s"}, {environment.begin(), environment.end()});
  EXPECT_EQ(ended.exit, 3);
  EXPECT_THAT(ended.err, HasSubstr("socket /nowhere/s: "));
}

TEST(RemoteServer, AServerOfAnotherAuthorityIsNotTrusted) {
  const Remote remote;
  const Authority other(remote.path(""), "other");
  const Ended ended = remote.ctl(other.ca(), remote.ours.certificate("ops"), remote.ours.key("ops"));
  EXPECT_EQ(ended.exit, 6);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("server " + remote.address() + ": the server's certificate is refused: "),
                               HasSubstr("--ca " + other.ca())));
}

TEST(RemoteServer, ACertificateForAnotherNameIsNotTrusted) {
  const Remote remote("DNS:elsewhere.example");
  const Ended ended = remote.ctl(remote.ours.ca(), remote.ours.certificate("ops"), remote.ours.key("ops"));
  EXPECT_EQ(ended.exit, 6);
  EXPECT_THAT(ended.err, HasSubstr("it does not name 127.0.0.1"));
}

TEST(RemoteServer, OneThatRefusesOurCertificateIsQuoted) {
  const Remote remote;
  const Authority other(remote.path(""), "other");
  other.issue("ops");
  const Ended ended = remote.ctl(remote.ours.ca(), other.certificate("ops"), other.key("ops"));
  EXPECT_EQ(ended.exit, 6);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("the server refuses the certificate of --cert " + other.certificate("ops")),
                               HasSubstr("listener.tcp.client_ca")));
}

TEST(RemoteServer, OneThatDoesNotListenIsUnreachable) {
  Remote remote;
  remote.stop();
  const Ended ended = remote.ctl(remote.ours.ca(), remote.ours.certificate("ops"), remote.ours.key("ops"));
  EXPECT_EQ(ended.exit, 3);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("Connection refused"), HasSubstr("listener.tcp")));
}

TEST(RemoteServer, WrongOptionsAreUsageErrorsWithTheRightOne) {
  const Remote remote;
  const std::string ca = remote.ours.ca();
  const std::string certificate = remote.ours.certificate("ops");
  const auto said = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "status");
    const Ended ended = run_shuntctl(arguments);
    EXPECT_EQ(ended.exit, 2) << testing::PrintToString(arguments);
    return ended.err;
  };
  EXPECT_THAT(said({"--server", "lb"}), HasSubstr("--server lb: is no ADDRESS:PORT"));
  EXPECT_THAT(said({"--server", "2001:db8::1:80"}), HasSubstr("[2001:db8::1]:9181"));
  EXPECT_THAT(said({"--server", "lb:1"}), HasSubstr("--server needs --ca (or SHUNT_CA)"));
  EXPECT_THAT(said({"--server", "lb:1", "--ca", ca, "--cert", certificate}), HasSubstr("needs --key"));
  EXPECT_THAT(said({"--server", "lb:1", "--ca", "/nowhere.pem"}), HasSubstr("--ca /nowhere.pem: cannot be read"));
  EXPECT_THAT(said({"--server", "lb:1", "--ca", ca, "--cert", certificate, "--key", remote.ours.key("lb")}),
              HasSubstr("key values mismatch"));
  EXPECT_THAT(said({"--server", "lb:1", "-s", "/s"}), HasSubstr("--server"));
}

}  // namespace
}  // namespace shunt::shuntctl
