#include "tests/support/fragmentation.h"

#include <algorithm>
#include <cstddef>
#include <map>

namespace shunt::test {
namespace {

constexpr size_t kIp = 14;

uint32_t number16(const Bytes& of, size_t at) { return static_cast<uint32_t>(of[at] << 8 | of[at + 1]); }
void set16(Bytes& of, size_t at, size_t value) {
  of[at] = static_cast<uint8_t>(value >> 8);
  of[at + 1] = static_cast<uint8_t>(value);
}

// What lies behind the end is zeros: hostile fragments may say that they reach there.
Bytes slice(const Bytes& of, size_t begin, size_t end) {
  Bytes out(end - begin);
  const size_t from = std::min(begin, of.size());
  std::copy(of.begin() + static_cast<std::ptrdiff_t>(from),
            of.begin() + static_cast<std::ptrdiff_t>(std::min(end, of.size())), out.begin());
  return out;
}
void append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

bool is_v4(const Bytes& frame) { return frame[12] == 0x08; }
// Where what is cut begins in a whole packet's frame.
size_t data_of(const Bytes& whole) { return is_v4(whole) ? kIp + (whole[kIp] & 15) * 4u : kIp + 40; }
size_t end_of(const Bytes& whole) { return kIp + (is_v4(whole) ? number16(whole, 16) : 40 + number16(whole, 18)); }

void finish_v4(Bytes& frame) {
  const size_t header = (frame[kIp] & 15) * 4u;
  set16(frame, 24, 0);
  set16(frame, 24, internet_checksum(std::span(frame).subspan(kIp, header)));
}

Bytes fragment4_of(const Bytes& whole, size_t begin, size_t bytes, bool more) {
  const size_t data = data_of(whole);
  Bytes out = slice(whole, 0, data);
  append(out, slice(whole, data + begin, data + begin + bytes));
  set16(out, 16, data - kIp + bytes);
  set16(out, 20, (more ? 0x2000 : 0) | begin / 8);
  finish_v4(out);
  return out;
}

Bytes fragment6_of(const Bytes& whole, size_t begin, size_t bytes, bool more, uint32_t id) {
  const size_t data = data_of(whole);
  Bytes out = slice(whole, 0, data);
  const Bytes header{out[20],
                     0,
                     static_cast<uint8_t>(begin >> 8),
                     static_cast<uint8_t>(begin | (more ? 1 : 0)),
                     static_cast<uint8_t>(id >> 24),
                     static_cast<uint8_t>(id >> 16),
                     static_cast<uint8_t>(id >> 8),
                     static_cast<uint8_t>(id)};
  out[20] = 44;
  append(out, header);
  append(out, slice(whole, data + begin, data + begin + bytes));
  set16(out, 18, 8 + bytes);
  return out;
}

// Hops, protocol and addresses.
Bytes constant_part_of(const Bytes& frame) {
  Bytes part = is_v4(frame) ? slice(frame, 22, 24) : slice(frame, 20, 54);
  if (is_v4(frame)) append(part, slice(frame, 26, 34));
  return part;
}

}  // namespace

Bytes fragment_of(const Bytes& whole, size_t begin, size_t bytes, bool more, uint32_t id) {
  return is_v4(whole) ? fragment4_of(whole, begin, bytes, more) : fragment6_of(whole, begin, bytes, more, id);
}

std::vector<Bytes> fragments_of(const Bytes& whole, size_t mtu, uint32_t id) {
  const size_t all = end_of(whole) - data_of(whole);
  const size_t headers = data_of(whole) - kIp + (is_v4(whole) ? 0 : 8);
  const size_t room = (mtu - headers) / 8 * 8;
  std::vector<Bytes> out;
  for (size_t begin = 0; begin < all; begin += room) {
    const size_t bytes = std::min(room, all - begin);
    out.push_back(fragment_of(whole, begin, bytes, begin + bytes < all, id));
  }
  return out;
}

Place place_of(const Bytes& fragment) {
  if (is_v4(fragment)) {
    const uint32_t field = number16(fragment, 20);
    return {(field & 0x1fff) * 8u, end_of(fragment) - data_of(fragment), (field & 0x2000) != 0, number16(fragment, 18)};
  }
  if (fragment[20] != 44) return {0, end_of(fragment) - data_of(fragment), false, 0};
  const uint32_t field = number16(fragment, 56);
  return {field & 0xfff8u, end_of(fragment) - data_of(fragment) - 8, (field & 1) != 0,
          number16(fragment, 58) << 16 | number16(fragment, 60)};
}

Bytes unwrapped(const Bytes& frame) {
  const bool in_v4 = is_v4(frame);
  const uint8_t protocol = frame[in_v4 ? 23 : 20];
  if (protocol != 4 && protocol != 41) return frame;
  Bytes inner = slice(frame, 0, 12);
  append(inner, protocol == 4 ? Bytes{0x08, 0x00} : Bytes{0x86, 0xdd});
  append(inner, slice(frame, data_of(frame), end_of(frame)));
  return inner;
}

Bytes put_together(const std::vector<Bytes>& fragments, std::string& trouble) {
  std::map<size_t, Bytes> pieces;
  for (const Bytes& each : fragments) {
    if (!pieces.emplace(place_of(each).begin, each).second) return trouble = "two with the same offset", Bytes{};
  }
  if (pieces.empty() || pieces.begin()->first != 0) return trouble = "no first fragment", Bytes{};
  const Bytes& first = pieces.begin()->second;
  const size_t header = is_v4(first) ? 0 : 8;
  Bytes out = slice(first, 0, data_of(first));
  if (!is_v4(first)) out[20] = first[54];
  size_t reached = 0;
  bool more = true;
  for (const auto& [begin, piece] : pieces) {
    const Place place = place_of(piece);
    if (begin != reached) return trouble = "a hole or an overlap at " + std::to_string(reached), Bytes{};
    if (!more) return trouble = "something behind the last one", Bytes{};
    if (place.more && place.bytes % 8 != 0) return trouble = "a piece of odd length", Bytes{};
    if (place.id != place_of(first).id) return trouble = "another identification", Bytes{};
    if (constant_part_of(piece) != constant_part_of(first)) return trouble = "headers that differ", Bytes{};
    if (const std::string wrong = checksum_errors(piece); !wrong.empty()) return trouble = wrong, Bytes{};
    const size_t data = data_of(piece) + header;
    append(out, slice(piece, data, end_of(piece)));
    reached += place.bytes;
    more = place.more;
  }
  if (more) return trouble = "no last fragment", Bytes{};
  if (is_v4(first)) {
    set16(out, 16, out.size() - kIp);
    set16(out, 20, 0);
    finish_v4(out);
  } else {
    set16(out, 18, out.size() - kIp - 40);
  }
  return out;
}

}  // namespace shunt::test
