// Each kind of check against a real peer: what it takes for well, and what it says where it does not.
#include "control/health/attempts.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "control/health/dns_message.h"
#include "control/health/words.h"
#include "tests/support/certificates.h"
#include "tests/support/own_network.h"

namespace shunt::control {
namespace attempts_test {

using namespace std::chrono_literals;
using Kind = Outcome::Kind;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class AttemptsTest : public shunt::test::OwnNetwork {
 protected:
  // Its outcome; nullopt: it took longer than this test has patience.
  std::optional<Outcome> outcome(const CheckKind& kind, uint16_t port, const char* address = "127.0.0.1") {
    std::optional<Outcome> result;
    Begun begun = attempts().begin(kind, {*IpAddress::parse(address), port}, 1s,
                                   [&result](Outcome told) { result = std::move(told); });
    if (!begun.attempt) return begun.outcome;
    const auto end = std::chrono::steady_clock::now() + 10s;
    loop_.restart();
    while (!result && std::chrono::steady_clock::now() < end) loop_.run_one_for(100ms);
    return result;
  }
  std::string said(const CheckKind& kind, uint16_t port, const char* address = "127.0.0.1") {
    const auto told = outcome(kind, port, address);
    if (!told) return "nothing";
    const char* sign = told->kind == Kind::kUp ? "+" : told->kind == Kind::kDown ? "-" : "?";
    return sign + told->cause;
  }
  // Of an attempt that gets no answer.
  Outcome when_late(const CheckKind& kind, uint16_t port) {
    Begun begun = attempts().begin(kind, {*IpAddress::parse("127.0.0.1"), port}, 1s, [](const Outcome&) {});
    return begun.attempt->when_late();
  }
  Attempts& attempts() {
    if (!attempts_) attempts_.emplace(loop_, folder_);
    return *attempts_;
  }
  void TearDown() override {
    attempts_.reset();
    std::filesystem::remove_all(folder_);
    OwnNetwork::TearDown();
  }
  std::string write_program(const std::string& name, const std::string& text, unsigned mode = 0755) {
    std::ofstream(folder_ + "/" + name) << text;
    ::chmod((folder_ + "/" + name).c_str(), mode);
    return name;
  }

  asio::io_context loop_;
  std::string folder_ = [] {
    char name[] = "/tmp/shunt-checks-XXXXXX";
    return std::string(::mkdtemp(name));
  }();
  std::optional<Attempts> attempts_;
};

// An HTTP server with some pages, on a thread of its own.
template <typename Server>
class Web {
 public:
  template <typename... Arguments>
  explicit Web(const Arguments&... arguments) : server_(arguments...) {
    server_.Get("/ok", [](const httplib::Request&, httplib::Response& answer) { answer.set_content("all is well", "text/plain"); });
    server_.Get("/bad", [](const httplib::Request&, httplib::Response& answer) { answer.status = 503; });
    server_.Get("/big", [](const httplib::Request&, httplib::Response& answer) {
      answer.set_content(std::string(65530, 'x') + "within" + std::string(1 << 20, 'y') + "beyond", "text/plain");
    });
    server_.Get("/moved", [](const httplib::Request&, httplib::Response& answer) { answer.set_redirect("/ok"); });
    server_.Get("/asked", [](const httplib::Request& request, httplib::Response& answer) {
      answer.set_content(request.get_header_value("Host") + "|" + request.get_header_value("X-Check") + "|" +
                             request.get_header_value("User-Agent") + "|" + request.get_param_value("q"),
                         "text/plain");
    });
    server_.Post("/post", [](const httplib::Request&, httplib::Response& answer) { answer.status = 202; });
    port_ = static_cast<uint16_t>(server_.bind_to_any_port("::"));
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(1ms);
  }
  ~Web() {
    server_.stop();
    thread_.join();
  }
  uint16_t port() const { return port_; }

