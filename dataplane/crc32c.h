// SCTP's checksum (CRC32c, RFC 9260 appendix A) and its update when a packet's first bytes change. Pure functions;
// any thread.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace shunt::dataplane {

// What a difference of `delta` in a message's first four bytes makes in its checksum when `rest` bytes follow. A
// CRC is linear: the checksums of two messages of one length differ by the plain remainder of the messages'
// difference, whatever else they hold. `delta` and the result as they lie in memory, to be applied by exclusive or.
inline uint32_t crc32c_delta(uint32_t delta, size_t rest) noexcept {
  if (delta == 0) return 0;
  uint64_t remainder = _mm_crc32_u32(0, delta);
  for (; rest >= 8; rest -= 8) remainder = _mm_crc32_u64(remainder, 0);
  auto last = static_cast<uint32_t>(remainder);
  for (; rest > 0; --rest) last = _mm_crc32_u8(last, 0);
  return last;
}

}  // namespace shunt::dataplane
