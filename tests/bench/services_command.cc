// What it costs to find a new connection's service, by how many services with a match there are: one of a VIP and port
// while none of the matches fits, the same by a range of ports, and one of the matches. Connections come from clients
// all over the rules' prefixes.
#include <rte_cycles.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "control/match_table_builder.h"
#include "control/port_stretches.h"
#include "dataplane/headers.h"
#include "dataplane/snapshot.h"
#include "tests/bench/commands.h"
#include "tests/bench/eal.h"

namespace shunt::bench {
namespace {

using namespace dataplane;

constexpr uint32_t kVips = 256;     // each with a service of one port and one of a range
constexpr uint32_t kFlows = 16384;  // looked up in turn

enum class Found { kExact, kRange, kMatch };

const char* word_of(Found found) {
  switch (found) {
    case Found::kExact:
      return "vip and port";
    case Found::kRange:
      return "range of ports";
    case Found::kMatch:
      return "match";
  }
  return "?";
}

class ServicesRig {
 public:
  ServicesRig(AddressFamily family, uint32_t matches, Found found) : family_(family), random_(matches + 1) {
    for (uint32_t i = 0; i < 2 * kVips + matches; ++i) services_.emplace_back().id = {i};
    slots_.resize(std::bit_ceil(kVips * 2u));
    ranges_.resize(std::bit_ceil(kVips * 2u));
    for (uint32_t i = 0; i < kVips; ++i) add_vip(i);
    add_matches(matches);
    for (uint32_t i = 0; i < kFlows; ++i) flows_.push_back(flow(matches, found));
    snapshot_.services = services_;
    snapshot_.service_slots = slots_;
    snapshot_.range_slots = ranges_;
    snapshot_.port_stretches = stretches_;
    snapshot_.matches = memory_->table();
  }

  // What is measured.
  [[gnu::noinline]] uint64_t run(uint32_t lookups) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < lookups; ++i) {
      const ServiceEntry* service = snapshot_.find_service(flows_[i % kFlows], 0);
      if (service == nullptr) give_up("a service was not found");
      sum += service->id.index;
    }
    return sum;
  }

 private:
  // 10.0.0.0/8 are clients, 198.19.0.0/16 VIPs; IPv6 has them in its last four bytes.
  IpAddress at(uint32_t number) const {
    const IpAddress address = IpAddress::from_v4(Be32::from_host(number));
    if (family_ == AddressFamily::kIpv4) return address;
    IpAddress v6{AddressFamily::kIpv6, {0x20, 0x01, 0, 0x02}};
    std::copy_n(address.bytes.begin(), 4, v6.bytes.begin() + 12);
    return v6;
  }
  Prefix network(uint32_t number, uint32_t host_bits) const {
    const uint32_t bits = family_ == AddressFamily::kIpv4 ? 32 : 128;
    return {at(number), static_cast<uint8_t>(bits - host_bits)};
  }
  static uint32_t vip(uint32_t index) { return 0xc6130001 + index; }
  static uint32_t client_network(uint32_t rule) { return 0x0a000000 + (rule << 8); }

  void add_vip(uint32_t index) {
    const Be16 port = Be16::from_host(80);
    const IpAddress address = at(vip(index));
    uint32_t i = service_hash(kIpProtocolTcp, address, port) & (slots_.size() - 1);
    while (slots_[i].protocol != 0) i = (i + 1) & (slots_.size() - 1);
    slots_[i] = {address, port, kIpProtocolTcp, index};
    const auto own = control::stretches_of({{{1000, 1999}, kVips + index}});
    i = service_hash(kIpProtocolTcp, address, {}) & (ranges_.size() - 1);
    while (ranges_[i].protocol != 0) i = (i + 1) & (ranges_.size() - 1);
    ranges_[i] = {address, kIpProtocolTcp, static_cast<uint32_t>(stretches_.size()), static_cast<uint32_t>(own.size())};
    stretches_.insert(stretches_.end(), own.begin(), own.end());
  }

