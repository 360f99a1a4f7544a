// What it costs to ask a service's access lists about a client, by how many prefixes they have: random ones of the lengths
// that lists of abusers have, half of the clients denied. Clients are asked in turn, each when the one before is known, as a
// SYN's is. Beside it DPDK's own longest-prefix tables with the same prefixes (rte_fib's DIR-24-8, rte_fib6's trie), whose
// cost does not grow with their number but begins with 64 MiB.
#include <rte_cycles.h>
#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_memory.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
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

// Of the same prefixes, each with next hop 1; 0: none has the address.
class Fib {
 public:
  Fib(AddressFamily family, const std::vector<Prefix>& prefixes) {
    const int most = static_cast<int>(prefixes.size()) * 2 + 16;
    if (family == AddressFamily::kIpv4) {
      rte_fib_conf conf{};
      conf.type = RTE_FIB_DIR24_8;
      conf.max_routes = most;
      conf.dir24_8 = {RTE_FIB_DIR24_8_4B, kGroups};
      fib_ = rte_fib_create("access", SOCKET_ID_ANY, &conf);
    } else {
      rte_fib6_conf conf{};
      conf.type = RTE_FIB6_TRIE;
      conf.max_routes = most;
      conf.trie = {RTE_FIB6_TRIE_4B, kGroups};
      fib6_ = rte_fib6_create("access6", SOCKET_ID_ANY, &conf);
    }
    has_all_ = (fib_ != nullptr || fib6_ != nullptr) &&
               std::all_of(prefixes.begin(), prefixes.end(), [this](const Prefix& prefix) { return add(prefix); });
  }
  ~Fib() {
    rte_fib_free(fib_);
    rte_fib6_free(fib6_);
  }
  Fib(const Fib&) = delete;

  // False: there was no room for them in kGroups.
  bool has_all() const noexcept { return has_all_; }

  bool denies(const IpAddress& client) const noexcept {
    uint64_t hop = 0;
    if (fib_ != nullptr) {
      uint32_t number = number4_of(client);
      rte_fib_lookup_bulk(fib_, &number, &hop, 1);
    } else {
      uint8_t bytes[1][RTE_FIB6_IPV6_ADDR_SIZE];
      std::memcpy(bytes[0], client.bytes.data(), sizeof bytes[0]);
      rte_fib6_lookup_bulk(fib6_, bytes, &hop, 1);
    }
    return hop != 0;
  }

 private:
  // Of 256 next hops each, 128 MiB, beside the first 64.
  static constexpr uint32_t kGroups = 1 << 17;

  bool add(const Prefix& prefix) {
    if (fib_ != nullptr) return rte_fib_add(fib_, number4_of(prefix.address), prefix.length, 1) == 0;
    return rte_fib6_add(fib6_, prefix.address.bytes.data(), prefix.length, 1) == 0;
  }

  rte_fib* fib_ = nullptr;
  rte_fib6* fib6_ = nullptr;
  bool has_all_ = false;
};

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

  const AccessTable& table() const { return memory_->table(); }
  const std::vector<Prefix>& prefixes() const { return denied_; }

  template <typename Table>
  [[gnu::noinline]] uint64_t run(const Table& table, uint32_t lookups) {
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

// Of each round, ns a lookup, the least first.
template <typename Table>
std::vector<double> measure(AccessRig& rig, const Table& table, uint32_t lookups) {
  std::vector<double> rounds;
  for (int round = 0; round < 25; ++round) {
    const uint64_t start = rte_rdtsc();
    rig.run(table, lookups);
    rounds.push_back(static_cast<double>(rte_rdtsc() - start) * 1e9 / static_cast<double>(rte_get_tsc_hz()) / lookups);
  }
  std::sort(rounds.begin(), rounds.end());
  return rounds;
}

void report(AddressFamily family, uint32_t prefixes, uint32_t lookups, Results& results) {
  const auto rig = std::make_unique<AccessRig>(family, prefixes);
  const auto fib = std::make_unique<Fib>(family, rig->prefixes());
  const std::vector<double> own = measure(*rig, rig->table(), lookups);
  const char* version = family == AddressFamily::kIpv4 ? "ipv4" : "ipv6";
  std::printf("%s %6u prefixes, %8zu bytes %7.1f ns (least %.1f)", version, prefixes, rig->bytes(), median(own), own.front());
  Row row("access");
  row.add("family", version).add("prefixes", prefixes).add("ns", median(own)).add("ns_min", own.front());
  if (fib->has_all()) {
    const std::vector<double> others = measure(*rig, *fib, lookups);
    std::printf(", rte_fib %7.1f ns (least %.1f)\n", median(others), others.front());
    row.add("fib_ns", median(others)).add("fib_ns_min", others.front());
  } else {
    std::printf(", rte_fib: no room in 192 MiB\n");
  }
  results.write(row);
}

void run_access(uint32_t lookups, Results& results) {
  start_eal(Pinned::kYes, 512);
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
