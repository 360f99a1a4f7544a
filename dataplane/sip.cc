#include "dataplane/sip.h"

#include <array>
#include <string_view>

namespace shunt::dataplane {
namespace {

constexpr size_t kLongestCallId = 255;  // IP_VS_PEDATA_MAXLEN
constexpr std::string_view kName = "call-id";
constexpr char kShortName = 'i';

constexpr bool ends_line(uint8_t byte) noexcept { return byte == '\r' || byte == '\n'; }
constexpr bool is_blank(uint8_t byte) noexcept { return byte == ' ' || byte == '\t'; }

// Linux's idea of letters is Latin-1's.
constexpr bool is_letter(uint8_t byte) noexcept {
  const uint8_t small = byte | 0x20;
  return (small >= 'a' && small <= 'z') || (byte >= 0xc0 && byte != 0xd7 && byte != 0xf7);
}
constexpr bool is_word(uint8_t byte) noexcept {
  constexpr std::string_view kMarks = "!\"%'()*+-./:<>?[\\]_`{}~";
  return is_letter(byte) || (byte >= '0' && byte <= '9') || kMarks.find(static_cast<char>(byte)) != kMarks.npos;
}
constexpr std::array<bool, 256> kIsWord = [] {
  std::array<bool, 256> table{};
  for (size_t i = 0; i < table.size(); ++i) table[i] = is_word(static_cast<uint8_t>(i));
  return table;
}();

// Places in the message; its size: none.
class Message {
 public:
  explicit Message(std::span<const uint8_t> bytes) noexcept : bytes_(bytes) {}

  size_t end() const noexcept { return bytes_.size(); }

  // Where the value of the next Call-ID header behind a line's end begins.
  size_t next_value(size_t from) const noexcept {
    for (size_t at = from; at < end(); ++at) {
      if (!ends_line(bytes_[at])) continue;
      at = behind_line_end(at);
      if (at >= end()) return end();
      if (is_blank(bytes_[at])) continue;  // the line before goes on
      const size_t name = name_length(at);
      if (name == 0) continue;
      const size_t colon = behind_space(at + name);
      return colon < end() && bytes_[colon] == ':' ? behind_space(colon + 1) : end();
    }
    return end();
  }

  // A word, or two with an @ between them; 0: neither.
  size_t value_length(size_t at) const noexcept {
    const size_t user = word_length(at);
    if (user == 0 || at + user == end() || bytes_[at + user] != '@') return user;
    const size_t host = word_length(at + user + 1);
    return host == 0 ? 0 : user + 1 + host;
  }

  bool line_ends_at(size_t at) const noexcept { return at < end() && ends_line(bytes_[at]); }

 private:
  size_t behind_line_end(size_t at) const noexcept {
    const bool is_pair = bytes_[at] == '\r' && at + 1 < end() && bytes_[at + 1] == '\n';
    return at + (is_pair ? 2 : 1);
  }

  // Of the header's name in full, or in short with no letter behind it; 0: another header.
  size_t name_length(size_t at) const noexcept {
    size_t same = 0;
    while (same < kName.size() && at + same < end() && (bytes_[at + same] | (kName[same] == '-' ? 0 : 0x20)) == kName[same])
      ++same;
    if (same == kName.size()) return same;
    const bool is_short = at + 1 < end() && (bytes_[at] | 0x20) == kShortName && !is_letter(bytes_[at + 1]);
    return is_short ? 1 : 0;
  }

  // Space, or a line's end with space behind it.
  size_t behind_space(size_t at) const noexcept {
    while (at < end() && is_blank(bytes_[at])) ++at;
    if (!line_ends_at(at)) return at;
    at = behind_line_end(at);
    if (at >= end() || !is_blank(bytes_[at])) return end();
    while (at < end() && is_blank(bytes_[at])) ++at;
    return at;
  }

  size_t word_length(size_t at) const noexcept {
    size_t length = 0;
    while (at + length < end() && kIsWord[bytes_[at + length]]) ++length;
    return length;
  }

  std::span<const uint8_t> bytes_;
};

}  // namespace

std::span<const uint8_t> call_id_in(std::span<const uint8_t> bytes) noexcept {
  const Message message(bytes);
  for (size_t from = 0; from < message.end();) {
    const size_t value = message.next_value(from);
    if (value >= message.end()) return {};
    const size_t length = message.value_length(value);
    if (length == 0) {
      from += value;  // Linux looks on from there
      continue;
    }
    if (length > kLongestCallId || !message.line_ends_at(value + length)) return {};
    return bytes.subspan(value, length);
  }
  return {};
}

}  // namespace shunt::dataplane
