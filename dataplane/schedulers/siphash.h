// SipHash (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012) of one short input, as
// Linux uses it to scatter: SipHash-1-3, cut to 32 bits (lib/siphash.c hsiphash on 64-bit
// machines). Pure functions; any thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace shunt::dataplane {

struct SipKey {
  uint64_t low;
  uint64_t high;
};

class SipState {
 public:
  constexpr explicit SipState(SipKey key) noexcept
      : v0_(key.low ^ 0x736f6d6570736575),
        v1_(key.high ^ 0x646f72616e646f6d),
        v2_(key.low ^ 0x6c7967656e657261),
        v3_(key.high ^ 0x7465646279746573) {}

  template <int kRounds>
  constexpr void absorb(uint64_t word) noexcept {
    v3_ ^= word;
    for (int i = 0; i < kRounds; ++i) round();
    v0_ ^= word;
  }

  template <int kRounds>
  constexpr uint64_t finish() noexcept {
    v2_ ^= 0xff;
    for (int i = 0; i < kRounds; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  constexpr void round() noexcept {
    v0_ += v1_;
    v2_ += v3_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v1_;
    v0_ += v3_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ = std::rotl(v2_, 32);
  }

  uint64_t v0_, v1_, v2_, v3_;
};

// SipHash-c-d with c = kCompression and d = kFinalization rounds.
template <int kCompression, int kFinalization>
constexpr uint64_t siphash(std::span<const uint8_t> input, SipKey key) noexcept {
  SipState state(key);
  // Words are little endian; the last one ends with the input's length.
  uint64_t word = 0;
  for (size_t i = 0; i < input.size(); ++i) {
    word |= uint64_t{input[i]} << (i % 8 * 8);
    if (i % 8 != 7) continue;
    state.absorb<kCompression>(word);
    word = 0;
  }
  state.absorb<kCompression>(word | uint64_t{input.size()} << 56);
  return state.finish<kFinalization>();
}

// Linux's hsiphash of one 32-bit integer on a little-endian 64-bit machine.
constexpr uint32_t hsiphash(uint32_t value, SipKey key) noexcept {
  SipState state(key);
  state.absorb<1>(uint64_t{value} | uint64_t{sizeof(value)} << 56);
  return static_cast<uint32_t>(state.finish<3>());
}

}  // namespace shunt::dataplane
