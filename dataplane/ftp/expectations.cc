#include "dataplane/ftp/expectations.h"

#include <type_traits>

namespace shunt::dataplane {

static_assert(std::is_trivially_copyable_v<Expectation>);

void ExpectationTable::attach(void* memory, uint32_t capacity, const HashKey& key) noexcept {
  key_ = key;
  capacity_ = capacity;
  entries_ = static_cast<Entry*>(memory);
}

ExpectationTable::Entry* ExpectationTable::home(const IpAddress& source, const IpAddress& destination,
                                                Be16 port) const noexcept {
  FlowKey6 block;
  block.source = source.bytes;
  block.destination = destination.bytes;
  block.destination_port = port;
  block.protocol = static_cast<uint8_t>(destination.family);
  const uint64_t hash = static_cast<uint32_t>(flow_hash(key_, block));
  return entries_ + (hash * capacity_ >> 32);
}

// Words of different times make no sense together; the state, which did not change meanwhile, proves that they are not.
Expectation ExpectationTable::copy(const Entry& entry) noexcept {
  uint64_t words[kWords];
  for (uint32_t i = 0; i < kWords; ++i) words[i] = entry.words[i].load(std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_acquire);
  Expectation expectation;
  std::memcpy(static_cast<void*>(&expectation), words, sizeof expectation);
  return expectation;
}

std::optional<ExpectationTable::Found> ExpectationTable::find(const IpAddress& source, const IpAddress& destination,
                                                              Be16 port, Tick now) const noexcept {
  const Entry* const first = home(source, destination, port);
  for (const Entry* entry = first; entry != first + kWindow; ++entry) {
    const State state = read(*entry);
    if (!state.is_ready(now)) continue;
    const Expectation expectation = copy(*entry);
    if (!expectation.is_for(source, destination, port) || read(*entry).word != state.word) continue;
    return Found{expectation, {static_cast<uint32_t>(entry - entries_), state.generation()}};
  }
  return std::nullopt;
}

std::optional<ExpectationId> ExpectationTable::put(const Expectation& expectation, Tick now, Tick timeout) noexcept {
  if (find(expectation.from, expectation.to, expectation.port, now)) return std::nullopt;
  uint64_t words[kWords] = {};
  std::memcpy(words, static_cast<const void*>(&expectation), sizeof expectation);
  Entry* const first = home(expectation.from, expectation.to, expectation.port);
  for (Entry* entry = first; entry != first + kWindow; ++entry) {
    const State before = read(*entry);
    if (before.is() == Is::kWritten || before.is_ready(now)) continue;
    const uint32_t generation = (before.generation() + 1) & State::kGenerations;
    if (!change(*entry, before, State::of(0, generation, Is::kWritten))) continue;
    // Not before the state says that they change (find()).
    std::atomic_thread_fence(std::memory_order_release);
    for (uint32_t i = 0; i < kWords; ++i) entry->words[i].store(words[i], std::memory_order_relaxed);
    if (before.is() == Is::kFree) count_.fetch_add(1, std::memory_order_relaxed);
    entry->state.store(State::of(now + timeout, generation, Is::kReady).word, std::memory_order_seq_cst);
    const ExpectationId id{static_cast<uint32_t>(entry - entries_), generation};
    const auto found = find(expectation.from, expectation.to, expectation.port, now);
    const bool is_first = found && found->id.index == id.index;
    if (is_first || !take(id)) return id;  // or it was used already
    return std::nullopt;
  }
  return std::nullopt;
}

bool ExpectationTable::take(ExpectationId id) noexcept {
  if (id.index == ExpectationId::kNone) return false;
  Entry& entry = entries_[id.index];
  const State state = read(entry);
  if (state.is() != Is::kReady || state.generation() != id.generation) return false;
  if (!change(entry, state, State::of(0, id.generation, Is::kFree))) return false;
  count_.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

}  // namespace shunt::dataplane
