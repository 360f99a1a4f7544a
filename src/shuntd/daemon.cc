#include "src/shuntd/daemon.h"

#include <utility>

#include "control/identity.h"
#include "src/base/log.h"

namespace shunt::shuntd {
namespace {

std::string mib(uint64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

std::string count(size_t number, const char* what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

std::string url_of(const control::Http& http) {
  const std::string address = http.address.to_string();
  return "http://" + (http.address.is_v4() ? address : "[" + address + "]") + ":" + std::to_string(http.port) + "/";
}

// One worker gets everything; with several, who gets fullnat's replies is worth knowing.
void tell_steering(const dataplane::Dataplane& dataplane) {
  if (dataplane.workers().size() < 2) return;
  for (const dataplane::PortInfo& port : dataplane.ports()) {
    if (port.steered) {
      spdlog::info("port {}: RSS brings fullnat's replies to their workers", port.name);
    } else {
      spdlog::info("port {}: fullnat's replies are handed to their workers in software: {}", port.name,
                   port.why_not_steered);
    }
  }
}

}  // namespace

Daemon::Daemon(Configuration configuration)
    : configuration_(std::move(configuration)), names_(config::names_of(configuration_.machine)) {}

Result<std::unique_ptr<Daemon>> Daemon::start(Configuration configuration) {
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(configuration)));
  const control::Machine& machine = daemon->configuration_.machine;

  auto dataplane = dataplane::Dataplane::start(dataplane_options(machine));
  if (!dataplane) return dataplane.error();
  daemon->dataplane_ = std::move(*dataplane);
  tell_steering(*daemon->dataplane_);
  auto kernel_side = KernelSide::create(*daemon->dataplane_, machine);
  if (!kernel_side) return kernel_side.error();
  daemon->kernel_side_ = std::move(*kernel_side);

  control::ControllerOptions options;
  options.machine = machine;
  options.file = daemon->configuration_.file;
  options.codec = journal_codec(daemon->names_);
  options.hooks = daemon->kernel_side_->hooks();
  auto controller = control::Controller::start(*daemon->dataplane_, std::move(options));
  if (!controller) return controller.error();
  daemon->controller_ = std::move(*controller);
  if (auto attached = daemon->kernel_side_->attach(*daemon->controller_); !attached) return attached.error();

  auto server = control::rpc::Server::start(*daemon->controller_, machine.unix_socket, daemon->names_, machine.tcp, machine.unix_roles);
  if (!server) return server.error();
  daemon->server_ = std::move(*server);
  daemon->telemetry_ = std::make_unique<Telemetry>(*daemon->controller_);
  if (!machine.http.enabled) return daemon;
  auto http = control::http::Server::start(*daemon->controller_, machine.http);
  if (!http) return http.error();
  daemon->http_ = std::move(*http);
  return daemon;
}

Daemon::~Daemon() {
  telemetry_.reset();
  if (http_) http_->stop();
  if (server_) server_->stop();
  // What lives on the loop goes after the loop has ended and before it is gone.
  if (controller_) controller_->stop();
  kernel_side_.reset();
  http_.reset();
  server_.reset();
  controller_.reset();
}

std::string Daemon::summary() const {
  const auto& tcp = configuration_.machine.tcp;
  uint64_t table_bytes = 0;
  uint64_t ipv4 = 0;
  uint64_t ipv6 = 0;
  for (const dataplane::WorkerInfo& worker : dataplane_->workers()) {
    table_bytes += worker.table_bytes;
    ipv4 += worker.connection_capacity;
    ipv6 += worker.ipv6_connection_capacity;
  }
  return count(dataplane_->ports().size(), "port") + ", " + count(dataplane_->workers().size(), "worker") +
         ", connection tables of " + mib(table_bytes) + " for " + std::to_string(ipv4) + " IPv4 and " +
         std::to_string(ipv6) + " IPv6 connections, API on " + configuration_.machine.unix_socket +
         (tcp ? " and " + control::address_and_port(tcp->address, tcp->port) : "") +
         (http_ ? ", status page on " + url_of(configuration_.machine.http) : "");
}

void Daemon::reload(const std::string& path) {
  auto outcome = reload_configuration(path, names_);
  if (!outcome.problems.empty()) {
    for (const std::string& problem : outcome.problems) spdlog::error("{}", problem);
    controller_->note_refused_apply();
    controller_->set_problem("configuration file", outcome.problems.front() +
                                                       " (at the last reload, which changed nothing; mend the file and "
                                                       "send SIGHUP again)");
    spdlog::error("reload of {}: {}, nothing was changed; mend the file and send SIGHUP again", path,
                  count(outcome.problems.size(), "error"));
    return;
  }
  if (outcome.configuration.machine_part != configuration_.machine_part) {
    spdlog::warn("reload of {}: the machine part (dpdk, workers, ports, listener, next_hops, journal, http, logging, probes) differs from what "
                 "runs; restart shuntd to use it", path);
  }
  controller_->set_problem("configuration file", "");
  const control::CauseScope because({control::Origin::kFile, "", "reload"});
  const auto applied = controller_->reload(outcome.configuration.file);
  if (!applied) {
    spdlog::error("reload of {}: {}", path, applied.error().message);
    return;
  }
  spdlog::info("reload of {}: revision {}, {}", path, applied->revision, count(applied->changes.size(), "change"));
}

bool Daemon::workers_advanced() {
  bool all = true;
  polls_.resize(dataplane_->workers().size());
  for (uint32_t i = 0; i < polls_.size(); ++i) {
    const uint64_t polls = dataplane_->worker_counters(i).polls.read();
    if (std::exchange(polls_[i], polls) == polls) all = false;
  }
  return all;
}

}  // namespace shunt::shuntd
