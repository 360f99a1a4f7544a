#include "src/shuntctl/output/text.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <ctime>

#include "src/shuntctl/output/table.h"

namespace shunt::shuntctl {
namespace {

// METHOD_FULLNAT -> FULLNAT. The schema is the one list of words.
std::string bare_name(const google::protobuf::EnumDescriptor* type, int number, std::string_view prefix) {
  const auto* value = type->FindValueByNumber(number);
  if (value == nullptr || number == 0) return "?";
  return std::string(value->name()).substr(prefix.size());
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

constexpr const char* kScales[] = {"", "k", "M", "G", "T", "P", "E"};

// Three significant digits and the scale's letter.
std::string scaled(double value) {
  size_t scale = 0;
  // 999.5 would be printed as 1000.
  while (value >= 999.5 && scale + 1 < std::size(kScales)) {
    value /= 1000;
    ++scale;
  }
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f}{}", value, decimals, kScales[scale]);
}

constexpr double kHumanFrom = 100000;

}  // namespace

std::string word(v1::Scheduler scheduler) {
  return lower(bare_name(v1::Scheduler_descriptor(), scheduler, "SCHEDULER_"));
}

std::string word(v1::Method method) { return lower(bare_name(v1::Method_descriptor(), method, "METHOD_")); }
std::string forward_text(const v1::RealState& real) {
  const v1::Tunnel& tunnel = real.tunnel();
  if (!real.has_tunnel() || tunnel.kind() == v1::TUNNEL_KIND_IPIP) return word(real.method());
  std::string text = word(real.method()) + " (";
  text += lower(bare_name(v1::TunnelKind_descriptor(), tunnel.kind(), "TUNNEL_KIND_"));
  if (tunnel.port() != 0) text += ":" + std::to_string(tunnel.port());
  if (tunnel.checksum() == v1::TUNNEL_CHECKSUM_FULL) text += ",checksum";
  return text + ")";
}

std::string word(v1::Protocol protocol) {
  return lower(bare_name(v1::Protocol_descriptor(), protocol, "PROTOCOL_"));
}

std::string word(v1::Health health) { return bare_name(v1::Health_descriptor(), health, "HEALTH_"); }

namespace {

// "a,b,c", and how many more.
template <typename List>
std::string joined(const List& list) {
  constexpr int kShown = 3;
  std::string text;
  for (int i = 0; i < std::min(list.size(), kShown); ++i) text += (i == 0 ? "" : ",") + printable(list.Get(i));
  return list.size() > kShown ? text + ",+" + std::to_string(list.size() - kShown) : text;
}

}  // namespace

std::string match_text(const v1::Match& match) {
  std::string text = match.vips().empty() ? "*" : joined(match.vips());
  if (match.first_port() != 0) text += ":" + std::to_string(match.first_port());
  if (match.last_port() != 0) text += "-" + std::to_string(match.last_port());
  if (!match.clients().empty()) text += " from " + joined(match.clients());
  if (!match.ingress_port().empty()) text += " on " + printable(match.ingress_port());
  return text;
}

std::string endpoint(const std::string& address, uint32_t port) {
  const bool v6 = address.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", address, port) : fmt::format("{}:{}", address, port);
}

std::string count(uint64_t value, bool exact) {
  if (exact || static_cast<double>(value) < kHumanFrom) return std::to_string(value);
  return scaled(static_cast<double>(value));
}

std::string rate(double value, bool exact) {
  if (exact) return fmt::format("{:.2f}", value);
  if (value >= kHumanFrom) return scaled(value);
  // A trickle must not read as nothing.
  if (value > 0 && value < 9.95) return fmt::format("{:.1f}", std::max(value, 0.1));
  return fmt::format("{:.0f}", value);
}

std::string bytes(uint64_t value, bool exact) {
  if (exact || value < 1024) return fmt::format("{} B", value);
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  double scaled_value = static_cast<double>(value) / 1024;
  size_t unit = 0;
  while (scaled_value >= 1023.95 && unit + 1 < std::size(kUnits)) {
    scaled_value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", scaled_value, kUnits[unit]);
}

std::string bits(double bytes_a_second, bool exact) {
  const double value = bytes_a_second * 8;
  return exact || value < 1000 ? rate(value, exact) : scaled(value);
}

std::string percent(double ratio) { return fmt::format("{:.1f}%", ratio * 100); }

std::string age(std::chrono::seconds length) {
  const int64_t s = std::max<int64_t>(0, length.count());
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3600) return fmt::format("{}m", s / 60);
  if (s < 86400) return fmt::format("{}h{}m", s / 3600, s % 3600 / 60);
  return fmt::format("{}d{}h", s / 86400, s % 86400 / 3600);
}

std::string expiry(std::chrono::milliseconds length) {
  const int64_t s = std::max<int64_t>(0, length.count()) / 1000;
  if (s < 3600) return fmt::format("{:02}:{:02}", s / 60, s % 60);
  return fmt::format("{:02}:{:02}:{:02}", s / 3600, s % 3600 / 60, s % 60);
}

std::string age_of(const google::protobuf::Timestamp& then, std::chrono::system_clock::time_point now) {
  if (then.seconds() == 0) return "-";
  const auto since_epoch = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
  return age(since_epoch - std::chrono::seconds(then.seconds()));
}

std::string local_time(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0) return "-";
  const time_t seconds = time.seconds();
  tm parts{};
  if (localtime_r(&seconds, &parts) == nullptr) return "-";
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

}  // namespace shunt::shuntctl
