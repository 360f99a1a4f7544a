// The keyed hash of a flow: AES rounds under a secret key, so that nobody outside can aim at a bucket (a CRC or a
// multiplication would let them: its collisions do not depend on the key). About four nanoseconds of latency, of
// which a burst hides most. Pure functions; any thread.
#pragma once

#include <immintrin.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "dataplane/connection.h"

namespace shunt::dataplane {

// Round keys, expanded once from the operator's 128 bits.
struct HashKey {
  __m128i whitening;
  __m128i rounds[3];

  static HashKey from_bytes(const std::array<uint8_t, 16>& secret) noexcept {
    HashKey key;
    std::memcpy(&key.whitening, secret.data(), 16);
    // Each round key is the one before, run through AES with a constant of its own (digits of pi).
    const __m128i constants[3] = {_mm_set_epi64x(0x243f6a8885a308d3, 0x13198a2e03707344),
                                  _mm_set_epi64x(static_cast<long long>(0xa4093822299f31d0), 0x082efa98ec4e6c89),
                                  _mm_set_epi64x(0x452821e638d01377, static_cast<long long>(0xbe5466cf34e90c6c))};
    __m128i last = key.whitening;
    for (int i = 0; i < 3; ++i) {
      last = _mm_aesenc_si128(_mm_aesenc_si128(last, constants[i]), key.whitening);
      key.rounds[i] = last;
    }
    return key;
  }
};

inline uint64_t low_half(__m128i value) noexcept { return static_cast<uint64_t>(_mm_cvtsi128_si64(value)); }

// A key as one block: addresses, ports, protocol, zeros.
inline __m128i block_of(uint64_t addresses, uint32_t ports, uint8_t protocol) noexcept {
  return _mm_set_epi64x(static_cast<long long>((uint64_t{protocol} << 32) | ports), static_cast<long long>(addresses));
}
inline __m128i block_of(const FlowKey& key) noexcept {
  uint64_t addresses;
  uint32_t ports;
  std::memcpy(&addresses, &key.source, 8);
  std::memcpy(&ports, &key.source_port, 4);
  return block_of(addresses, ports, key.protocol);
}
// The bytes of a block that are the key; what follows a key in its cache line is not.
inline __m128i key_bytes() noexcept { return _mm_set_epi64x(0xff'ffff'ffff, -1); }

// Three rounds: two spread every input byte over the whole block, the third over every bit of it.
inline uint64_t flow_hash(const HashKey& key, __m128i block) noexcept {
  block = _mm_xor_si128(block, key.whitening);
  block = _mm_aesenc_si128(block, key.rounds[0]);
  block = _mm_aesenc_si128(block, key.rounds[1]);
  block = _mm_aesenc_si128(block, key.rounds[2]);
  return low_half(block);
}

inline uint64_t flow_hash(const HashKey& key, const FlowKey& flow) noexcept { return flow_hash(key, block_of(flow)); }

inline FlowView6 view_of(const FlowKey6& flow) noexcept {
  FlowView6 view{flow.source.data(), 0};
  std::memcpy(&view.ports_and_protocol, &flow.source_port, 5);
  return view;
}

inline uint64_t flow_hash(const HashKey& key, const FlowView6& flow) noexcept {
  const __m128i source = _mm_loadu_si128(reinterpret_cast<const __m128i*>(flow.addresses));
  const __m128i destination = _mm_loadu_si128(reinterpret_cast<const __m128i*>(flow.addresses + 16));
  __m128i block = _mm_aesenc_si128(_mm_xor_si128(source, key.whitening), key.rounds[0]);
  block = _mm_aesenc_si128(_mm_xor_si128(block, destination), key.rounds[1]);
  block = _mm_xor_si128(block, _mm_cvtsi64_si128(static_cast<long long>(flow.ports_and_protocol)));
  block = _mm_aesenc_si128(block, key.rounds[2]);
  block = _mm_aesenc_si128(block, key.rounds[0]);
  return low_half(block);
}

inline uint64_t flow_hash(const HashKey& key, const FlowKey6& flow) noexcept { return flow_hash(key, view_of(flow)); }

// Compares a packet's key with one in a connection, whose 16 bytes are readable.
inline bool holds(const FlowKey* held, __m128i block) noexcept {
  const __m128i difference = _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(held)), block);
  return _mm_testz_si128(difference, key_bytes());
}
// The same for IPv6; 40 bytes of the connection are readable.
inline bool holds(const FlowKey6* held, const FlowView6& flow) noexcept {
  const __m256i addresses = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(held));
  const __m256i difference =
      _mm256_xor_si256(addresses, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(flow.addresses)));
  uint64_t rest;
  std::memcpy(&rest, reinterpret_cast<const uint8_t*>(held) + 32, 8);
  constexpr uint64_t kPortsAndProtocol = 0xff'ffff'ffff;
  return _mm256_testz_si256(difference, difference) != 0 &&
         ((rest ^ flow.ports_and_protocol) & kPortsAndProtocol) == 0;
}

// What a table is asked by for a key that lies outside of a packet.
inline __m128i lookup_key_of(const FlowKey& key) noexcept { return block_of(key); }
inline FlowView6 lookup_key_of(const FlowKey6& key) noexcept { return view_of(key); }

}  // namespace shunt::dataplane
