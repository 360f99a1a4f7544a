#include "dataplane/access_table.h"

#include <immintrin.h>

#include <bit>

namespace shunt::dataplane {
namespace {

// Bits of the elements in which all bits are set.
uint32_t set_of_4(__m256i elements) noexcept {
  return static_cast<uint32_t>(_mm256_movemask_pd(_mm256_castsi256_pd(elements)));
}
__m256i load(const void* at) noexcept { return _mm256_load_si256(static_cast<const __m256i*>(at)); }

template <typename Node>
bool is_odd(const AccessTable& table, typename Node::Number number) noexcept {
  const auto* nodes = static_cast<const Node*>(table.nodes);
  uint32_t at = 0;
  uint32_t below = 0;
  for (uint32_t level = 0; level < table.levels; ++level) {
    below = nodes[table.begins[level] + at].below(number);
    at = at * (Node::kEnds + 1) + below;
  }
  // The leaves before the last one hold an even number of ends each.
  return below % 2 != 0;
}

}  // namespace

uint32_t AccessNode4::below(Number number) const noexcept {
  const __m256i wanted = _mm256_set1_epi32(ordered(number));
  const __m256i first = _mm256_cmpgt_epi32(wanted, load(&ends[0]));
  const __m256i second = _mm256_cmpgt_epi32(wanted, load(&ends[8]));
  const auto bytes = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_packs_epi32(first, second)));
  return static_cast<uint32_t>(std::popcount(bytes)) / 2;
}

// The second halves lie in a line of their own, which only addresses read that share their first half with an end.
uint32_t AccessNode6::below(Number number) const noexcept {
  const __m256i wanted = _mm256_set1_epi64x(ordered(static_cast<uint64_t>(number >> 64)));
  const __m256i first = load(&high[0]);
  const __m256i second = load(&high[4]);
  uint32_t less = set_of_4(_mm256_cmpgt_epi64(wanted, first)) | set_of_4(_mm256_cmpgt_epi64(wanted, second)) << 4;
  const uint32_t same = set_of_4(_mm256_cmpeq_epi64(wanted, first)) | set_of_4(_mm256_cmpeq_epi64(wanted, second)) << 4;
  if (same != 0) {
    const __m256i rest = _mm256_set1_epi64x(ordered(static_cast<uint64_t>(number)));
    less |= same & (set_of_4(_mm256_cmpgt_epi64(rest, load(&low[0]))) | set_of_4(_mm256_cmpgt_epi64(rest, load(&low[4]))) << 4);
  }
  return static_cast<uint32_t>(std::popcount(less));
}

bool AccessTable::denies(const IpAddress& client) const noexcept {
  const bool turned = family == AddressFamily::kIpv4 ? is_odd<AccessNode4>(*this, number4_of(client))
                                                     : is_odd<AccessNode6>(*this, number6_of(client));
  return turned != denies_first;
}

}  // namespace shunt::dataplane
