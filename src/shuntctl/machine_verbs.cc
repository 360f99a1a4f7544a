// shuntctl drops, workers, ports: what the packet path and its ports do.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/shuntctl/client.h"
#include "src/shuntctl/output/table.h"
#include "src/shuntctl/output/text.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

using enum Align;

Outcome show_drops(const Settings& settings) {
  Client client(settings);
  v1::ListDropsResponse response;
  if (auto failure = client.call(&v1::Shunt::Stub::ListDrops, v1::ListDropsRequest(), &response)) return *failure;
  if (settings.json) {
    print_json(response);
    return {};
  }
  Table table({kLeft, kRight, kRight, kLeft});
  table.header({"Reason", "Packets", "PPS", "Meaning"});
  for (const auto& drop : response.drops()) {
    table.row({{drop.reason(), drop.rate() > 0 ? Tone::kWarning : Tone::kPlain}, count(drop.packets(), settings.exact),
               rate(drop.rate(), settings.exact), drop.meaning()});
  }
  print(response.drops().empty() ? "no packet was dropped\n" : table.to_string(settings.colour));
  return {};
}

Outcome show_workers(const Settings& settings) {
  Client client(settings);
  v1::ListWorkersResponse response;
  if (auto failure = client.call(&v1::Shunt::Stub::ListWorkers, v1::ListWorkersRequest(), &response)) return *failure;
  if (settings.json) {
    print_json(response);
    return {};
  }
  const auto number = [&](uint64_t value) { return Cell(count(value, settings.exact)); };
  // Told where there are services whose clients and reals are of different families.
  const bool translates = std::any_of(response.workers().begin(), response.workers().end(), [](const auto& worker) {
    return worker.translated_to_ipv6_packets() + worker.translated_to_ipv4_packets() > 0;
  });
  std::vector<std::string> header{"Worker", "Lcore", "Busy", "Cycles/Pkt", "Pkts/Burst", "RxPkts", "TxPkts", "Dropped",
                                  "ToKernel", "HandedOff", "Conns", "Capacity", "IPv6Conns", "IPv6Capacity", "Snapshot"};
  if (translates) header.insert(header.end(), {"ToIPv6", "ToIPv4"});
  Table table(std::vector<Align>(header.size(), kRight));
  table.header(std::move(header));
  for (const auto& worker : response.workers()) {
    std::vector<Cell> row{std::to_string(worker.worker()), std::to_string(worker.lcore()), percent(worker.busy_ratio()),
                          rate(worker.cycles_per_packet(), settings.exact), rate(worker.packets_per_burst(), settings.exact),
                          number(worker.rx_packets()), number(worker.tx_packets()), number(worker.dropped_packets()),
                          number(worker.kernel_packets()), number(worker.handed_off_packets()), number(worker.connections()),
                          number(worker.connection_capacity()), number(worker.ipv6_connections()),
                          number(worker.ipv6_connection_capacity()), std::to_string(worker.snapshot())};
    if (translates) {
      row.push_back(number(worker.translated_to_ipv6_packets()));
      row.push_back(number(worker.translated_to_ipv4_packets()));
    }
    table.row(std::move(row));
  }
  print(table.to_string(settings.colour));
  return {};
}

std::string offloads(const v1::PortState& port) {
  std::string text;
  const auto add = [&text](bool has, const char* name) {
    if (has) text += (text.empty() ? "" : ",") + std::string(name);
  };
  add(port.rss(), "rss");
  add(port.steered(), "steered");
  add(port.rx_checksum_offload(), "rx-checksum");
  add(port.tx_checksum_offload(), "tx-checksum");
  add(port.strips_vlan_tags(), "rx-vlan");
  add(port.inserts_vlan_tags(), "tx-vlan");
  return text.empty() ? "-" : text;
}

// What did not come in or go out: 0 everywhere is a healthy port.
Cell losses(uint64_t value, bool exact) { return {count(value, exact), value > 0 ? Tone::kWarning : Tone::kPlain}; }

Outcome show_ports(const Settings& settings) {
  Client client(settings);
  v1::ListPortsResponse response;
  if (auto failure = client.call(&v1::Shunt::Stub::ListPorts, v1::ListPortsRequest(), &response)) return *failure;
  if (settings.json) {
    print_json(response);
    return {};
  }
  const bool exact = settings.exact;
  Table table({kLeft, kLeft, kRight, kRight, kLeft, kRight, kRight, kRight, kRight, kRight, kRight, kRight, kRight,
               kRight, kLeft, kLeft, kLeft, kLeft});
  table.header({"Name", "Link", "VLAN", "MTU", "MAC", "Queues", "RxPkts", "TxPkts", "RxBytes", "TxBytes", "RxMissed",
                "RxErrors", "TxErrors", "RxNoMbuf", "KernelPort", "Offloads", "Driver", "Device"});
  for (const auto& port : response.ports()) {
    const Cell link = port.link_up() ? Cell("up", Tone::kGood) : Cell("down", Tone::kBad);
    table.row({{port.name(), Tone::kBold}, link, port.vlan() == 0 ? "-" : std::to_string(port.vlan()),
               std::to_string(port.mtu()), port.mac(), std::to_string(port.queues()),
               count(port.rx_packets(), exact), count(port.tx_packets(), exact), count(port.rx_bytes(), exact),
               count(port.tx_bytes(), exact), losses(port.rx_missed(), exact), losses(port.rx_errors(), exact),
               losses(port.tx_errors(), exact), losses(port.rx_no_mbuf(), exact),
               port.kernel_port().empty() ? "-" : port.kernel_port(), offloads(port), port.driver(), port.device()});
  }
  print(table.to_string(settings.colour));
  return {};
}

}  // namespace

void add_machine_verbs(CLI::App& app, Command& command) {
  app.add_subcommand("drops", "Packets dropped, by reason")->callback([&command] { command.action = show_drops; });
  app.add_subcommand("workers", "Workers: load, packets, connections of each family")->callback([&command] {
    command.action = show_workers;
  });
  app.add_subcommand("ports", "Ports: link, packets, losses, offloads")->callback([&command] {
    command.action = show_ports;
  });
}

}  // namespace shunt::shuntctl
