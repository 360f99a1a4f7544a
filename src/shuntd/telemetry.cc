#include "src/shuntd/telemetry.h"

#include <rte_telemetry.h>

#include <cerrno>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "src/base/log.h"

namespace shunt::shuntd {
namespace {

// An answer has 16 KiB (rte_telemetry's MAX_OUTPUT_LEN); a name 63 bytes at most.
constexpr uint32_t kNamesInAnAnswer = 200;
constexpr size_t kRealsInAnAnswer = 40;
constexpr control::Milliseconds kTelemetryLimit{2000};

// DPDK has no way to take a command back, so what it calls looks here.
std::mutex g_telemetry_mutex;
control::Controller* g_observed = nullptr;

// Asks the controller while it is there, and tells: 0 or a negative errno.
template <typename Ask>
int answer(const Ask& ask) {
  const std::lock_guard lock(g_telemetry_mutex);
  return g_observed == nullptr ? -EAGAIN : ask(*g_observed);
}

using Numbers = std::vector<std::pair<const char*, uint64_t>>;

void add_all(rte_tel_data* dict, const Numbers& numbers) {
  for (const auto& [name, value] : numbers) rte_tel_data_add_dict_u64(dict, name, value);
}

// A dict in a dict; DPDK frees it.
rte_tel_data* add_dict(rte_tel_data* dict, const std::string& name) {
  rte_tel_data* inner = rte_tel_data_alloc();
  if (inner == nullptr) return nullptr;
  rte_tel_data_start_dict(inner);
  if (rte_tel_data_add_dict_container(dict, name.c_str(), inner, 0) == 0) return inner;
  rte_tel_data_free(inner);
  return nullptr;
}

int tell_service_names(control::Controller& controller, rte_tel_data* data) {
  control::ServiceSearch search;
  search.limit = kNamesInAnAnswer;
  const auto found = controller.find_services(search, kTelemetryLimit);
  if (!found) return -EAGAIN;
  rte_tel_data_start_dict(data);
  add_all(data, {{"services", found->all}});
  rte_tel_data* names = rte_tel_data_alloc();
  if (names == nullptr) return -ENOMEM;
  rte_tel_data_start_array(names, RTE_TEL_STRING_VAL);
  for (const control::ServiceState& service : found->services)
    rte_tel_data_add_array_string(names, service.name.c_str());
  return rte_tel_data_add_dict_container(data, "names", names, 0);
}

int tell_service(control::Controller& controller, const std::string& name, rte_tel_data* data) {
  control::ServiceQuery query;
  query.name = name;
  const auto page = controller.list_services(query, kTelemetryLimit);
  if (!page) return page.error().code == ErrorCode::kNotFound ? -ENOENT : -EAGAIN;
  const control::ServiceState& service = page->services.front();
  rte_tel_data_start_dict(data);
  rte_tel_data_add_dict_string(data, "name", service.name.c_str());
  rte_tel_data_add_dict_string(data, "place",
                               control::place_of(service.vips, service.match).c_str());
  const auto numbers_of = [](const auto& state) -> Numbers {
    return {{"active_connections", state.active_connections},
            {"inactive_connections", state.inactive_connections},
            {"connections", state.traffic.connections},
            {"in_packets", state.traffic.in_packets},
            {"out_packets", state.traffic.out_packets},
            {"in_bytes", state.traffic.in_bytes},
            {"out_bytes", state.traffic.out_bytes}};
  };
  add_all(data, numbers_of(service));
  add_all(data, {{"reals", service.reals.size()}});
  // DPDK's names take no dots and colons: the real's is inside.
  for (size_t i = 0; i < std::min(service.reals.size(), kRealsInAnAnswer); ++i) {
    const control::RealState& real = service.reals[i];
    rte_tel_data* inner = add_dict(data, "real" + std::to_string(i));
    if (inner == nullptr) return -ENOMEM;
    rte_tel_data_add_dict_string(inner, "name", real.name.c_str());
    add_all(inner,
            {{"up", real.health != control::Health::kDown}, {"weight", real.effective_weight}});
    add_all(inner, numbers_of(real));
  }
  return 0;
}

int on_services(const char*, const char* parameter, rte_tel_data* data) {
  const std::string name = parameter == nullptr ? "" : parameter;
  return answer([&](control::Controller& controller) {
    return name.empty() ? tell_service_names(controller, data)
                        : tell_service(controller, name, data);
  });
}

int on_workers(const char*, const char*, rte_tel_data* data) {
  return answer([&](control::Controller& controller) {
    const auto overview = controller.overview(kTelemetryLimit);
    if (!overview) return -EAGAIN;
    rte_tel_data_start_dict(data);
    for (const control::WorkerState& worker : overview->workers) {
      rte_tel_data* inner = add_dict(data, std::to_string(worker.worker));
      if (inner == nullptr) return -ENOMEM;
      add_all(inner, {{"lcore", worker.lcore},
                      {"busy_permille", static_cast<uint64_t>(worker.busy_ratio * 1000)},
                      {"rx_packets", worker.rx_packets},
                      {"tx_packets", worker.tx_packets},
                      {"dropped", worker.dropped_packets},
                      {"connections", worker.connections},
                      {"capacity", worker.connection_capacity}});
    }
    return 0;
  });
}

int on_ports(const char*, const char*, rte_tel_data* data) {
  return answer([&](control::Controller& controller) {
    const auto overview = controller.overview(kTelemetryLimit);
    if (!overview) return -EAGAIN;
    rte_tel_data_start_dict(data);
    for (size_t i = 0; i < overview->ports.size(); ++i) {
      const control::PortState& port = overview->ports[i];
      rte_tel_data* inner = add_dict(data, std::to_string(i));
      if (inner == nullptr) return -ENOMEM;
      rte_tel_data_add_dict_string(inner, "name", port.name.c_str());
      add_all(inner, {{"link_up", port.link_up},
                      {"rx_packets", port.rx_packets},
                      {"tx_packets", port.tx_packets},
                      {"rx_missed", port.rx_missed},
                      {"rx_no_mbuf", port.rx_no_mbuf}});
    }
    return 0;
  });
}

int on_drops(const char*, const char*, rte_tel_data* data) {
  return answer([&](control::Controller& controller) {
    const auto overview = controller.overview(kTelemetryLimit);
    if (!overview) return -EAGAIN;
    rte_tel_data_start_dict(data);
    for (const control::DropState& drop : overview->drops)
      rte_tel_data_add_dict_u64(data, drop.reason.c_str(), drop.packets);
    return 0;
  });
}

void register_commands() {
  const struct {
    const char* command;
    telemetry_cb callback;
    const char* help;
  } commands[] = {
      {"/shunt/services", on_services,
       "Names of services; with a name, its numbers and its reals'. Parameters: NAME"},
      {"/shunt/workers", on_workers, "Workers: load, packets, connections. Takes no parameters"},
      {"/shunt/ports", on_ports, "Ports by their names in the configuration. Takes no parameters"},
      {"/shunt/drops", on_drops, "Packets dropped, by reason. Takes no parameters"},
  };
  for (const auto& each : commands) {
    if (const int error = rte_telemetry_register_cmd(each.command, each.callback, each.help)) {
      spdlog::warn("telemetry: {} cannot be offered ({}); dpdk-telemetry.py will lack it",
                   each.command, error);
    }
  }
}

}  // namespace

Telemetry::Telemetry(control::Controller& controller) {
  static std::once_flag registered;
  std::call_once(registered, register_commands);
  const std::lock_guard lock(g_telemetry_mutex);
  g_observed = &controller;
}

Telemetry::~Telemetry() {
  const std::lock_guard lock(g_telemetry_mutex);
  g_observed = nullptr;
}

}  // namespace shunt::shuntd
