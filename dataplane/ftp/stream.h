// One direction of a control connection as its receiver is to see it: where what its sender said was changed, and what that
// makes of sequence numbers and acknowledgements; and how far it was read. Numbers are the sender's unless they are said to
// be the receiver's. Owner: the worker whose connection it is.
//
// A change replaces whole bytes of a line, from its argument to its end, by others, perhaps more or fewer. It travels with
// the segment that has its last byte, whatever pieces the line is sent in, first and again: so the same bytes leave at the
// same numbers each time. What came of an unfinished argument is kept back and, when the receiver has all before it,
// acknowledged to its sender, who may wait for that before it says the rest (RFC 896); its last byte, and with it the whole
// line, stays the sender's to send again.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/ftp/endpoint.h"

namespace shunt::dataplane {

// Whether a number of a stream lies before another.
constexpr bool is_before(uint32_t number, uint32_t other) noexcept { return static_cast<int32_t>(number - other) < 0; }

// Arguments longer than this are let pass as they are: no endpoint takes so many bytes.
inline constexpr uint32_t kMostArgument = 96;

struct FtpChange {
  uint32_t begin = 0;
  uint16_t from_bytes = 0;  // were said,
  uint16_t to_bytes = 0;    // are heard
  uint16_t kept_bytes = 0;  // of those that were said, were acknowledged before the last came
  std::array<uint8_t, kMostArgument + kMostEndpointBytes> text{};

  uint32_t end() const noexcept { return begin + from_bytes; }
  uint32_t growth() const noexcept { return uint32_t{to_bytes} - from_bytes; }
};

// What the reading of a byte came to.
enum class FtpEvent : uint8_t {
  kNone,
  kArgument,  // a line whose argument is of interest: it begins with the next byte
  kLine,      // such a line's end
  kTooLong,   // such a line has none that is in reach
  kAsksPassive,     // PASV or EPSV
  kAsksEncryption,  // AUTH
  kEncrypts,        // 234: what follows is TLS (RFC 4217 section 4)
};

// Lines as they come, byte by byte.
class FtpReader {
 public:
  FtpEvent read(uint8_t byte, bool of_client) noexcept;
  bool is_in_argument() const noexcept { return state_ == State::kArgument; }
  FtpLine line() const noexcept { return line_; }
  // Of the argument, what was read of it; after kLine, all.
  std::span<uint8_t> argument() noexcept { return {argument_.data(), argument_bytes_}; }
  // The argument has no more bytes that matter.
  void give_up() noexcept { state_ = State::kRest; }
  // The line's end that was read last, or what made it too long, is to come once more.
  void await_end(FtpEvent event) noexcept {
    state_ = State::kArgument;
    if (event == FtpEvent::kLine) --argument_bytes_;
  }

 private:
  enum class State : uint8_t { kWord, kArgument, kRest };

  bool is_telnets(uint8_t byte) noexcept;
  void begin_argument() noexcept { state_ = State::kArgument, argument_bytes_ = 0; }
  FtpEvent end_word(uint32_t word, bool of_client) noexcept;

  State state_ = State::kWord;
  uint8_t telnet_ = 0;     // bytes of a command of Telnet that are still to come
  uint8_t word_bytes_ = 0;
  uint8_t argument_bytes_ = 0;
  FtpLine line_ = FtpLine::kPort;
  std::array<uint8_t, 5> word_{};
  std::array<uint8_t, kMostArgument> argument_{};
};

struct FtpStream {
  static constexpr uint32_t kMostChanges = 2;

  uint32_t first = 0;
  uint32_t next = 0;  // that is to be read
  uint32_t heard = 0;  // the receiver has all before
  uint32_t argument_begin = 0;  // while reader.is_in_argument()
  uint32_t shift = 0;  // what is added to numbers before all changes
  uint32_t change_count = 0;
  std::array<FtpChange, kMostChanges> changes;  // that the receiver is not known to have, in order
  FtpReader reader;
  uint16_t window = 0;  // that its receiver said last

  void begin(uint32_t number) noexcept;

  // A number as the receiver is told it: within a change, or what is kept back, its beginning.
  uint32_t to_receiver(uint32_t number) const noexcept;
  // The receiver's number as the sender knows it: within a change, its beginning, or with `up` its end.
  uint32_t to_sender(uint32_t number, bool up = false) const noexcept;
  // The same of an acknowledgement, by which the sender hears of what was kept back, too.
  uint32_t acknowledged(uint32_t number) const noexcept { return with_kept(to_sender(number)); }
  // How far the sender may know its own to be when the receiver has all before `number`.
  uint32_t with_kept(uint32_t number) const noexcept;
  // The receiver, which numbers as it is told, has all before `number`: changes before that are past.
  void hear(uint32_t number) noexcept;

  bool has_room() const noexcept { return change_count < kMostChanges; }
  // Of bytes that end with the last one read; those before `came` were kept back. REQUIRES has_room().
  void add(uint32_t begin, uint32_t end, uint32_t came, std::span<const uint8_t> text) noexcept;
};

}  // namespace shunt::dataplane
