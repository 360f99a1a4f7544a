#include "tests/bench/why/names.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace shunt::bench {
namespace {

constexpr size_t kHeaderBytes = 12;
constexpr uint16_t kTypeA = 1, kTypeOpt = 41, kClassIn = 1;
constexpr uint16_t kLargestAnswer = 4096;
constexpr int64_t kPatienceUs = 1'000'000;
constexpr int kTries = 2;

void put16(std::vector<uint8_t>& out, uint16_t value) {
  out.push_back(static_cast<uint8_t>(value >> 8));
  out.push_back(static_cast<uint8_t>(value));
}

// A cursor that never leaves the packet; once it would, `ok` is false and stays so.
struct Cursor {
  std::span<const uint8_t> packet;
  size_t at = 0;
  bool ok = true;

  uint16_t take16() {
    skip(2);
    return ok ? static_cast<uint16_t>(packet[at - 2] << 8 | packet[at - 1]) : 0;
  }
  void skip(size_t bytes) {
    ok = ok && bytes <= packet.size() - at;
    if (ok) at += bytes;
  }
  // A name ends with an empty label or with a pointer (RFC 1035 section 4.1.4).
  void skip_name() {
    while (ok && at < packet.size()) {
      const uint8_t length = packet[at];
      if ((length & 0xc0) == 0xc0) return skip(2);
      skip(1 + size_t{length});
      if (length == 0) return;
    }
    ok = false;
  }
};

}  // namespace

std::vector<uint8_t> make_query(uint16_t id, const std::string& name) {
  std::vector<uint8_t> out;
  put16(out, id);
  for (const uint16_t field : {0x0100, 1, 0, 0, 1})
    put16(out, field);  // recursion desired; one question, one OPT
  for (size_t start = 0; start < name.size();) {
    const size_t dot = std::min(name.find('.', start), name.size());
    out.push_back(static_cast<uint8_t>(dot - start));
    out.insert(out.end(), name.begin() + static_cast<long>(start),
               name.begin() + static_cast<long>(dot));
    start = dot + 1;
  }
  out.push_back(0);
  put16(out, kTypeA);
  put16(out, kClassIn);
  out.push_back(0);  // OPT: the root's name, our largest answer as its class, no flags, no options
  for (const uint16_t field : {kTypeOpt, kLargestAnswer, uint16_t{0}, uint16_t{0}, uint16_t{0}})
    put16(out, field);
  return out;
}

std::optional<Answer> parse_answer(std::span<const uint8_t> packet) {
  if (packet.size() < kHeaderBytes) return std::nullopt;
  Cursor cursor{packet};
  Answer answer;
  answer.id = cursor.take16();
  const uint16_t flags = cursor.take16();
  const uint16_t questions = cursor.take16(), answers = cursor.take16();
  cursor.skip(4);
  const bool response = (flags & 0x8000) != 0, truncated = (flags & 0x0200) != 0;
  if (!response || truncated) return std::nullopt;
  for (uint16_t i = 0; i < questions; ++i) {
    cursor.skip_name();
    cursor.skip(4);
  }
  for (uint16_t i = 0; i < answers && cursor.ok; ++i) {
    cursor.skip_name();
    const uint16_t type = cursor.take16();
    cursor.skip(6);  // class and time to live: keeping records is the resolver's work
    const uint16_t length = cursor.take16();
    cursor.skip(length);
    if (!cursor.ok || type != kTypeA || length != sizeof(in_addr)) continue;
    in_addr address;
    std::memcpy(&address, &packet[cursor.at - sizeof address], sizeof address);
    answer.addresses.push_back(address);
  }
  if (!cursor.ok) return std::nullopt;
  return answer;
}

SiteNames::SiteNames(in_addr resolver, std::string name, int64_t keep_us)
    : name_(std::move(name)),
      keep_us_(keep_us),
      fd_(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(53);
  to.sin_addr = resolver;
  if (fd_ < 0 || connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
    throw std::system_error(errno, std::generic_category(), "the socket to a resolver");
}

SiteNames::SiteNames(SiteNames&& other) noexcept
    : name_(std::move(other.name_)), keep_us_(other.keep_us_), fd_(std::exchange(other.fd_, -1)) {}

SiteNames::~SiteNames() {
  if (fd_ >= 0) close(fd_);
}

SiteNames::State SiteNames::state(int64_t now_us) const {
  if (asking_) return State::kAsking;
  return now_us < fresh_until_us_ ? State::kFresh : State::kStale;
}

void SiteNames::ask(int64_t now_us) {
  if (!asking_) {
    asking_ = true;
    tries_ = 0;
    ++id_;
  } else if (now_us - asked_us_ < kPatienceUs || tries_ >= kTries) {
    return;
  }
  const auto query = make_query(id_, name_);
  // A lost query is like an unanswered one.
  (void)!send(fd_, query.data(), query.size(), 0);
  asked_us_ = now_us;
  ++tries_;
}

bool SiteNames::receive(int64_t now_us) {
  std::array<uint8_t, kLargestAnswer> packet;
  bool answered = false;
  ssize_t got = 0;
  while ((got = recv(fd_, packet.data(), packet.size(), 0)) > 0) {
    auto answer = parse_answer({packet.data(), static_cast<size_t>(got)});
    if (!asking_ || !answer || answer->id != id_) continue;
    addresses_ = std::move(answer->addresses);
    fresh_until_us_ = now_us + keep_us_;
    asking_ = false;
    answered = true;
  }
  return answered;
}

bool SiteNames::gave_up(int64_t now_us) const {
  return asking_ && tries_ >= kTries && now_us - asked_us_ >= kPatienceUs;
}

void SiteNames::abandon() {
  asking_ = false;
  fresh_until_us_ = 0;
  addresses_.clear();
}

std::optional<in_addr> SiteNames::next() {
  if (addresses_.empty()) return std::nullopt;
  return addresses_[turn_++ % addresses_.size()];
}

}  // namespace shunt::bench
