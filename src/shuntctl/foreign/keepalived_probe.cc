#include "src/shuntctl/foreign/keepalived_probe.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <sstream>

#include "config/duration.h"
#include "config/words.h"

namespace shunt::shuntctl {
namespace {

// What has its own meaning in a regular expression.
constexpr const char* kPattern = ".*+?()[]{}|^$\\";

bool is_one_of(const std::string& word, std::initializer_list<const char*> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// All words behind the keyword.
std::string rest_of(const Directive& directive) {
  std::string text;
  for (size_t i = 1; i < directive.words.size(); ++i) text += (i > 1 ? " " : "") + directive.words[i];
  return text;
}

// "200" or "200-299", 100..599.
bool is_status(const std::string& text) {
  const auto number = [](const std::string& digits) {
    const bool is_number = digits.size() == 3 && std::all_of(digits.begin(), digits.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
    return is_number ? std::stoi(digits) : 0;
  };
  const size_t dash = text.find('-');
  const int first = number(text.substr(0, dash));
  const int last = dash == std::string::npos ? first : number(text.substr(dash + 1));
  return first >= 100 && last <= 599 && first <= last;
}

class Probe {
 public:
  Probe(const Directive& checker, const std::string& virtual_host, KeepalivedReport& report)
      : checker_(checker), virtual_host_(virtual_host), report_(report) {
    const std::string& kind = checker.keyword();
    if (kind == "TCP_CHECK") return;
    if (kind == "HTTP_GET") http(*result_.check.mutable_http());
    else if (kind == "SSL_GET") https();
    else if (kind == "UDP_CHECK") udp(*result_.check.mutable_udp());
    else if (kind == "DNS_CHECK") dns(*result_.check.mutable_dns());
    else if (kind == "PING_CHECK") result_.check.mutable_icmp();
    else if (kind == "MISC_CHECK") program();
    else result_.is_carried = false;
  }

  KeepalivedProbe result() { return std::move(result_); }

 private:
  void gap(const Directive& at, std::string cause, std::string remedy) {
    result_.notes.push_back({at.from, std::move(cause), std::move(remedy)});
  }

  const Directive* find(const std::string& keyword) const {
    const auto found = std::find_if(checker_.block.begin(), checker_.block.end(),
                                    [&](const Directive& each) { return each.keyword() == keyword; });
    return found == checker_.block.end() ? nullptr : &*found;
  }

  void https() {
    v1::HttpCheck& check = *result_.check.mutable_https();
    http(check);
    // keepalived takes any certificate.
    check.mutable_tls()->set_no_verify(true);
  }

  void http(v1::HttpCheck& check) {
    std::string host = virtual_host_;
    if (const Directive* given = find("virtualhost")) host = given->word(1);
    const Directive* first = nullptr;
    for (const Directive& each : checker_.block) {
      if (each.keyword() != "url") continue;
      if (first == nullptr) first = &each;
      else gap(each, "a second url is not carried over", "one request decides; name the url that says the most");
    }
    if (first != nullptr) url(*first, check, host);
    if (!host.empty()) check.set_host(host);
  }

  void url(const Directive& url, v1::HttpCheck& check, std::string& host) {
    for (const Directive& each : url.block) {
      const std::string& keyword = each.keyword();
      if (keyword == "path") {
        path(each, check);
      } else if (keyword == "virtualhost") {
        host = each.word(1);
      } else if (keyword == "status_code") {
        status(each, check);
      } else if (keyword == "regex") {
        regex(each, check);
      } else if (keyword == "digest") {
        gap(each, "digest is not carried over", "name a text that the page has in health_check's body");
      } else if (is_one_of(keyword, {"regex_options", "regex_stack", "regex_min_offset", "regex_max_offset"})) {
        continue;  // of no meaning without what `regex` says
      } else {
        gap(each, keyword + " is not carried over", "health_check has path, host, status and body");
      }
    }
  }

  void path(const Directive& each, v1::HttpCheck& check) {
    const std::string text = each.word(1);
    const bool is_path = text.starts_with('/') &&
                         std::none_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c >= 0x7f; });
    if (is_path) {
      if (text != "/") check.set_path(text);
    } else {
      gap(each, "path " + config::shown(text) + " is not carried over", "it begins with / and has no blanks; / is asked for in its place");
    }
  }

  void status(const Directive& each, v1::HttpCheck& check) {
    std::string ranges;
    std::istringstream words(rest_of(each));
    for (std::string word; words >> word;) {
      if (!is_status(word)) {
        report_.faults.push_back({each.from, "status_code: " + config::in_quotes(word) + " is no status", "use 100..599, or a range as 200-299"});
        return;
      }
      ranges += (ranges.empty() ? "" : ",") + word;
    }
    if (!ranges.empty() && ranges != "200-299") check.set_status(ranges);
  }

  void regex(const Directive& each, v1::HttpCheck& check) {
    const std::string text = rest_of(each);
    if (!text.empty() && text.find_first_of(kPattern) == std::string::npos) {
      check.set_body(text);
    } else {
      gap(each, "regex " + config::shown(text) + " is not carried over", "name a text that the page has in health_check's body");
    }
  }

  // Bytes in hexadecimal digits, as keepalived has them: with blanks or without; X stands for any digit. nullopt: they are none.
  static std::optional<std::string> hex(const Directive& each, bool& is_exact) {
    std::string digits;
    for (const char c : rest_of(each)) {
      if (c == ' ') continue;
      if (c == 'x' || c == 'X') is_exact = false;
      else if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return std::nullopt;
      digits += c;
    }
    return digits.size() % 2 == 0 ? std::optional(digits) : std::nullopt;
  }

  void udp(v1::UdpCheck& check) {
    for (const Directive& each : checker_.block) {
      const std::string& keyword = each.keyword();
      if (keyword == "payload" || keyword == "require_reply") {
        bool is_exact = true;
        const auto digits = hex(each, is_exact);
        if (!digits || (keyword == "payload" && !is_exact)) {
          report_.faults.push_back({each.from, keyword + ": " + config::in_quotes(rest_of(each)) + " are no bytes in hexadecimal digits",
                                    "write two digits a byte"});
        } else if (keyword == "payload") {
          check.set_send_hex(*digits);
        } else {
          check.set_needs_answer(true);
          if (!is_exact) gap(each, "require_reply with any digit in it is not carried over", "any answer will do; set expect_hex");
          else if (!digits->empty()) check.set_expect_hex(*digits);
        }
      } else if (is_one_of(keyword, {"min_reply_length", "max_reply_length"})) {
        gap(each, keyword + " is not carried over", "set expect or expect_hex to what an answer has in it");
      }
    }
  }

  void dns(v1::DnsCheck& check) {
    if (const Directive* name = find("name")) check.set_name(name->word(1));
    const Directive* given = find("type");
    if (given == nullptr) return;
    std::string word = "DNS_TYPE_" + given->word(1);
    std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::toupper(c); });
    v1::DnsType type = v1::DNS_TYPE_UNSPECIFIED;
    if (v1::DnsType_Parse(word, &type) && type != v1::DNS_TYPE_UNSPECIFIED) {
      if (type != v1::DNS_TYPE_SOA) check.set_type(type);
    } else {
      gap(*given, "type " + config::shown(given->word(1)) + " is not carried over", "soa is asked for in its place");
    }
  }