 private:
  Server server_;
  uint16_t port_ = 0;
  std::thread thread_;
};

TEST_F(AttemptsTest, HttpGoesByTheStatus) {
  const Web<httplib::Server> web;
  EXPECT_EQ(said(HttpCheck{.path = "/ok"}, web.port()), "+status 200");
  EXPECT_EQ(said(HttpCheck{.path = "/bad"}, web.port()), "-status 503, wanted 200-299");
  EXPECT_EQ(said(HttpCheck{.path = "/bad", .status = {{200, 299}, {503, 503}}}, web.port()), "+status 503");
  EXPECT_EQ(said(HttpCheck{.path = "/moved"}, web.port()), "-status 302, wanted 200-299");
  EXPECT_EQ(said(HttpCheck{.method = "HEAD", .path = "/ok"}, web.port()), "+status 200");
  EXPECT_EQ(said(HttpCheck{.method = "POST", .path = "/post"}, web.port()), "+status 202");
  EXPECT_EQ(said(HttpCheck{.path = "/ok"}, web.port(), "::1"), "+status 200");
}

TEST_F(AttemptsTest, HttpLooksIntoTheBody) {
  const Web<httplib::Server> web;
  EXPECT_EQ(said(HttpCheck{.path = "/ok", .body = "well"}, web.port()), "+status 200");
  EXPECT_EQ(said(HttpCheck{.path = "/ok", .body = "ill"}, web.port()), "-status 200, body without \"ill\"");
  EXPECT_EQ(said(HttpCheck{.path = "/big", .body = "within"}, web.port()), "+status 200");
  EXPECT_EQ(said(HttpCheck{.path = "/big", .body = "beyond"}, web.port()), "-status 200, body without \"beyond\"");
}

TEST_F(AttemptsTest, HttpAsksAsItIsTold) {
  const Web<httplib::Server> web;
  HttpCheck check{.path = "/asked?q=1", .host = "web.example:81", .headers = {"X-Check: yes"}};
  check.body = "web.example:81|yes|shunt-health-check/" SHUNT_VERSION "|1";
  EXPECT_EQ(said(check, web.port()), "+status 200");
  check = HttpCheck{.path = "/asked", .headers = {"User-Agent: me"}, .body = "127.0.0.1:" + std::to_string(web.port()) + "||me|"};
  EXPECT_EQ(said(check, web.port()), "+status 200");
}

TEST_F(AttemptsTest, HttpSaysWhyItGotNoAnswer) {
  EXPECT_EQ(said(HttpCheck{}, 1), "-connection refused");
  EXPECT_EQ(said(HttpCheck{}, 80, "192.0.2.1"), "-network is unreachable");
}

TEST_F(AttemptsTest, AnEndedAttemptLeavesNothingBehind) {
  const Web<httplib::Server> web;
  int outcomes = 0;
  // Ended at every step of its way, as far as it comes.
  for (int i = 0; i < 20; ++i) {
    Begun begun = attempts().begin(HttpCheck{.path = "/ok"}, {*IpAddress::parse("127.0.0.1"), web.port()}, 1s,
                                   [&outcomes](const Outcome&) { ++outcomes; });
    ASSERT_TRUE(begun.attempt);
    loop_.restart();
    for (int step = 0; step < i; ++step) loop_.run_one_for(1ms);
    begun.attempt.reset();
    const int until_then = outcomes;
    loop_.run_for(10ms);
    EXPECT_EQ(outcomes, until_then);
  }
}

TEST_F(AttemptsTest, HttpsVerifiesTheCertificate) {
  const shunt::test::Authority authority(folder_, "right");
  const shunt::test::Authority other(folder_, "wrong");
  authority.issue("web", "DNS:web.example,IP:127.0.0.1");
  const Web<httplib::SSLServer> web(authority.certificate("web").c_str(), authority.key("web").c_str());
  HttpCheck check{.secure = true, .path = "/ok"};
  EXPECT_THAT(said(check, web.port()), StartsWith("-SSL certificate problem: "));
  check.tls.verify = false;
  EXPECT_EQ(said(check, web.port()), "+status 200");
  check.tls = {"", authority.ca(), true};
  EXPECT_EQ(said(check, web.port()), "+status 200") << "by its address";
  EXPECT_THAT(said(check, web.port(), "::1"), HasSubstr("::1")) << "not in the certificate";
  check.host = "web.example";
  EXPECT_EQ(said(check, web.port(), "::1"), "+status 200") << "by the host's name";
  check.tls.server_name = "other.example";
  EXPECT_THAT(said(check, web.port()), HasSubstr("other.example"));
  check.tls = {"web.example", other.ca(), true};
  EXPECT_THAT(said(check, web.port()), StartsWith("-SSL certificate problem: "));
  check.tls.ca_file = folder_ + "/none.pem";
  EXPECT_EQ(said(check, web.port()), "?ca_file " + folder_ + "/none.pem: No such file or directory");
}

TEST_F(AttemptsTest, AChangedAuthorityIsReadAnew) {
  const shunt::test::Authority authority(folder_, "right");
  const shunt::test::Authority other(folder_, "wrong");
  authority.issue("web", "IP:127.0.0.1");
  const Web<httplib::SSLServer> web(authority.certificate("web").c_str(), authority.key("web").c_str());
  const std::string file = folder_ + "/trusted.pem";
  std::filesystem::copy_file(other.ca(), file);
  HttpCheck check{.secure = true, .path = "/ok", .tls = {"", file, true}};
  EXPECT_THAT(said(check, web.port()), StartsWith("-"));
  std::filesystem::copy_file(authority.ca(), file + ".new");
  std::filesystem::rename(file + ".new", file);
  EXPECT_EQ(said(check, web.port()), "+status 200");
}

TEST_F(AttemptsTest, GrpcAsksTheHealthService) {
  grpc::EnableDefaultHealthCheckService(true);
  // A server needs some service to run.
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("[::]:0", grpc::InsecureServerCredentials(), &port);
  const auto server = builder.BuildAndStart();
  server->GetHealthCheckService()->SetServingStatus("shop.Cart", false);
  const auto at = static_cast<uint16_t>(port);
  EXPECT_EQ(said(GrpcCheck{}, at), "+SERVING");
  EXPECT_EQ(said(GrpcCheck{}, at, "::1"), "+SERVING");
  EXPECT_EQ(said(GrpcCheck{.service = "shop.Cart"}, at), "-NOT_SERVING, wanted SERVING");
  EXPECT_EQ(said(GrpcCheck{.service = "nobody"}, at), "-NOT_FOUND, wanted SERVING");
  server->GetHealthCheckService()->SetServingStatus("shop.Cart", true);
  EXPECT_EQ(said(GrpcCheck{.service = "shop.Cart"}, at), "+SERVING");
  EXPECT_THAT(said(GrpcCheck{.secure = true}, at), StartsWith("-"));
  EXPECT_EQ(said(GrpcCheck{}, 1), "-connection refused");
}

// Answers each datagram with what `answer` makes of it, from a thread of its own.
class DatagramPeer {
 public:
  explicit DatagramPeer(std::function<std::string(const std::string&)> answer) : answer_(std::move(answer)) {
    sockaddr_in6 local{};
    local.sin6_family = AF_INET6;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&local), sizeof local), 0);
    socklen_t bytes = sizeof local;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&local), &bytes);
    port_ = ntohs(local.sin6_port);
    const timeval patience{0, 20000};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    thread_ = std::thread([this] { serve(); });
  }
  ~DatagramPeer() {
    stopping_ = true;
    thread_.join();
    ::close(fd_);
  }
  uint16_t port() const { return port_; }

 private:
  void serve() {
    char buffer[2048];
    while (!stopping_) {
      sockaddr_in6 from{};
      socklen_t bytes = sizeof from;
      const ssize_t length = ::recvfrom(fd_, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &bytes);
      if (length < 0) continue;
      const std::string answer = answer_({buffer, static_cast<size_t>(length)});
      ::sendto(fd_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), bytes);
    }
  }

  const std::function<std::string(const std::string&)> answer_;
  const int fd_ = ::socket(AF_INET6, SOCK_DGRAM, 0);
  uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

