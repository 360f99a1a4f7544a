#include "src/shuntctl/foreign/keepalived_check.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <map>

#include "config/duration.h"
#include "config/words.h"
#include "src/shuntctl/foreign/keepalived_probe.h"

namespace shunt::shuntctl {
namespace {

using google::protobuf::util::MessageDifferencer;

// Shunt's ranges.
constexpr int64_t kLeastInterval_ms = 100;
constexpr int64_t kMostInterval_ms = 3600000;
constexpr uint32_t kMostFall = 100;

const char* const kCheckers[] = {"TCP_CHECK", "HTTP_GET", "SSL_GET", "SMTP_CHECK", "DNS_CHECK", "MISC_CHECK",
                                 "BFD_CHECK", "UDP_CHECK", "PING_CHECK", "FILE_CHECK"};

uint32_t default_retry(const std::string& kind) { return kind == "DNS_CHECK" ? 3 : kind == "MISC_CHECK" ? 0 : 1; }

class Checker {
 public:
  Checker(const Directive& directive, CheckSettings settings, const CheckedReal& real, KeepalivedReport& report)
      : directive_(directive), settings_(std::move(settings)), real_(real), report_(report) {
    for (const Directive& each : directive.block) {
      if (!settings_.take(each, report_)) take(each);
    }
    ask();
    if (!check_.disabled()) timing();
  }

  v1::HealthCheck check() { return check_; }
  std::vector<Note> notes() { return std::move(notes_); }

 private:
  const std::string& kind() const { return directive_.keyword(); }

  void take(const Directive& each) {
    const std::string& keyword = each.keyword();
    if (keyword == "connect_port") {
      const uint32_t given = keepalived_number(each, 1, 65535, real_.port, report_);
      if (given != real_.port) check_.set_port(given);
    } else if (keyword == "connect_ip" || keyword == "bindto" || keyword == "bind_if" || keyword == "bind_port" || keyword == "fwmark") {
      note(each.from, keyword + " " + config::shown(each.word(1)) + " is not carried over",
           "checks go to the real's own address, by Linux's routes");
    } else if (keyword == "alpha" || keyword == "warmup" || keyword == "delay_before_retry" || keyword == "log_all_failures") {
      return;
    } else if (kind() == "TCP_CHECK") {
      note(each.from, "TCP_CHECK has no keyword " + config::in_quotes(keyword), "nothing is lost: keepalived ignores it, too");
    }
  }

  // What is asked.
  void ask() {
    const KeepalivedProbe probe = probe_of(directive_, settings_.virtual_host, report_);
    if (probe.is_carried) {
      check_.MergeFrom(probe.check);
      if (check_.has_icmp() || check_.has_exec()) check_.clear_port();
      for (const ProbeNote& each : probe.notes) {
        notes_.push_back({each.from, real_.subject, kind() + ": " + each.cause, each.remedy, each.is_left_out});
      }
      return;
    }
    if (real_.protocol == v1::PROTOCOL_TCP) {
      note(directive_.from, kind() + " is not carried over", "the real is checked by a TCP connect in its place");
      return;
    }
    // A TCP connect would find it down.
    check_.Clear();
    check_.set_disabled(true);
    note(directive_.from, kind() + " is not carried over", "the real is not checked; name a port that answers TCP in health_check.port");
  }

  void timing() {
    const int64_t interval = std::clamp(settings_.delay_loop_ms, kLeastInterval_ms, kMostInterval_ms);
    if (interval != settings_.delay_loop_ms) {
      note(directive_.from, "delay_loop is not within 100 ms and 1 h", config::format_duration_ms(interval) + " is written in its place");
    }
    // keepalived waits longer than it pauses where it is told to; a check of Shunt's ends before the next begins.
    const int64_t wanted = check_.has_timeout() ? config::to_ms(check_.timeout()).value_or(0) : settings_.connect_timeout_ms;
    const int64_t timeout = std::clamp(wanted, kLeastInterval_ms, interval);
    const uint32_t fall = std::min(settings_.retry.value_or(default_retry(kind())), kMostFall - 1) + 1;
    *check_.mutable_interval() = config::to_duration(interval);
    *check_.mutable_timeout() = config::to_duration(timeout);
    // keepalived takes one success for enough.
    check_.set_rise(1);
    check_.set_fall(fall);
  }

  void note(const Source& from, std::string cause, std::string remedy) {
    notes_.push_back({from, real_.subject, std::move(cause), std::move(remedy)});
  }

  const Directive& directive_;
  CheckSettings settings_;
  const CheckedReal& real_;
  KeepalivedReport& report_;
  v1::HealthCheck check_;
  std::vector<Note> notes_;
};

}  // namespace

bool CheckSettings::take(const Directive& directive, KeepalivedReport& report) {
  const std::string& keyword = directive.keyword();
  if (keyword == "delay_loop") {
    delay_loop_ms = keepalived_time_ms(directive, delay_loop_ms, report);
  } else if (keyword == "connect_timeout") {
    connect_timeout_ms = keepalived_time_ms(directive, connect_timeout_ms, report);
  } else if (keyword == "retry" || keyword == "nb_get_retry") {
    retry = keepalived_number(directive, 1, 1000000, 1, report);
  } else if (keyword == "virtualhost") {
    virtual_host = directive.word(1);
  } else {
    return false;
  }
  return true;
}

bool is_checker(const std::string& keyword) {
  return std::find(std::begin(kCheckers), std::end(kCheckers), keyword) != std::end(kCheckers);
}

CheckOfReal check_of(const std::vector<const Directive*>& checkers, const CheckSettings& settings, const CheckedReal& real,
                     KeepalivedReport& report) {
  CheckOfReal result{real.from, std::nullopt, {}};
  for (const Directive* directive : checkers) {
    if (result.check) {
      result.notes.push_back({directive->from, real.subject, "a second checker, " + directive->keyword() + ", is not carried over",
                              "one check decides; name the one that says the most"});
      continue;
    }
    Checker checker(*directive, settings, real, report);
    result.check = checker.check();
    result.notes = checker.notes();
  }
  return result;
}

void set_check(const std::vector<CheckOfReal>& checks, DraftService& service) {
  std::map<std::string, int> counts;
  int most = 0;
  const auto key = [](const CheckOfReal& check) { return check.check ? check.check->SerializeAsString() : std::string(); };
  for (const CheckOfReal& check : checks) most = std::max(most, ++counts[key(check)]);
  const auto chosen = std::find_if(checks.begin(), checks.end(), [&](const CheckOfReal& check) { return counts[key(check)] == most; });
  v1::HealthCheck& target = *service.service.mutable_health_check();
  target.set_disabled(true);
  if (chosen == checks.end()) return;
  if (chosen->check) target = *chosen->check;
  for (const CheckOfReal& check : checks) {
    if (key(check) == key(*chosen)) continue;
    service.notes.push_back({check.from, service.subject, "the check of one real is not that of the others",
                             "a service has one health_check for all of its reals; give the real a service of its own"});
  }
}

}  // namespace shunt::shuntctl
