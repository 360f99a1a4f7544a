// The listener over a running controller and dataplane, as a client sees it; each test in a process
// of its own.
#include "control/http/server.h"

#include <gmock/gmock.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/control/controller_rig.h"
#include "tests/support/own_process.h"

namespace shunt::control::http {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

struct HttpRig {
  HttpRig() {
    auto started = Server::start(rig.start(), options());
    EXPECT_TRUE(started) << started.error().message;
    server = std::move(*started);
  }
  static Http options(uint16_t port = 0) {
    Http http;
    http.port = port;
    return http;
  }
  httplib::Client client() const { return httplib::Client("127.0.0.1", server->port()); }
  httplib::Result get(const std::string& path, const httplib::Headers& headers = {}) const {
    return client().Get(path, headers);
  }
  json status(const std::string& query = "") const {
    const auto answer = get("/status.json" + query);
    EXPECT_TRUE(answer) << to_string(answer.error());
    EXPECT_EQ(answer->status, 200) << answer->body;
    return json::parse(answer->body);
  }

  ControllerRig rig;
  std::unique_ptr<Server> server;
};

TEST(HttpServer, ASecondListenerOnItsPortIsAConflict) {
  if (test::ran_in_own_process()) return;
  HttpRig rig;
  const auto second = Server::start(rig.rig.controller(), HttpRig::options(rig.server->port()));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_THAT(second.error().message, HasSubstr("the port is taken"));
  rig.server->stop();
  EXPECT_TRUE(Server::start(rig.rig.controller(), HttpRig::options(rig.server->port())));
}

TEST(HttpServer, NothingCanBeChangedThroughIt) {
  if (test::ran_in_own_process()) return;
  HttpRig rig;
  auto client = rig.client();
  EXPECT_EQ(client.Post("/status.json", "x", "text/plain")->status, 405);
  EXPECT_EQ(client.Delete("/metrics")->status, 405);
  EXPECT_EQ(client.Head("/livez")->status, 200);
  EXPECT_EQ(rig.get("/nowhere")->status, 404);
}

TEST(HttpServer, AnswersForbidAForeignPagesContentAndForeignNamesAreRefused) {
  if (test::ran_in_own_process()) return;
  HttpRig rig;
  const auto answer = rig.get("/status.json");
  EXPECT_THAT(answer->get_header_value("Content-Security-Policy"), HasSubstr("default-src 'self'"));
  EXPECT_EQ(answer->get_header_value("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(rig.get("/status.json", {{"Host", "evil.example:9180"}})->status, 403);
  EXPECT_EQ(rig.get("/status.json", {{"Host", "localhost:9180"}})->status, 200);
  EXPECT_EQ(rig.get("/status.json", {{"Host", "[::1]:9180"}})->status, 200);
}

TEST(HttpServer, ThePageIsItsOwnAndIsSentAgainOnlyWhenItChanged) {
  if (test::ran_in_own_process()) return;
  HttpRig rig;
  const auto page = rig.get("/");
  EXPECT_EQ(page->get_header_value("Content-Type"), "text/html; charset=utf-8");
  EXPECT_THAT(page->body, Not(HasSubstr("http:")));
  EXPECT_THAT(page->body, Not(HasSubstr("https:")));
  for (const char* part : {"/page.js", "/page.css", "/icon.svg"}) {
    EXPECT_THAT(page->body, HasSubstr("\"" + std::string(part) + "\""));
    const auto answer = rig.get(part);
    EXPECT_EQ(answer->status, 200);
    const std::string etag = answer->get_header_value("ETag");
    EXPECT_GT(etag.size(), 10U);
    const auto again = rig.get(part, {{"If-None-Match", etag}});
    EXPECT_EQ(again->status, 304);
    EXPECT_EQ(again->body, "");
    EXPECT_EQ(rig.get(part, {{"If-None-Match", "\"other\""}})->status, 200);
  }
}

TEST(HttpServer, MetricsTellOfEveryServiceAndReal) {
  if (test::ran_in_own_process()) return;
  HttpRig rig;
  const auto answer = rig.get("/metrics");
  ASSERT_EQ(answer->status, 200);
  EXPECT_THAT(answer->get_header_value("Content-Type"), HasSubstr("version=0.0.4"));
  for (const char* line :
       {"shunt_build_info{version=\"", "shunt_config_last_apply_success 1\n",
        "shunt_worker_busy_ratio{worker=\"0\"}", "shunt_port_rx_missed_total{port=\"p0\"} 0\n",
        "shunt_service_reals{service=\"dns\"} 2\n",
        "shunt_real_up{service=\"dns\",real=\"10.1.0.2:53\"} 1\n"}) {
    EXPECT_THAT(answer->body, HasSubstr(line));
  }
  EXPECT_THAT(rig.get("/metrics?reals=0")->body, Not(HasSubstr("shunt_real_up")));
  EXPECT_EQ(rig.get("/metrics?reals=many")->status, 400);
}

TEST(HttpServer, TheStatusFollowsTheController) {
  if (test::ran_in_own_process()) return;
  HttpRig rig;
  json status = rig.status();
  EXPECT_EQ(status["state"], "READY") << status["problems"];
  EXPECT_EQ(status["services"][0]["name"], "dns");
  EXPECT_EQ(status["services"][0]["place"], "10.9.9.9:53");
  EXPECT_EQ(status["services"][0]["reals_up"], 2);
  EXPECT_EQ(status["ports"][0]["name"], "p0");
  ASSERT_TRUE(rig.rig.controller().set_weight("dns", "10.1.0.1:53", 0, 0));
  ASSERT_TRUE(rig.rig.controller().set_weight("dns", "10.1.0.2:53", 0, 0));
  EXPECT_TRUE(within(std::chrono::seconds(3), [&] { return rig.status()["state"] == "DEGRADED"; }));
  status = rig.status();
  EXPECT_THAT(status["problems"].dump(), HasSubstr("no real left for new connections"));
  EXPECT_EQ(status["events"][0]["kind"], "applied");
  EXPECT_EQ(status["services"][0]["reals_up"], 0);
  EXPECT_EQ(rig.get("/readyz")->status, 200);
  EXPECT_THAT(rig.get("/readyz")->body, HasSubstr("degraded"));
}

TEST(HttpServer, ServicesAreFoundByNamePlaceAndTroubleAndComeInPages) {
  if (test::ran_in_own_process()) return;
  HttpRig rig;
  DesiredState state;
  for (int i = 0; i < 30; ++i) {
    state.services.push_back(service_at("web-" + std::to_string(10 + i),
                                        "10.9.1." + std::to_string(i + 1),
                                        {real_at("10.1.0.1", i == 7 ? 0 : 1)}));
  }
  ASSERT_TRUE(rig.rig.controller().apply(state, 0, false));
  json found = rig.status("?limit=10&offset=20");
  EXPECT_EQ(found["services_matching"], 30);
  EXPECT_EQ(found["services"].size(), 10U);
  EXPECT_EQ(found["services"][0]["name"], "web-30");
  EXPECT_EQ(rig.status("?filter=WEB-1")["services_matching"], 10);
  EXPECT_EQ(rig.status("?filter=10.9.1.30:53")["services"][0]["name"], "web-39");
  found = rig.status("?troubled=1");
  EXPECT_EQ(found["services_matching"], 1);
  EXPECT_EQ(found["services_total"], 30);
  EXPECT_EQ(found["services"][0]["name"], "web-17");
  EXPECT_EQ(rig.get("/status.json?limit=100000")->status, 400);
  EXPECT_EQ(rig.get("/status.json?offset=-1")->status, 400);
}

TEST(HttpServer, OnlyAnOpenServiceTellsOfAllItsReals) {
  if (test::ran_in_own_process()) return;
  HttpRig rig;
  // The two that were there stay: removed ones are told, too, for a while.
  std::vector<Real> reals = {real_at("10.1.0.1"), real_at("10.1.0.2")};
  for (int i = 0; i < 38; ++i) reals.push_back(real_at("10.1.1." + std::to_string(i + 1)));
  ASSERT_TRUE(rig.rig.controller().apply(state_with(reals), 0, false));
  json service = rig.status()["services"][0];
  EXPECT_EQ(service["reals"].size(), 32U);
  EXPECT_EQ(service["reals_left_out"], 8);
  service = rig.status("?open=dns")["services"][0];
  EXPECT_EQ(service["reals"].size(), 40U);
  EXPECT_EQ(service["reals_left_out"], 0);
}

TEST(HttpServer, ABusyControlThreadIsToldInTimeAndNotWaitedFor) {
  if (test::ran_in_own_process()) return;
  HttpRig rig;
  asio::post(rig.rig.controller().loop(),
             [] { std::this_thread::sleep_for(std::chrono::milliseconds(2800)); });
  const auto start = std::chrono::steady_clock::now();
  const auto answer = rig.get("/livez");
  EXPECT_EQ(answer->status, 503);
  EXPECT_THAT(answer->body, HasSubstr("no answer within 2000 ms"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(2700));
  EXPECT_TRUE(within(std::chrono::seconds(5), [&] { return rig.get("/livez")->status == 200; }));
  EXPECT_TRUE(within(std::chrono::seconds(5), [&] {
    return rig.get("/metrics")->body.find("shunt_control_lag_seconds 2.") != std::string::npos;
  }));
}

TEST(HttpServer, ClientsThatDoNotReadOrWriteDoNotHoldUpTheEnd) {
  if (test::ran_in_own_process()) return;
  HttpRig rig;
  std::vector<int> clients;
  for (int i = 0; i < 12; ++i) {
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(rig.server->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    // Half a request, and requests whose answers nobody reads.
    const std::string text = i % 2 == 0 ? "GET /metrics HTTP/1.1\r\nHost: loc"
                                        : "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    ASSERT_EQ(send(client, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    clients.push_back(client);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto start = std::chrono::steady_clock::now();
  rig.server->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
  for (const int client : clients) close(client);
}

TEST(HttpServer, ARefusedStateIsSeenInTheMetrics) {
  if (test::ran_in_own_process()) return;
  HttpRig rig;
  rig.rig.controller().note_refused_apply();
  EXPECT_TRUE(within(std::chrono::seconds(3), [&] {
    return rig.get("/metrics")->body.find("shunt_config_last_apply_success 0\n") !=
           std::string::npos;
  }));
  ASSERT_TRUE(rig.rig.controller().apply(state_with({real_at("10.1.0.3")}), 0, false));
  EXPECT_TRUE(within(std::chrono::seconds(3), [&] {
    return rig.get("/metrics")->body.find("shunt_config_last_apply_success 1\n") !=
           std::string::npos;
  }));
}

}  // namespace
}  // namespace shunt::control::http