TEST_F(AttemptsTest, UdpGoesByTheAnswer) {
  const DatagramPeer echo([](const std::string& asked) { return "you said " + asked; });
  EXPECT_EQ(said(UdpCheck{"ping", "said ping", true}, echo.port()), "+answered");
  EXPECT_EQ(said(UdpCheck{"ping", "said ping", true}, echo.port(), "::1"), "+answered");
  EXPECT_EQ(said(UdpCheck{"", "", true}, echo.port()), "+answered");
  EXPECT_EQ(said(UdpCheck{"ping", "pong", true}, echo.port()), "-answer \"you said ping\", wanted \"pong\"");
  EXPECT_EQ(said(UdpCheck{"ping", "", false}, 1), "-connection refused");
  EXPECT_EQ(said(UdpCheck{"ping", "", false}, 1, "::1"), "-connection refused");
}

TEST_F(AttemptsTest, UdpSilenceIsWhatTheCheckSays) {
  const int silent = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in local{};
  local.sin_family = AF_INET;
  socklen_t bytes = sizeof local;
  ASSERT_EQ(::bind(silent, reinterpret_cast<sockaddr*>(&local), bytes), 0);
  ::getsockname(silent, reinterpret_cast<sockaddr*>(&local), &bytes);
  const uint16_t port = ntohs(local.sin_port);
  EXPECT_EQ(when_late(UdpCheck{"ping", "", false}, port).kind, Kind::kUp);
  EXPECT_EQ(when_late(UdpCheck{"ping", "", true}, port).kind, Kind::kDown);
  ::close(silent);
}

