// What it costs to ask a service's access lists about a client, by how many prefixes they have: random ones of the lengths
// that lists of abusers have, half of the clients denied. Clients are asked in turn, each when the one before is known, as a
// SYN's is.
#include <rte_cycles.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <random>
#include <vector>

#include "control/access_table_builder.h"
#include "tests/bench/commands.h"
#include "tests/bench/eal.h"

namespace shunt::bench {
namespace {

using namespace dataplane;

constexpr uint32_t kClients = 65536;  // asked in turn

class AccessRig {
 public:
  AccessRig(AddressFamily family, uint32_t prefixes) : family_(family), random_(prefixes) {
    for (uint32_t i = 0; i < prefixes; ++i) {
      const uint32_t bits = family == AddressFamily::kIpv4 ? 16 + random_() % 17 : 32 + random_() % 97;
      denied_.push_back(*Prefix::parse(random_address().to_string() + "/" + std::to_string(bits)));
    }
    std::sort(denied_.begin(), denied_.end());
    denied_.erase(std::unique(denied_.begin(), denied_.end()), denied_.end());
    memory_ = std::make_unique<control::AccessTableMemory>(control::AccessRules{{}, {denied_}, false}, family);
    for (uint32_t i = 0; i < kClients; ++i) {
      clients_.push_back(i % 2 == 0 && !denied_.empty() ? denied_[random_() % denied_.size()].address : random_address());
    }
  }
  size_t bytes() const { return memory_->bytes(); }

  [[gnu::noinline]] uint64_t run(uint32_t lookups) {
    const AccessTable& table = memory_->table();
    uint64_t sum = 0;
    // The answer chooses the next client, so that no lookup begins before the last one ended.
    for (uint32_t i = 0; i < lookups; ++i) sum += table.denies(clients_[(2 * i + sum % 2) % kClients]) ? 1 : 0;
    return sum;
  }

 private:
  IpAddress random_address() {
    IpAddress address{family_, {}};
    const size_t bytes = family_ == AddressFamily::kIpv4 ? 4 : 16;
    for (size_t i = 0; i < bytes; ++i) address.bytes[i] = static_cast<uint8_t>(random_());
    return address;
  }

  const AddressFamily family_;
  std::mt19937 random_;
  std::vector<Prefix> denied_;
  std::unique_ptr<control::AccessTableMemory> memory_;
  std::vector<IpAddress> clients_;
};

void report(AddressFamily family, uint32_t prefixes, uint32_t lookups, Results& results) {
  const auto rig = std::make_unique<AccessRig>(family, prefixes);
  std::vector<double> rounds;
  for (int round = 0; round < 25; ++round) {
    const uint64_t start = rte_rdtsc();
    rig->run(lookups);
    rounds.push_back(static_cast<double>(rte_rdtsc() - start) * 1e9 / static_cast<double>(rte_get_tsc_hz()) / lookups);
  }
  std::sort(rounds.begin(), rounds.end());
  const char* version = family == AddressFamily::kIpv4 ? "ipv4" : "ipv6";
  std::printf("%s %6u prefixes, %8zu bytes %7.1f ns (least %.1f)\n", version, prefixes, rig->bytes(), median(rounds),
              rounds.front());
  results.write(Row("access")
                    .add("family", version)
                    .add("prefixes", prefixes)
                    .add("ns", median(rounds))
                    .add("ns_min", rounds.front()));
}

void run_access(uint32_t lookups, Results& results) {
  start_eal();
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    for (const uint32_t prefixes : {1u, 10u, 1000u, 10000u, 100000u}) report(family, prefixes, lookups, results);
  }
}

}  // namespace

void add_access_command(CLI::App& app, Results& results) {
  auto lookups = std::make_shared<uint32_t>(65536);
  CLI::App* command = app.add_subcommand("access", "ns to ask access lists about a client, by number of prefixes");
  command->fallthrough();
  command->add_option("--rounds-of", *lookups, "lookups a round (65536)")->check(CLI::Range(8, 1 << 24));
  command->callback([lookups, &results] { run_access(*lookups, results); });
}

}  // namespace shunt::bench
