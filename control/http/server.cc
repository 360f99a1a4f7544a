#include "control/http/server.h"

#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "control/http/assets.h"
#include "control/http/bounded_pool.h"
#include "control/http/metrics.h"
#include "control/http/reports.h"
#include "control/identity.h"
#include "src/base/log.h"

namespace shunt::control::http {
namespace {

using httplib::Request;
using httplib::Response;

constexpr size_t kThreads = 4;
constexpr size_t kWaiting = 32;
constexpr time_t kPatienceSeconds = 5;
// Whoever takes longer for an answer keeps others from theirs.
constexpr std::chrono::seconds kLongestScrape{60};
constexpr size_t kWriteBytes = 64 << 10;
constexpr uint32_t kMostServices = 200;
constexpr const char* kText = "text/plain; charset=utf-8";

void tell(Response& response, int status, const std::string& text) {
  response.status = status;
  response.set_content(text + "\n", kText);
}

void tell(Response& response, const Error& error) {
  tell(response, error.code == ErrorCode::kUnavailable ? 503 : 500, error.message);
}

// A part of the page; browsers ask each time whether it changed.
void tell(const Request& request, Response& response, const Asset& asset) {
  response.set_header("ETag", asset.etag);
  response.set_header("Cache-Control", "no-cache");
  if (request.get_header_value("If-None-Match") == asset.etag) {
    response.status = 304;
    return;
  }
  response.set_content(asset.content.data(), asset.content.size(), asset.type);
}

// A number in a request's query. False: it is none, and the response says so.
bool take_number(const Request& request, Response& response, const char* name, uint32_t most,
                 uint32_t& value) {
  if (!request.has_param(name)) return true;
  const std::string text = request.get_param_value(name);
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed == std::errc() && end == text.data() + text.size() && value <= most) return true;
  tell(response, 400, std::string(name) + ": is no number up to " + std::to_string(most));
  return false;
}

// "localhost:9180" -> "localhost", "[::1]:9180" -> "::1"
std::string host_of(const std::string& header) {
  if (header.starts_with('[')) return header.substr(1, header.find(']') - 1);
  return header.substr(0, header.find(':'));
}

bool is_loopback(const std::string& host) {
  if (host == "localhost") return true;
  const auto address = IpAddress::parse(host);
  return address &&
         (Prefix::parse("127.0.0.0/8")->contains(*address) || *address == IpAddress::parse("::1"));
}

Error bind_failure(const Http& options, int error) {
  const std::string subject = "http " + address_and_port(options.address, options.port) + ": ";
  if (error == EADDRINUSE) {
    return {ErrorCode::kConflict,
            subject +
                "the port is taken; stop who listens there (ss -ltnp), or set http.port to "
                "another one"};
  }
  if (error == EACCES || error == EPERM) {
    return {ErrorCode::kPermission,
            subject + "not allowed to listen there; set http.port to one above 1023"};
  }
  if (error == EADDRNOTAVAIL) {
    return {ErrorCode::kInvalid,
            subject + "this machine has no such address; set http.address to one that it has"};
  }
  return {ErrorCode::kInternal, subject + "cannot be listened on: " + std::strerror(error) +
                                    "; set http.disabled: true to do without"};
}

}  // namespace

namespace {

// Ends the connections of a port of ours, at whatever their thread waits: a client that reads or
// writes slowly must not hold up the daemon's end.
void cut_connections(uint16_t port) {
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", failed)) {
    const int fd = std::atoi(entry.path().filename().c_str());
    sockaddr_storage own{};
    sockaddr_storage peer{};
    socklen_t own_bytes = sizeof own;
    socklen_t peer_bytes = sizeof peer;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&own), &own_bytes) != 0) continue;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_bytes) != 0) continue;
    const bool is_ipv4 = own.ss_family == AF_INET;
    if (!is_ipv4 && own.ss_family != AF_INET6) continue;
    const in_port_t raw = is_ipv4 ? reinterpret_cast<sockaddr_in&>(own).sin_port
                                  : reinterpret_cast<sockaddr_in6&>(own).sin6_port;
    if (ntohs(raw) == port) ::shutdown(fd, SHUT_RDWR);
  }
}

