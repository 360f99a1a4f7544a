#include "dataplane/ftp/stream.h"

#include <algorithm>

namespace shunt::dataplane {
namespace {

// Telnet's (RFC 854), which may stand in front of a command (RFC 959 section 4.1.3, ABOR).
constexpr uint8_t kInterpretAsCommand = 255;
constexpr uint8_t kWill = 251;  // up to DONT, 254: one more byte follows

constexpr uint32_t word_of(const char (&text)[5]) noexcept {
  uint32_t word = 0;
  for (int i = 0; i < 4; ++i) word = word << 8 | static_cast<uint8_t>(text[i]);
  return word;
}

uint8_t upper(uint8_t byte) noexcept { return byte >= 'a' && byte <= 'z' ? static_cast<uint8_t>(byte - 'a' + 'A') : byte; }

bool is_blank(uint8_t byte) noexcept { return byte == ' ' || byte == '\t'; }

}  // namespace

// True: the byte is no part of the line.
bool FtpReader::is_telnets(uint8_t byte) noexcept {
  if (telnet_ == 0) {
    if (byte == kInterpretAsCommand) telnet_ = 2;
    return byte == kInterpretAsCommand;
  }
  if (telnet_ == 1) return telnet_ = 0, true;
  telnet_ = byte >= kWill && byte < kInterpretAsCommand ? 1 : 0;
  return true;
}

// Four bytes came of a line.
FtpEvent FtpReader::end_word(uint32_t word, bool of_client) noexcept {
  if (of_client) {
    if (word == word_of("PASV") || word == word_of("EPSV")) return state_ = State::kRest, FtpEvent::kAsksPassive;
    if (word == word_of("AUTH")) return state_ = State::kRest, FtpEvent::kAsksEncryption;
    // LPRT (RFC 1639), out of use, is read as EPRT: what it says makes no sense as that, and is refused.
    if (word == word_of("PORT") || word == word_of("EPRT") || word == word_of("LPRT")) {
      line_ = word == word_of("PORT") ? FtpLine::kPort : FtpLine::kEprt;
      return FtpEvent::kNone;  // its blank comes
    }
  } else {
    if (word == word_of("234 ")) return state_ = State::kRest, FtpEvent::kEncrypts;
    if (word == word_of("227 ") || word == word_of("229 ")) {
      line_ = word == word_of("227 ") ? FtpLine::kPassive : FtpLine::kExtendedPassive;
      begin_argument();
      return FtpEvent::kArgument;
    }
  }
  state_ = State::kRest;
  return FtpEvent::kNone;
}

FtpEvent FtpReader::read(uint8_t byte, bool of_client) noexcept {
  if (state_ == State::kArgument) {
    if (argument_bytes_ == kMostArgument) {
      state_ = byte == '\n' ? State::kWord : State::kRest;
      word_bytes_ = 0;
      return FtpEvent::kTooLong;
    }
    argument_[argument_bytes_++] = byte;
    if (byte != '\n') return FtpEvent::kNone;
    state_ = State::kWord;
    word_bytes_ = 0;
    return FtpEvent::kLine;
  }
  if (byte == '\n') {
    state_ = State::kWord;
    word_bytes_ = telnet_ = 0;
    return FtpEvent::kNone;
  }
  if (state_ == State::kRest || is_telnets(byte)) return FtpEvent::kNone;
  if (word_bytes_ == 0 && is_blank(byte)) return FtpEvent::kNone;
  word_[word_bytes_++] = upper(byte);
  if (word_bytes_ < 4) return FtpEvent::kNone;
  if (word_bytes_ == 4) {
    return end_word(uint32_t{word_[0]} << 24 | uint32_t{word_[1]} << 16 | uint32_t{word_[2]} << 8 | word_[3], of_client);
  }
  if (!is_blank(byte)) return state_ = State::kRest, FtpEvent::kNone;
  begin_argument();
  return FtpEvent::kArgument;
}

void FtpStream::begin(uint32_t number) noexcept {
  *this = {};
  first = next = heard = number;
}

uint32_t FtpStream::to_receiver(uint32_t number) const noexcept {
  uint32_t by = shift;
  for (uint32_t i = 0; i < change_count; ++i) {
    const FtpChange& change = changes[i];
    if (!is_before(change.begin, number)) break;
    if (is_before(number, change.end())) return change.begin + by;
    by += change.growth();
  }
  const bool is_kept = reader.is_in_argument() && is_before(argument_begin, number);
  return (is_kept ? argument_begin : number) + by;
}

uint32_t FtpStream::to_sender(uint32_t number, bool up) const noexcept {
  uint32_t by = shift;
  for (uint32_t i = 0; i < change_count; ++i) {
    const FtpChange& change = changes[i];
    const uint32_t begin = change.begin + by;
    if (!is_before(begin, number)) break;
    if (is_before(number, begin + change.to_bytes)) return up ? change.end() : change.begin;
    by += change.growth();
  }
  return number - by;
}

uint32_t FtpStream::with_kept(uint32_t number) const noexcept {
  for (uint32_t i = 0; i < change_count; ++i) {
    if (number == changes[i].begin) return number + changes[i].kept_bytes;
  }
  return reader.is_in_argument() && number == argument_begin ? next : number;
}

void FtpStream::hear(uint32_t number) noexcept {
  if (is_before(to_receiver(next), number)) return;  // it cannot have what it was not sent
  if (const uint32_t all_before = to_sender(number); is_before(heard, all_before)) heard = all_before;
  while (change_count > 0) {
    const FtpChange& oldest = changes[0];
    if (is_before(number, oldest.begin + shift + oldest.to_bytes)) return;
    shift += oldest.growth();
    std::copy(changes.begin() + 1, changes.begin() + change_count, changes.begin());
    --change_count;
  }
}

void FtpStream::add(uint32_t begin, uint32_t end, uint32_t came, std::span<const uint8_t> text) noexcept {
  FtpChange& change = changes[change_count++];
  change.begin = begin;
  change.from_bytes = static_cast<uint16_t>(end - begin);
  change.to_bytes = static_cast<uint16_t>(text.size());
  change.kept_bytes = static_cast<uint16_t>(is_before(begin, came) ? came - begin : 0);
  std::copy(text.begin(), text.end(), change.text.begin());
}

}  // namespace shunt::dataplane
