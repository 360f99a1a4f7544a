// Which worker a reply reaches, computed as network cards do it: the Toeplitz hash of its addresses and ports under
// the RSS key, whose lowest bits pick an entry of the redirection table (RETA). Because Shunt sets both (setup/rss.h),
// a worker can choose a local port whose replies come to itself; on ports without such RSS the same function says to
// which worker a reply is handed off. Immutable once made, shared by all workers.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/connection.h"

namespace shunt::dataplane {

// The Toeplitz hash of a flow (Microsoft, "Verifying the RSS hash calculation"): of addresses and ports in the order in
// which a key has them. It is linear: the hash of bytes is the exclusive or of what each byte contributes at its place,
// a table for each place.
template <typename Key>
class BasicToeplitz {
 public:
  static constexpr size_t kPlaces = offsetof(Key, protocol);  // network cards leave the protocol out
  // What the hash depends on: the bits of all places, and a window of 32.
  static constexpr size_t kKeyBytes = kPlaces + sizeof(uint32_t);

  // REQUIRES: key holds at least kKeyBytes.
  explicit BasicToeplitz(std::span<const uint8_t> key) noexcept;

  uint32_t operator()(const Key& flow) const noexcept {
    uint8_t bytes[kPlaces];
    std::memcpy(bytes, &flow, kPlaces);
    uint32_t hash = 0;
    for (size_t place = 0; place < kPlaces; ++place) hash ^= tables_[place][bytes[place]];
    return hash;
  }

 private:
  std::array<std::array<uint32_t, 256>, kPlaces> tables_;
};
using Toeplitz = BasicToeplitz<FlowKey>;
using Toeplitz6 = BasicToeplitz<FlowKey6>;

// Local ports are those from here on; the bits below are what Steering::is_even is about.
inline constexpr uint32_t kFirstLocalPort = 1024;
inline constexpr uint32_t kLocalPorts = 65536 - kFirstLocalPort;

class Steering {
 public:
  // Entries of the redirection table, a power of two; a port with more repeats them.
  static constexpr uint32_t kFewestEntries = 64;
  static constexpr uint32_t kMostEntries = 512;
  // Bytes of the RSS key that matter.
  static constexpr size_t kKeyBytes = Toeplitz6::kKeyBytes;

  // True: consecutive client addresses, client ports and local ports, of either family, each reach every one of
  // kMostEntries entries equally often, so that every worker has the same share of them.
  static bool is_even(std::span<const uint8_t> key) noexcept;

  // REQUIRES: is_even(key), entries a power of two within the bounds above, 1 <= workers <= entries.
  Steering(std::span<const uint8_t> key, uint32_t entries, uint32_t workers) noexcept;

  uint32_t entries() const noexcept { return mask_ + 1; }
  // The queue, and so the worker, that an entry names.
  uint32_t owner_of_entry(uint32_t entry) const noexcept { return (entry & mask_) % workers_; }
  uint32_t owner_of(const FlowKey& reply) const noexcept { return owner_of_entry(v4_.hash(reply)); }
  // What is mapped is IPv4 on the wire.
  uint32_t owner_of(const FlowKey6& reply) const noexcept {
    return is_mapped(reply.destination) ? owner_of(unmapped(reply)) : owner_of_entry(v6_.hash(reply));
  }

  // Local ports that are looked for together: some of the blocks of kPortsOfBlock, which end at a multiple of it.
  struct Blocks {
    uint32_t first_silent = 0;
    uint32_t silent_count = 0;
  };
  static constexpr uint32_t kPortsOfBlock = 1024;
  Blocks all_blocks() const noexcept { return {0, v4_.silent_count}; }
  // Those that hold the ports first..last. REQUIRES kFirstLocalPort <= first <= last.
  Blocks blocks_of(uint16_t first, uint16_t last) const noexcept {
    // A block has every contribution to an entry equally often (is_even), and so each as many silent ports.
    const uint32_t each = v4_.silent_count / (kLocalPorts / kPortsOfBlock);
    const uint32_t begin = (first - kFirstLocalPort) / kPortsOfBlock;
    return {begin * each, ((last - kFirstLocalPort) / kPortsOfBlock + 1 - begin) * each};
  }

  // How many local ports of the blocks, or of all, lead from one real to the worker.
  uint32_t ports_of(uint32_t worker, const Blocks& blocks) const noexcept {
    return entries_of(worker) * blocks.silent_count;
  }
  uint32_t ports_of(uint32_t worker) const noexcept { return ports_of(worker, all_blocks()); }

  // One of these: turns 0..ports_of(worker, blocks)-1 give each once. `reply` is complete but for its destination port.
  Be16 port_of(uint32_t worker, const Blocks& blocks, const FlowKey& reply, uint32_t turn) const noexcept {
    return port_of(v4_, worker, blocks, reply, turn);
  }
  Be16 port_of(uint32_t worker, const Blocks& blocks, const FlowKey6& reply, uint32_t turn) const noexcept {
    return is_mapped(reply.destination) ? port_of(v4_, worker, blocks, unmapped(reply), turn)
                                        : port_of(v6_, worker, blocks, reply, turn);
  }
  template <typename Key>
  Be16 port_of(uint32_t worker, const Key& reply, uint32_t turn) const noexcept {
    return port_of(worker, all_blocks(), reply, turn);
  }

 private:
  // What one family's local ports contribute to an entry.
  template <typename Key>
  struct Ports {
    Ports(std::span<const uint8_t> key, uint32_t mask) noexcept;

    BasicToeplitz<Key> hash;
    // By contribution to the entry: the port below kFirstLocalPort that makes it.
    std::array<uint16_t, kMostEntries> makers{};
    // The ports from kFirstLocalPort on that contribute nothing to the entry. Combined with a maker, which has none of
    // the bits that lift them above it, they stay above it.
    std::array<uint16_t, kLocalPorts / kFewestEntries> silent{};
    uint32_t silent_count = 0;
  };

  // With a linear hash, the ports that lead to an entry are any one of them combined with each that contributes nothing.
  template <typename Key>
  Be16 port_of(const Ports<Key>& ports, uint32_t worker, const Blocks& blocks, Key reply, uint32_t turn) const noexcept {
    const uint32_t own = entries_of(worker);
    const uint32_t entry = worker + turn % own * workers_;
    reply.destination_port = {};
    const uint32_t contribution = (ports.hash(reply) ^ entry) & mask_;
    return Be16::from_host(ports.makers[contribution] ^ ports.silent[blocks.first_silent + turn / own % blocks.silent_count]);
  }

  uint32_t entries_of(uint32_t worker) const noexcept { return (mask_ + workers_ - worker) / workers_; }

  uint32_t mask_;
  uint32_t workers_;
  Ports<FlowKey> v4_;
  Ports<FlowKey6> v6_;
};

}  // namespace shunt::dataplane