  // Each of a network of clients, a network of VIPs and a range of ports.
  void add_matches(uint32_t count) {
    std::vector<control::MatchRule> rules;
    for (uint32_t i = 0; i < count; ++i) {
      control::MatchRule rule;
      rule.family = family_;
      rule.clients = {network(client_network(i), 8)};
      rule.vips = {network(0xc6130000 + (i % 16 << 12), 12)};
      rule.ports = {static_cast<uint16_t>(8000 + i), static_cast<uint16_t>(8100 + i)};
      rule.service = 2 * kVips + i;
      rules.push_back(std::move(rule));
    }
    memory_ = std::make_unique<control::MatchTableMemory>(rules);
  }

  IpFlow flow(uint32_t matches, Found found) {
    const uint32_t rule = matches == 0 ? 0 : random_() % matches;
    IpFlow flow;
    flow.protocol = kIpProtocolTcp;
    flow.source = at(client_network(rule) + random_() % 256);
    flow.source_port = Be16::from_host(static_cast<uint16_t>(1024 + random_() % 60000));
    flow.destination = at(vip(random_() % kVips));
    const auto in_range = static_cast<uint16_t>(1000 + random_() % 1000);
    flow.destination_port = Be16::from_host(found == Found::kExact ? 80 : in_range);
    if (found != Found::kMatch) return flow;
    flow.destination = at(0xc6130000 + (rule % 16 << 12) + random_() % 4096);
    flow.destination_port = Be16::from_host(static_cast<uint16_t>(8000 + rule + random_() % 101));
    return flow;
  }

  const AddressFamily family_;
  std::mt19937 random_;
  std::vector<ServiceEntry> services_;
  std::vector<ServiceSlot> slots_;
  std::vector<RangeSlot> ranges_;
  std::vector<PortStretch> stretches_;
  std::unique_ptr<control::MatchTableMemory> memory_;
  std::vector<IpFlow> flows_;
  Snapshot snapshot_;
};

void report(AddressFamily family, uint32_t matches, Found found, uint32_t lookups, Results& results) {
  const auto rig = std::make_unique<ServicesRig>(family, matches, found);
  std::vector<double> rounds;
  for (int round = 0; round < 25; ++round) {
    const uint64_t start = rte_rdtsc();
    rig->run(lookups);
    rounds.push_back(static_cast<double>(rte_rdtsc() - start) * 1e9 / static_cast<double>(rte_get_tsc_hz()) / lookups);
  }
  std::sort(rounds.begin(), rounds.end());
  const char* version = family == AddressFamily::kIpv4 ? "ipv4" : "ipv6";
  std::printf("%s %5u matches, found by %-15s %7.1f ns (least %.1f)\n", version, matches, word_of(found),
              median(rounds), rounds.front());
  results.write(Row("services")
                    .add("family", version)
                    .add("matches", matches)
                    .add("found_by", word_of(found))
                    .add("ns", median(rounds))
                    .add("ns_min", rounds.front()));
}

void run_services(uint32_t lookups, Results& results) {
  start_eal();
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    for (const uint32_t matches : {0u, 1u, 100u, 1000u}) {
      report(family, matches, Found::kExact, lookups, results);
      report(family, matches, Found::kRange, lookups, results);
      if (matches > 0) report(family, matches, Found::kMatch, lookups, results);
    }
  }
}

}  // namespace

void add_services_command(CLI::App& app, Results& results) {
  auto lookups = std::make_shared<uint32_t>(16384);
  CLI::App* command = app.add_subcommand("services", "ns to find a new connection's service, by number of matches");
  command->fallthrough();
  command->add_option("--rounds-of", *lookups, "lookups a round (16384)")->check(CLI::Range(8, 1 << 24));
  command->callback([lookups, &results] { run_services(*lookups, results); });
}

}  // namespace shunt::bench