// False: the client is gone, or too slow.
bool send(httplib::DataSink& sink, const std::string& piece,
          std::chrono::steady_clock::time_point deadline) {
  for (size_t at = 0; at < piece.size(); at += kWriteBytes) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    if (!sink.write(piece.data() + at, std::min(kWriteBytes, piece.size() - at))) return false;
  }
  return true;
}

}  // namespace

struct Server::State {
  State(Controller& controller, const Http& wanted) : reports(controller), options(wanted) {}

  void set_up();
  bool refuse(const Request& request, Response& response) const;
  void tell_metrics(const Request& request, Response& response);
  void tell_status(const Request& request, Response& response);
  void tell_liveness(Response& response);
  void tell_readiness(Response& response);

  Reports reports;
  const Http options;
  uint16_t port = 0;
  httplib::Server server;
  std::thread thread;
  // A scrape of a hundred thousand reals takes memory and time: one at a time.
  std::timed_mutex scraping;
};

void Server::State::set_up() {
  server.new_task_queue = [] { return new BoundedPool(kThreads, kWaiting); };
  // The library's own choice, SO_REUSEPORT, would let two daemons listen on one port.
  server.set_socket_options([](int socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  // A connection that stays open would keep a thread.
  server.set_keep_alive_max_count(1);
  server.set_keep_alive_timeout(kPatienceSeconds);
  server.set_read_timeout(kPatienceSeconds);
  server.set_write_timeout(kPatienceSeconds);
  server.set_payload_max_length(0);
  server.set_default_headers(
      {{"Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'"},
       {"X-Content-Type-Options", "nosniff"},
       {"Referrer-Policy", "no-referrer"}});
  server.set_pre_routing_handler([this](const Request& request, Response& response) {
    const bool is_refused = refuse(request, response);
    return is_refused ? httplib::Server::HandlerResponse::Handled
                      : httplib::Server::HandlerResponse::Unhandled;
  });
  server.set_error_handler([](const Request& request, Response& response) {
    if (response.body.empty())
      response.set_content(request.path + ": there is no such page; see /\n", kText);
  });
  server.set_exception_handler(
      [](const Request& request, Response& response, std::exception_ptr failure) {
        try {
          std::rethrow_exception(std::move(failure));
        } catch (const std::exception& error) {
          spdlog::error("http: {} failed: {}; please report this", request.path, error.what());
          tell(response, 500, "the request failed; see the log of shuntd");
        }
      });
  server.set_post_routing_handler([](const Request&, Response& response) {
    if (!response.has_header("Cache-Control")) response.set_header("Cache-Control", "no-store");
  });
  for (const Asset& asset : assets()) {
    server.Get(asset.path, [&asset](const Request& request, Response& response) {
      tell(request, response, asset);
    });
  }
  server.Get("/metrics", [this](const Request& request, Response& response) {
    tell_metrics(request, response);
  });
  server.Get("/status.json", [this](const Request& request, Response& response) {
    tell_status(request, response);
  });
  server.Get("/livez", [this](const Request&, Response& response) { tell_liveness(response); });
  server.Get("/readyz", [this](const Request&, Response& response) { tell_readiness(response); });
}

bool Server::State::refuse(const Request& request, Response& response) const {
  if (request.method != "GET" && request.method != "HEAD") {
    response.set_header("Allow", "GET, HEAD");
    tell(response, 405, "nothing can be changed here; use shuntctl");
    return true;
  }
  // A page from elsewhere whose name was made to point here must not read on behalf of who looks at
  // it.
  const std::string host = host_of(request.get_header_value("Host"));
  if (!is_loopback(options.address.to_string()) || is_loopback(host)) return false;
  tell(response, 403,
       "Host: this listener is a loopback one; ask it by 127.0.0.1, [::1] or localhost");
  return true;
}

void Server::State::tell_metrics(const Request& request, Response& response) {
  uint32_t reals = 1;
  if (!take_number(request, response, "reals", 1, reals)) return;
  std::unique_lock lock(scraping, std::chrono::seconds(kPatienceSeconds));
  if (!lock)
    return tell(response, 503,
                "metrics: another scrape goes on; ask less often or from fewer places");
  auto overview = reports.overview();
  if (!overview) return tell(response, overview.error());
  auto services = reports.services();
  if (!services) return tell(response, services.error());
  auto metrics = std::make_shared<Metrics>(std::move(*overview), std::move(*services), reals != 0);
  const auto deadline = std::chrono::steady_clock::now() + kLongestScrape;
  response.set_chunked_content_provider("text/plain; version=0.0.4; charset=utf-8",
                                        [metrics, deadline](size_t, httplib::DataSink& sink) {
                                          std::string piece;
                                          const bool goes_on = metrics->next(piece);
                                          if (!send(sink, piece, deadline)) return false;
                                          if (!goes_on) sink.done();
                                          return true;
                                        });
}

void Server::State::tell_status(const Request& request, Response& response) {
  StatusQuery query;
  uint32_t troubled = 0;
  if (!take_number(request, response, "offset", UINT32_MAX, query.search.offset) ||
      !take_number(request, response, "limit", kMostServices, query.search.limit) ||
      !take_number(request, response, "troubled", 1, troubled)) {
    return;
  }
  query.search.text = request.get_param_value("filter");
  query.search.troubled = troubled != 0;
  for (size_t i = 0; i < request.get_param_value_count("open"); ++i) {
    query.open.push_back(request.get_param_value("open", i));
  }
  const auto status = reports.status(query);
  if (!status) return tell(response, status.error());
  response.set_content(*status, "application/json");
}

void Server::State::tell_liveness(Response& response) {
  const auto overview = reports.overview();
  if (!overview) return tell(response, overview.error());
  for (const WorkerState& worker : overview->workers) {
    if (worker.stalled) return tell(response, 503, why_not_ready(*overview).front());
  }
  tell(response, 200, "alive");
}

void Server::State::tell_readiness(Response& response) {
  const auto overview = reports.overview();
  if (!overview) return tell(response, overview.error());
  const auto reasons = why_not_ready(*overview);
  const auto& lines = reasons.empty() ? overview->status.problems : reasons;
  std::string text = !reasons.empty() ? "not ready:" : lines.empty() ? "ready" : "ready, degraded:";
  for (const std::string& line : lines) text += "\n" + line;
  tell(response, reasons.empty() ? 200 : 503, text);
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() { stop(); }

Result<std::unique_ptr<Server>> Server::start(Controller& controller, const Http& options) {
  auto state = std::make_unique<State>(controller, options);
  state->set_up();
  const std::string address = options.address.to_string();
  errno = 0;
  const int port = options.port == 0 ? state->server.bind_to_any_port(address)
                   : state->server.bind_to_port(address, options.port) ? options.port
                                                                       : -1;
  if (port < 0) return bind_failure(options, errno);
  state->port = static_cast<uint16_t>(port);
  state->thread = std::thread([raw = state.get()] { raw->server.listen_after_bind(); });
  // stop() is heard by a loop that runs.
  while (!state->server.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

uint16_t Server::port() const noexcept { return state_->port; }

void Server::stop() {
  if (!state_->thread.joinable()) return;
  state_->server.stop();
  // Those that a thread has, and those that wait for one.
  std::atomic<bool> ended = false;
  std::thread cutter([&] {
    while (!ended) {
      cut_connections(state_->port);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  state_->thread.join();
  ended = true;
  cutter.join();
}

}  // namespace shunt::control::http
