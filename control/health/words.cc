#include "control/health/words.h"

#include <cstdio>

#include "control/health/dns_message.h"

namespace shunt::control {
namespace {

constexpr size_t kMaxQuoted = 64;

struct Word {
  const char* operator()(const TcpCheck&) const { return "connect"; }
  const char* operator()(const HttpCheck& check) const { return check.secure ? "https" : "http"; }
  const char* operator()(const UdpCheck&) const { return "udp"; }
  const char* operator()(const DnsCheck&) const { return "dns"; }
  const char* operator()(const IcmpCheck&) const { return "icmp"; }
  const char* operator()(const GrpcCheck&) const { return "grpc"; }
  const char* operator()(const ExecCheck&) const { return "exec"; }
};

// ", WHAT TEXT", or nothing where there is no text.
std::string also(const char* what, const std::string& text) {
  return text.empty() ? "" : std::string(", ") + what + " " + text;
}

std::string also(const CheckTls& tls) {
  return also("server_name", tls.server_name) + also("ca_file", tls.ca_file) + (tls.verify ? "" : ", no_verify");
}

std::string also_quoted(const char* what, const std::string& text) {
  return text.empty() ? "" : also(what, quoted(text));
}

struct Text {
  std::string operator()(const TcpCheck&) const { return "tcp"; }
  std::string operator()(const HttpCheck& check) const {
    std::string text = std::string(check.secure ? "https " : "http ") + check.method + " " + check.path;
    text += also("host", check.host) + also("status", text_of(check.status)) + also_quoted("body", check.body);
    for (const std::string& header : check.headers) text += also_quoted("header", header);
    return text + (check.http2 ? ", http2" : "") + also(check.tls);
  }
  std::string operator()(const UdpCheck& check) const {
    return "udp" + also_quoted("send", check.send) + also_quoted("expect", check.expect) +
           (check.needs_answer && check.expect.empty() ? ", needs_answer" : "");
  }
  std::string operator()(const DnsCheck& check) const {
    return "dns " + check.name + " " + dns_type_name(check.type) + ", wanted " + dns_code_name(check.code);
  }
  std::string operator()(const IcmpCheck&) const { return "icmp"; }
  std::string operator()(const GrpcCheck& check) const {
    return "grpc" + also_quoted("service", check.service) + also("host", check.host) + (check.secure ? ", tls" : "") +
           also(check.tls);
  }
  std::string operator()(const ExecCheck& check) const {
    std::string text = "exec";
    for (const std::string& word : check.command) text += " " + quoted(word);
    return text;
  }
};

}  // namespace

const char* word_of(const CheckKind& kind) { return std::visit(Word{}, kind); }

std::string text_of(const CheckKind& kind) { return std::visit(Text{}, kind); }

std::string text_of(const std::vector<StatusRange>& statuses) {
  std::string text;
  for (const StatusRange& range : statuses) {
    text += (text.empty() ? "" : ",") + std::to_string(range.first);
    if (range.last != range.first) text += "-" + std::to_string(range.last);
  }
  return text;
}

std::string quoted(std::string_view bytes) {
  const bool is_cut = bytes.size() > kMaxQuoted;
  std::string text = "\"";
  for (const char c : bytes.substr(0, kMaxQuoted)) {
    char escaped[8];
    if (c == '"' || c == '\\') {
      text += std::string("\\") + c;
    } else if (c >= ' ' && c <= '~') {
      text += c;
    } else {
      std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      text += escaped;
    }
  }
  return text + (is_cut ? "...\"" : "\"");
}

std::string duration_text(std::chrono::steady_clock::duration duration) {
  const double ms = std::chrono::duration<double, std::milli>(duration).count();
  char text[32];
  if (ms < 10) std::snprintf(text, sizeof text, "%.1f ms", ms);
  else if (ms < 1000) std::snprintf(text, sizeof text, "%.0f ms", ms);
  else std::snprintf(text, sizeof text, "%.3g s", ms / 1000);
  return text;
}

}  // namespace shunt::control
