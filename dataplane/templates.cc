#include "dataplane/templates.h"

#include <algorithm>
#include <bit>

#include "dataplane/schedulers/siphash.h"

namespace shunt::dataplane {
namespace {

// A slot's index within its two lines.
constexpr uint32_t kWindow = 2 * TemplateTable::kInLine;

// atomic_ref takes no const in C++20.
uint64_t load(const uint64_t& word) noexcept {
  return std::atomic_ref(const_cast<uint64_t&>(word)).load(std::memory_order_acquire);
}

// The service, prefix and family of a key in one word, never zero.
uint64_t packed(const TemplateKey& key) noexcept {
  return uint64_t{1} << 63 | uint64_t{key.prefix} << 40 | uint64_t{key.client.is_v4() ? 0u : 1u} << 32 |
         key.service.index;
}

}  // namespace

TemplateKey TemplateKey::of(const IpAddress& client, uint8_t prefix, ServiceId service, uint64_t call) noexcept {
  TemplateKey key{client, service, prefix, call};
  for (uint32_t i = 0; i < key.client.bytes.size(); ++i) {
    const uint32_t kept = std::clamp<int>(prefix - static_cast<int>(8 * i), 0, 8);
    key.client.bytes[i] &= static_cast<uint8_t>(0xff00u >> kept);
  }
  return key;
}

void TemplateTable::attach(void* memory, uint32_t capacity, const HashKey& key) noexcept {
  key_ = key;
  lines_ = lines_for(capacity);
  slots_ = static_cast<Line*>(memory)->slots;
  notes_ = reinterpret_cast<Note*>(static_cast<Line*>(memory) + lines_ + 1);
}

uint64_t TemplateTable::hash_of(const TemplateKey& key) const noexcept {
  FlowKey6 block;
  block.source = key.client.bytes;
  const uint64_t rest = packed(key);
  std::memcpy(block.destination.data(), &rest, sizeof rest);
  std::memcpy(block.destination.data() + sizeof rest, &key.call, sizeof key.call);
  return flow_hash(key_, block);
}

uint64_t TemplateTable::hash_of_call(std::span<const uint8_t> id) const noexcept {
  return siphash<1, 3>(id, {low_half(key_.rounds[0]), low_half(key_.rounds[1])}) | 1;
}

// The halves are read one after the other: whoever goes by them changes them by comparing both.
TemplateTable::State TemplateTable::read(const State& slot) noexcept { return {load(slot.identity), load(slot.life)}; }

bool TemplateTable::change(State* slot, State from, State to) noexcept {
  using Word = unsigned __int128;
  return __sync_bool_compare_and_swap(reinterpret_cast<Word*>(slot), std::bit_cast<Word>(from), std::bit_cast<Word>(to));
}

TemplateTable::Place TemplateTable::find(uint64_t hash, Tick now) const noexcept {
  Place free;
  State* const first = home(hash);
  for (State* slot = first; slot != first + kWindow; ++slot) {
    const State state = read(*slot);
    const bool is_live = !state.is_free() && !state.is_dead(now);
    if (is_live && state.is_of(hash)) return {slot, state, true};
    if (!is_live && free.slot == nullptr) free = {slot, state, false};
  }
  return free;
}

RealId TemplateTable::peek(const TemplateKey& key, Tick now) const noexcept {
  const Place place = find(hash_of(key), now);
  return place.is_live ? place.state.real() : kNoReal;
}

void TemplateTable::let_go(TemplateId id, Tick now, Ending ending) noexcept {
  State* const slot = slots_ + id.index;
  for (;;) {
    const State before = read(*slot);
    if (before.connections() == 0) return;  // torn: one half is of before, the other of after
    const uint32_t left = before.connections() - 1;
    State after{before.identity, uint64_t{left} << 32 | before.expires()};
    if (ending == Ending::kWhole) after.identity |= State::kAssured;
    if (left == 0 && is_past(before.expires(), now)) after = after.with_time(renewed(before.expires(), now));
    const bool goes = left == 0 && (after.real() == kNoReal || (ending == Ending::kEvicted && !after.is_assured()));
    if (change(slot, before, goes ? State{} : after)) return;
  }
}

void TemplateTable::forget(std::span<const bool> gone) noexcept {
  for (State* slot = slots_; slot != slots_ + places(); ++slot) {
    for (;;) {
      const State state = read(*slot);
      const RealId real = state.real();
      if (state.is_free() || real == kNoReal || real.index >= gone.size() || !gone[real.index]) break;
      if (change(slot, state, state.without_real())) break;
    }
  }
}

uint32_t TemplateTable::keep_time(uint32_t line, Tick now) noexcept {
  for (State* slot = slots_ + size_t{line} * kInLine, *end = slot + kInLine; slot != end; ++slot) {
    const State state = read(*slot);
    if (state.is_free() || !is_past(state.expires(), now)) continue;
    change(slot, state, state.connections() == 0 ? State{} : state.with_time(renewed(state.expires(), now)));
  }
  return line == lines_ ? 0 : line + 1;
}

void TemplateTable::note(const State* slot, const TemplateKey& key) noexcept {
  Note& note = notes_[slot - slots_];
  note.client[0].store(key.client.first_half(), std::memory_order_relaxed);
  note.client[1].store(key.client.second_half(), std::memory_order_relaxed);
  note.service_and_prefix.store(packed(key), std::memory_order_relaxed);
  note.call.store(key.call, std::memory_order_relaxed);
}

uint32_t TemplateTable::used(Tick now) const noexcept {
  uint32_t count = 0;
  for (uint32_t i = 0; i < places(); ++i) {
    const State state = read(slots_[i]);
    count += state.is_free() || state.is_dead(now) ? 0 : 1;
  }
  return count;
}

std::optional<TemplateCopy> TemplateTable::copy_at(uint32_t index, Tick now) const noexcept {
  const State state = read(slots_[index]);
  if (state.is_free() || state.is_dead(now)) return std::nullopt;
  const Note& note = notes_[index];
  const uint64_t halves[] = {note.client[0].load(std::memory_order_relaxed),
                             note.client[1].load(std::memory_order_relaxed)};
  const uint64_t rest = note.service_and_prefix.load(std::memory_order_relaxed);
  TemplateCopy copy;
  std::memcpy(copy.key.client.bytes.data(), halves, sizeof halves);
  copy.key.client.family = rest >> 32 & 1 ? AddressFamily::kIpv6 : AddressFamily::kIpv4;
  copy.key.service = {static_cast<uint32_t>(rest)};
  copy.key.prefix = static_cast<uint8_t>(rest >> 40);
  copy.key.call = note.call.load(std::memory_order_relaxed);
  if (!state.is_of(hash_of(copy.key))) return std::nullopt;
  copy.real = state.real();
  copy.connections = state.connections();
  copy.assured = state.is_assured();
  copy.expires_in_ms = static_cast<int32_t>(state.expires() - now);
  return copy;
}

}  // namespace shunt::dataplane