TEST_F(AttemptsTest, DnsGoesByTheCode) {
  // The query back as its answer, "nxdomain" in the name: with that code; "stranger": first one of another query.
  const DatagramPeer server([](std::string query) {
    query[2] = static_cast<char>(query[2] | 0x80);
    if (query.find("nxdomain") != std::string::npos) query[3] = 3;
    return query;
  });
  EXPECT_EQ(said(DnsCheck{}, server.port()), "+NOERROR");
  EXPECT_EQ(said(DnsCheck{"example.org", 28, 0}, server.port(), "::1"), "+NOERROR");
  EXPECT_EQ(said(DnsCheck{"nxdomain.example", 1, 0}, server.port()), "-NXDOMAIN, wanted NOERROR");
  EXPECT_EQ(said(DnsCheck{"nxdomain.example", 1, 3}, server.port()), "+NXDOMAIN");
  EXPECT_EQ(said(DnsCheck{}, 1), "-connection refused");
}

TEST_F(AttemptsTest, IcmpIsEchoed) {
  EXPECT_EQ(said(IcmpCheck{}, 0), "+echoed");
  EXPECT_EQ(said(IcmpCheck{}, 0, "::1"), "+echoed");
  EXPECT_EQ(said(IcmpCheck{}, 0, "192.0.2.1"), "-network is unreachable");
  // Many at once find each its own answer.
  int answered = 0;
  std::vector<Begun> all;
  for (int i = 0; i < 100; ++i) {
    const std::string address = "127.0.1." + std::to_string(i + 1);
    all.push_back(attempts().begin(IcmpCheck{}, {*IpAddress::parse(address), 0}, 1s, [&](const Outcome& told) {
      answered += told.kind == Kind::kUp ? 1 : 0;
    }));
  }
  const auto end = std::chrono::steady_clock::now() + 10s;
  loop_.restart();
  while (answered < 100 && std::chrono::steady_clock::now() < end) loop_.run_one_for(100ms);
  EXPECT_EQ(answered, 100);
}

TEST_F(AttemptsTest, ExecGoesByTheStatus) {
  EXPECT_EQ(said(ExecCheck{{write_program("up", "#!/bin/sh\nexit 0\n")}}, 80), "+status 0");
  EXPECT_EQ(said(ExecCheck{{write_program("down", "#!/bin/sh\necho disk full\necho more\nexit 3\n")}}, 80),
            "-status 3, said \"disk full\"");
  EXPECT_EQ(said(ExecCheck{{write_program("dies", "#!/bin/sh\nkill -9 $$\n")}}, 80), "-killed by signal 9");
  // More than a pipe holds.
  EXPECT_EQ(said(ExecCheck{{write_program("chatty", "#!/bin/sh\nhead -c 1000000 /dev/zero\n")}}, 80).substr(0, 9), "+status 0");
}

TEST_F(AttemptsTest, ExecPassesArgumentsAndEnvironmentAndNothingElse) {
  const std::string program = write_program("tell", "#!/bin/sh\necho \"$# $1 $SHUNT_ADDRESS $SHUNT_PORT $SHUNT_FAMILY "
                                                    "$SHUNT_TIMEOUT_MS ${HOME-no home} $(ls -l /proc/$$/fd | grep -c socket)\"\nexit 1\n");
  ::setenv("HOME", "/root", 1);
  // Somebody's who forgot to close it on exec.
  const int open = ::socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_THAT(said(ExecCheck{{program, "$(id) ; x"}}, 80),
              HasSubstr("-status 1, said \"1 $(id) ; x 127.0.0.1 80 4 1000 no home 0\""));
  ::close(open);
  EXPECT_THAT(said(ExecCheck{{program, "a", "b"}}, 0, "::1"), StartsWith("-status 1, said \"2 a ::1 0 6 1000 no home"));
}

TEST_F(AttemptsTest, ExecRunsOnlyWhatTheAdministratorPutThere) {
  EXPECT_THAT(said(ExecCheck{{"none"}}, 80), HasSubstr("/none: No such file"));
  EXPECT_THAT(said(ExecCheck{{write_program("plain", "#!/bin/sh\n", 0644)}}, 80), HasSubstr("?" + folder_ + "/plain: not a program"));
  EXPECT_THAT(said(ExecCheck{{write_program("open", "#!/bin/sh\n", 0777)}}, 80), HasSubstr("others may change it"));
  const std::string foreign = write_program("foreign", "#!/bin/sh\n");
  ASSERT_EQ(::chown((folder_ + "/foreign").c_str(), 4711, 4711), 0);
  EXPECT_THAT(said(ExecCheck{{foreign}}, 80), HasSubstr("not root's"));
  const std::string good = write_program("good", "#!/bin/sh\n");
  ::chmod(folder_.c_str(), 0777);
  EXPECT_THAT(said(ExecCheck{{good}}, 80), HasSubstr(folder_ + ": others may change it"));
}

