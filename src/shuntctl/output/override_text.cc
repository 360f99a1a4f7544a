#include "src/shuntctl/output/override_text.h"

#include "src/shuntctl/output/text.h"

namespace shunt::shuntctl {
namespace {

std::string word_of(v1::AtDeadline then) {
  if (then == v1::AT_DEADLINE_RESET) return "reset";
  return then == v1::AT_DEADLINE_RESCHEDULE ? "reschedule" : "leave";
}

void join(std::string& text, const std::string& more) {
  if (!more.empty()) text += (text.empty() ? "" : ", ") + more;
}

}  // namespace

std::string time_left(const google::protobuf::Timestamp& until, std::chrono::system_clock::time_point now) {
  if (until.seconds() == 0) return "";
  const auto left = std::chrono::seconds(until.seconds()) -
                    std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
  return left.count() < 0 ? "over" : "in " + age(left);
}

std::string deadline_text(const v1::DrainOverride& drain, std::chrono::system_clock::time_point now) {
  const std::string left = time_left(drain.deadline(), now);
  if (left.empty()) return "";
  return word_of(drain.then()) + (left == "over" ? " since the deadline" : " " + left);
}

std::string override_text(const v1::RealState& real, std::chrono::system_clock::time_point now) {
  std::string text;
  const bool has_weight = real.has_weight_override();
  if (has_weight || real.has_drain_override()) join(text, "configured weight " + std::to_string(real.configured_weight()));
  if (real.has_drain_override()) {
    join(text, deadline_text(real.drain_override(), now));
    const std::string left = time_left(real.drain_override().until(), now);
    if (!left.empty()) join(text, "drain ends " + left);
  }
  const std::string left = has_weight ? time_left(real.weight_override().until(), now) : "";
  if (!left.empty()) join(text, "set weight ends " + left);
  return text;
}

}  // namespace shunt::shuntctl
