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

// The Toeplitz hash of an IPv4 flow (Microsoft, "Verifying the RSS hash calculation"). It is linear: the hash of
// bytes is the exclusive or of what each byte contributes at its place, a table for each place.
class Toeplitz {
 public:
  // What the hash of twelve bytes depends on: 96 bits and a window of 32.
  static constexpr size_t kKeyBytes = 16;

  // REQUIRES: key holds at least kKeyBytes.
  explicit Toeplitz(std::span<const uint8_t> key) noexcept;

  uint32_t operator()(const FlowKey& flow) const noexcept {
    uint8_t bytes[kPlaces];
    std::memcpy(bytes, &flow, kPlaces);
    uint32_t hash = 0;
    for (size_t place = 0; place < kPlaces; ++place) hash ^= tables_[place][bytes[place]];
    return hash;
  }

 private:
  static constexpr size_t kPlaces = 12;  // addresses and ports; network cards leave the protocol out
  std::array<std::array<uint32_t, 256>, kPlaces> tables_;
};

// Local ports are those from here on; the bits below are what Steering::is_even is about.
inline constexpr uint32_t kFirstLocalPort = 1024;
inline constexpr uint32_t kLocalPorts = 65536 - kFirstLocalPort;

class Steering {
 public:
  // Entries of the redirection table, a power of two; a port with more repeats them.
  static constexpr uint32_t kFewestEntries = 64;
  static constexpr uint32_t kMostEntries = 512;

  // True: consecutive client addresses, client ports and local ports each reach every one of kMostEntries entries
  // equally often, so that every worker has the same share of them.
  static bool is_even(std::span<const uint8_t> key) noexcept;

  // REQUIRES: is_even(key), entries a power of two within the bounds above, 1 <= workers <= entries.
  Steering(std::span<const uint8_t> key, uint32_t entries, uint32_t workers) noexcept;

  uint32_t entries() const noexcept { return mask_ + 1; }
  // The queue, and so the worker, that an entry names.
  uint32_t owner_of_entry(uint32_t entry) const noexcept { return (entry & mask_) % workers_; }
  uint32_t owner_of(const FlowKey& reply) const noexcept { return owner_of_entry(hash_(reply)); }

  // How many local ports lead from one real to the worker.
  uint32_t ports_of(uint32_t worker) const noexcept { return entries_of(worker) * silent_count_; }

  // One of these: turns 0..ports_of(worker)-1 give each once. `reply` is complete but for its destination port. With
  // a linear hash, the ports that lead to an entry are any one of them combined with each that contributes nothing.
  Be16 port_of(uint32_t worker, FlowKey reply, uint32_t turn) const noexcept {
    const uint32_t own = entries_of(worker);
    const uint32_t entry = worker + turn % own * workers_;
    reply.destination_port = {};
    const uint32_t contribution = (hash_(reply) ^ entry) & mask_;
    return Be16::from_host(makers_[contribution] ^ silent_[turn / own % silent_count_]);
  }

 private:
  uint32_t entries_of(uint32_t worker) const noexcept { return (mask_ + workers_ - worker) / workers_; }

  uint32_t mask_;
  uint32_t workers_;
  uint32_t silent_count_ = 0;
  Toeplitz hash_;
  // By contribution to the entry: the port below kFirstLocalPort that makes it.
  std::array<uint16_t, kMostEntries> makers_{};
  // The ports from kFirstLocalPort on that contribute nothing to the entry. Combined with a maker, which has none of
  // the bits that lift them above it, they stay above it.
  std::array<uint16_t, kLocalPorts / kFewestEntries> silent_{};
};

}  // namespace shunt::dataplane
