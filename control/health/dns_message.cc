#include "control/health/dns_message.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace shunt::control {
namespace {

constexpr size_t kHeaderBytes = 12;
constexpr uint8_t kIsResponse = 0x80;
constexpr uint8_t kCodeMask = 0x0f;

void put16(std::string& out, uint16_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value & 0xff));
}

bool same_letter(char a, char b) {
  return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
}

}  // namespace

std::string dns_query(std::string_view name, uint16_t type, uint16_t id) {
  std::string query;
  put16(query, id);
  put16(query, 0x0100);  // a query, recursion desired
  put16(query, 1);       // one question, nothing else
  query.append(6, '\0');
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  while (!name.empty()) {
    const size_t point = std::min(name.find('.'), name.size());
    query.push_back(static_cast<char>(point));
    query.append(name.substr(0, point));
    name.remove_prefix(std::min(point + 1, name.size()));
  }
  query.push_back('\0');
  put16(query, type);
  put16(query, 1);  // IN
  return query;
}

std::optional<uint8_t> dns_code(std::string_view query, std::string_view answer) {
  if (answer.size() < kHeaderBytes || answer.substr(0, 2) != query.substr(0, 2)) return std::nullopt;
  if ((static_cast<uint8_t>(answer[2]) & kIsResponse) == 0) return std::nullopt;
  const uint8_t code = static_cast<uint8_t>(answer[3]) & kCodeMask;
  // Servers that cannot read a query, or do not want to, may answer with a header alone.
  if (answer.substr(4, 2) == std::string_view("\0\0", 2)) return code;
  const std::string_view question = query.substr(kHeaderBytes);
  if (answer.size() < query.size()) return std::nullopt;
  const std::string_view repeated = answer.substr(kHeaderBytes, question.size());
  return std::equal(question.begin(), question.end(), repeated.begin(), same_letter) ? std::optional(code)
                                                                                     : std::nullopt;
}

std::string dns_code_name(uint8_t code) {
  constexpr std::array<const char*, 6> kNames = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
  return code < kNames.size() ? kNames[code] : "code " + std::to_string(code);
}

std::string dns_type_name(uint16_t type) {
  constexpr std::array<std::pair<uint16_t, const char*>, 10> kNames = {{{1, "A"},
                                                                        {2, "NS"},
                                                                        {5, "CNAME"},
                                                                        {6, "SOA"},
                                                                        {12, "PTR"},
                                                                        {15, "MX"},
                                                                        {16, "TXT"},
                                                                        {28, "AAAA"},
                                                                        {33, "SRV"},
                                                                        {255, "ANY"}}};
  for (const auto& [number, name] : kNames) {
    if (number == type) return name;
  }
  return "type " + std::to_string(type);
}

}  // namespace shunt::control