  // Its words, as a shell without quotes would have them.
  void program() {
    const Directive* path = find("misc_path");
    std::istringstream words(path == nullptr ? std::string() : rest_of(*path));
    v1::ExecCheck& check = *result_.check.mutable_exec();
    for (std::string word; words >> word;) {
      if (check.command().empty()) word = word.substr(word.rfind('/') + 1);
      check.add_command(word);
    }
    if (check.command().empty() || check.command(0).empty()) {
      result_.is_carried = false;
      return;
    }
    result_.notes.push_back({path->from, "check programs are those in /etc/shunt/checks",
                             "copy it there; SHUNT_ADDRESS and SHUNT_PORT tell it which real to ask", false});
    if (const Directive* timeout = find("misc_timeout")) {
      *result_.check.mutable_timeout() = config::to_duration(keepalived_time_ms(*timeout, 0, report_));
    }
    if (const Directive* dynamic = find("misc_dynamic")) {
      gap(*dynamic, "misc_dynamic is not carried over", "every status but 0 is a failure; a program may set weights by `shuntctl real set-weight`");
    }
    if (const Directive* user = find("user")) {
      gap(*user, "user is not carried over", "check programs run as shuntd's own user");
    }
  }

  const Directive& checker_;
  const std::string& virtual_host_;
  KeepalivedReport& report_;
  KeepalivedProbe result_;
};

}  // namespace

KeepalivedProbe probe_of(const Directive& checker, const std::string& virtual_host, KeepalivedReport& report) {
  return Probe(checker, virtual_host, report).result();
}

}  // namespace shunt::shuntctl
