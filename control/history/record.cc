#include "control/history/record.h"

#include <array>
#include <cstddef>
#include <cstring>

#include "control/journal.h"

namespace shunt::control {
namespace {

constexpr std::array<char, 8> kMagic = {'S', 'H', 'U', 'N', 'T', 'R', 'E', 'V'};
constexpr uint32_t kFormat = 1;

// Integers are in the machine's order, since a history does not travel.
struct Header {
  std::array<char, 8> magic = kMagic;
  uint32_t format = kFormat;
  uint32_t header_bytes = sizeof(Header);
  uint64_t listed_bytes = 0;
  uint64_t listed_checksum = 0;
  uint64_t way_back_bytes = 0;
  uint64_t way_back_checksum = 0;
  // Of all the members before.
  uint64_t header_checksum = 0;
};
static_assert(sizeof(Header) == kRecordHeaderBytes);

uint64_t checksum_of(const Header& header) noexcept {
  return content_hash({reinterpret_cast<const char*>(&header), offsetof(Header, header_checksum)});
}

class Writer {
 public:
  void number(uint64_t value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof value); }
  void text(std::string_view value) {
    number(value.size());
    bytes_.append(value);
  }
  void texts(const std::vector<std::string>& values) {
    number(values.size());
    for (const std::string& value : values) text(value);
  }
  const std::string& bytes() const noexcept { return bytes_; }

 private:
  std::string bytes_;
};

// Once something is missing, all that follows is empty and is_whole() false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  uint64_t number() {
    uint64_t value = 0;
    if (bytes_.size() < sizeof value) return fail();
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_.remove_prefix(sizeof value);
    return value;
  }
  std::string text() {
    const uint64_t size = number();
    if (size > bytes_.size()) return std::string(fail(), '\0');
    const std::string value(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return value;
  }
  std::vector<std::string> texts() {
    std::vector<std::string> values;
    for (uint64_t left = number(); left > 0 && whole_; --left) values.push_back(text());
    return values;
  }
  bool is_whole() const noexcept { return whole_ && bytes_.empty(); }
  bool goes_on() const noexcept { return whole_; }

 private:
  uint64_t fail() noexcept {
    whole_ = false;
    return 0;
  }
  std::string_view bytes_;
  bool whole_ = true;
};

std::string listed_part(const Revision& revision) {
  Writer out;
  out.number(revision.revision);
  out.number(static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(revision.time.time_since_epoch()).count()));
  out.number(static_cast<uint64_t>(revision.cause.origin));
  out.text(revision.cause.who);
  out.text(revision.cause.what);
  out.number(revision.changed_state ? 1 : 0);
  out.number(revision.from);
  out.number(revision.change_count);
  out.number(revision.changes.size());
  for (const Change& change : revision.changes) {
    out.number(static_cast<uint64_t>(change.kind));
    out.text(change.subject);
    out.texts(change.details);
  }
  return out.bytes();
}

std::optional<Header> header_in(std::string_view record, std::string& cause) {
  Header header;
  if (record.size() < sizeof header) {
    cause = "it is " + std::to_string(record.size()) + " bytes long, shorter than its header";
    return std::nullopt;
  }
  std::memcpy(&header, record.data(), sizeof header);
  if (header.magic != kMagic) {
    cause = "it is no revision of shuntd";
  } else if (checksum_of(header) != header.header_checksum) {
    cause = "its header's checksum is wrong";
  } else if (header.format != kFormat || header.header_bytes != sizeof header) {
    cause = "its format is " + std::to_string(header.format) + ", this shuntd writes " + std::to_string(kFormat);
  }
  return cause.empty() ? std::optional(header) : std::nullopt;
}

// The stretch of `record`, if it is all there and as it was written.
std::optional<std::string_view> stretch(std::string_view record, size_t offset, uint64_t bytes, uint64_t checksum,
                                        std::string& cause) {
  if (record.size() < offset || record.size() - offset < bytes) {
    cause = "it is cut short";
    return std::nullopt;
  }
  const std::string_view part = record.substr(offset, bytes);
  if (content_hash(part) == checksum) return part;
  cause = "its checksum is wrong";
  return std::nullopt;
}

}  // namespace

std::string to_record(const Revision& revision, const WayBack& way_back) {
  const std::string listed = listed_part(revision);
  Writer rest;
  rest.text(way_back.before);
  rest.texts(way_back.added);
  rest.texts(way_back.order);
  Header header;
  header.listed_bytes = listed.size();
  header.listed_checksum = content_hash(listed);
  header.way_back_bytes = rest.bytes().size();
  header.way_back_checksum = content_hash(rest.bytes());
  header.header_checksum = checksum_of(header);
  std::string record(reinterpret_cast<const char*>(&header), sizeof header);
  return record.append(listed).append(rest.bytes());
}

size_t listed_bytes(std::string_view header) {
  std::string cause;
  const auto known = header_in(header, cause);
  return known ? sizeof(Header) + known->listed_bytes : 0;
}

std::optional<Revision> revision_in(std::string_view record, std::string& cause) {
  const auto header = header_in(record, cause);
  if (!header) return std::nullopt;
  const auto listed = stretch(record, sizeof *header, header->listed_bytes, header->listed_checksum, cause);
  if (!listed) return std::nullopt;
  Reader in(*listed);
  Revision revision;
  revision.revision = in.number();
  revision.time = WallClock::time_point(std::chrono::nanoseconds(static_cast<int64_t>(in.number())));
  const uint64_t origin = in.number();
  revision.cause.origin = static_cast<Origin>(origin);
  revision.cause.who = in.text();
  revision.cause.what = in.text();
  revision.changed_state = in.number() != 0;
  revision.from = in.number();
  revision.change_count = in.number();
  for (uint64_t left = in.number(); left > 0 && in.goes_on(); --left) {
    Change& change = revision.changes.emplace_back();
    change.kind = static_cast<Change::Kind>(in.number());
    change.subject = in.text();
    change.details = in.texts();
  }
  if (in.is_whole() && origin <= static_cast<uint64_t>(Origin::kItself)) return revision;
  cause = "its content is no revision";
  return std::nullopt;
}

std::optional<WayBack> way_back_in(std::string_view record, std::string& cause) {
  const auto header = header_in(record, cause);
  if (!header) return std::nullopt;
  const auto bytes = stretch(record, sizeof *header + header->listed_bytes, header->way_back_bytes,
                             header->way_back_checksum, cause);
  if (!bytes) return std::nullopt;
  Reader in(*bytes);
  WayBack way_back{in.text(), in.texts(), in.texts()};
  if (in.is_whole()) return way_back;
  cause = "its content leads nowhere";
  return std::nullopt;
}

}  // namespace shunt::control