TEST_F(AttemptsTest, ExecHasNoneOfTheDaemonsPrivileges) {
  // All sets that a program can act by or hand on, and what set-user-ID programs would bring.
  const std::string program = write_program(
      "privileges", "#!/bin/sh\necho $(grep -E '^(Cap(Inh|Prm|Eff|Amb)|NoNewPrivs):' /proc/self/status | cut -f2 | sort -u)\n");
  EXPECT_EQ(said(ExecCheck{{program}}, 80), "+status 0, said \"0000000000000000 1\"");
  // Ours stay, as the loop needs them.
  std::ifstream status("/proc/self/status");
  const std::string ours{std::istreambuf_iterator<char>(status), {}};
  if (::geteuid() == 0) {
    EXPECT_THAT(ours, testing::Not(HasSubstr("CapEff:\t0000000000000000")));
  }
  EXPECT_THAT(ours, HasSubstr("NoNewPrivs:\t0"));
}

TEST_F(AttemptsTest, AnEndedProgramGoesWithItsChildren) {
  const std::string program = write_program("slow", "#!/bin/sh\nsleep 300 &\necho $! > " + folder_ + "/child\nsleep 300\n");
  Begun begun = attempts().begin(ExecCheck{{program}}, {*IpAddress::parse("127.0.0.1"), 80}, 1s, [](const Outcome&) {});
  ASSERT_TRUE(begun.attempt);
  pid_t child = 0;
  for (int i = 0; i < 500 && child == 0; ++i) {
    std::ifstream(folder_ + "/child") >> child;
    loop_.run_for(10ms);
  }
  ASSERT_GT(child, 0);
  begun.attempt.reset();
  const auto is_gone = [child] {
    std::ifstream status("/proc/" + std::to_string(child) + "/stat");
    std::string text;
    return !std::getline(status, text) || text.find(") Z") != std::string::npos;
  };
  for (int i = 0; i < 500 && !is_gone(); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(is_gone());
}

TEST(DnsMessage, AQueryIsOnTheWireAsItShouldBe) {
  EXPECT_EQ(dns_query("a.bc", 1, 0x1234), std::string("\x12\x34\x01\0\0\1\0\0\0\0\0\0\1a\2bc\0\0\1\0\1", 22));
  EXPECT_EQ(dns_query("a.bc.", 1, 0x1234), dns_query("a.bc", 1, 0x1234));
  EXPECT_EQ(dns_query(".", 6, 0), std::string("\0\0\x01\0\0\1\0\0\0\0\0\0\0\0\6\0\1", 17));
}

TEST(DnsMessage, OnlyTheAnswerToTheQueryCounts) {
  const std::string query = dns_query("example.org", 1, 7);
  std::string answer = query;
  EXPECT_FALSE(dns_code(query, answer)) << "a query is no answer";
  answer[2] = static_cast<char>(0x81);
  answer[3] = static_cast<char>(0x82);
  EXPECT_EQ(dns_code(query, answer), 2);
  EXPECT_FALSE(dns_code(query, answer.substr(0, 11)));
  EXPECT_FALSE(dns_code(query, answer.substr(0, answer.size() - 1)));
  std::string upper = answer;
  upper[13] = 'E';
  EXPECT_EQ(dns_code(query, upper), 2);
  std::string other = answer;
  other[13] = 'x';
  EXPECT_FALSE(dns_code(query, other));
  other = answer;
  other[1] = 8;
  EXPECT_FALSE(dns_code(query, other));
  std::string bare = answer.substr(0, 12);
  bare[5] = 0;
  EXPECT_EQ(dns_code(query, bare), 2) << "a header alone";
}

TEST(CheckWords, AreThoseOfTheConfiguration) {
  EXPECT_EQ(text_of(CheckKind(HttpCheck{.path = "/healthz", .host = "web", .body = "ok"})),
            "http GET /healthz, host web, status 200-299, body \"ok\"");
  EXPECT_EQ(text_of(CheckKind(HttpCheck{.secure = true, .tls = {"", "", false}})), "https GET /, status 200-299, no_verify");
  EXPECT_EQ(text_of(CheckKind(DnsCheck{})), "dns . SOA, wanted NOERROR");
  EXPECT_EQ(text_of(CheckKind(UdpCheck{"a\n", "b", true})), "udp, send \"a\\x0a\", expect \"b\"");
  EXPECT_EQ(text_of(CheckKind(ExecCheck{{"web-check", "a b"}})), "exec \"web-check\" \"a b\"");
}

}  // namespace attempts_test
}  // namespace shunt::control
