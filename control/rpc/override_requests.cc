#include "control/rpc/override_requests.h"

#include "config/duration.h"
#include "control/rpc/convert_report.h"

namespace shunt::control::rpc {
namespace {

constexpr int64_t kLeastMs = 1000;
constexpr int64_t kMostMs = 366LL * 86400 * 1000;

std::optional<Milliseconds> length_of(const google::protobuf::Duration& duration, const std::string& field,
                                      std::vector<config::Problem>& problems) {
  const auto ms = config::to_ms(duration);
  if (ms && *ms >= kLeastMs && *ms <= kMostMs) return Milliseconds(*ms);
  const std::string given = ms ? field + " " + config::format_duration_ms(*ms) : field + " is no length of time in whole milliseconds";
  problems.push_back({field, "", config::reason::kOutOfRange, given + (ms ? " is not within 1s..366d" : ""),
                      "give a length of time from 1s to 366d", {}});
  return std::nullopt;
}

AtDeadline to_at_deadline(v1::AtDeadline then) {
  if (then == v1::AT_DEADLINE_RESET) return AtDeadline::kReset;
  return then == v1::AT_DEADLINE_RESCHEDULE ? AtDeadline::kReschedule : AtDeadline::kLeave;
}

v1::AtDeadline to_proto(AtDeadline then) {
  switch (then) {
    case AtDeadline::kLeave: return v1::AT_DEADLINE_LEAVE;
    case AtDeadline::kReset: return v1::AT_DEADLINE_RESET;
    case AtDeadline::kReschedule: return v1::AT_DEADLINE_RESCHEDULE;
  }
  return v1::AT_DEADLINE_UNSPECIFIED;
}

std::string in_words(Milliseconds length) { return config::format_duration_ms(length.count()); }

}  // namespace

OverrideTerms terms_of(const v1::SetWeightRequest& request, const std::string& by,
                       std::vector<config::Problem>& problems) {
  OverrideTerms terms;
  terms.by = by;
  if (request.has_lasts()) terms.lasts = length_of(request.lasts(), "lasts", problems);
  return terms;
}

DrainTerms terms_of(const v1::DrainRequest& request, const std::string& by, std::vector<config::Problem>& problems) {
  DrainTerms terms;
  terms.by = by;
  if (request.has_lasts()) terms.lasts = length_of(request.lasts(), "lasts", problems);
  if (request.has_deadline()) terms.deadline = length_of(request.deadline(), "deadline", problems);
  terms.then = to_at_deadline(request.then());
  if (!v1::AtDeadline_IsValid(request.then())) {
    problems.push_back({"then", "", config::reason::kOutOfRange,
                        "then is " + std::to_string(request.then()) + ", which this version does not know",
                        "give leave, reset or reschedule", {}});
  }
  if (request.then() != v1::AT_DEADLINE_UNSPECIFIED && !request.has_deadline()) {
    problems.push_back({"then", "", config::reason::kConflict, "then is given without a deadline",
                        "give the deadline, or leave then out", {}});
  }
  if (request.undo() && (request.has_deadline() || request.has_lasts())) {
    problems.push_back({"undo", "", config::reason::kConflict, "undo is given together with a deadline or lasts",
                        "leave one of them out", {}});
  }
  return terms;
}

std::string in_words(const OverrideTerms& terms) { return terms.lasts ? " for " + in_words(*terms.lasts) : ""; }

std::string in_words(const DrainTerms& terms) {
  std::string text = terms.lasts ? " for " + in_words(*terms.lasts) : "";
  if (terms.deadline) text += ", after " + in_words(*terms.deadline) + " " + name_of(terms.then);
  return text;
}

v1::WeightOverride to_proto(const WeightOverride& weight) {
  v1::WeightOverride out;
  out.set_weight(weight.weight);
  *out.mutable_since() = to_proto(weight.since);
  if (weight.until) *out.mutable_until() = to_proto(*weight.until);
  out.set_by(weight.by);
  return out;
}

v1::DrainOverride to_proto(const DrainOverride& drain) {
  v1::DrainOverride out;
  *out.mutable_since() = to_proto(drain.since);
  if (drain.until) *out.mutable_until() = to_proto(*drain.until);
  out.set_by(drain.by);
  if (drain.deadline) {
    *out.mutable_deadline() = to_proto(*drain.deadline);
    out.set_then(to_proto(drain.then));
  }
  return out;
}

v1::RealOverride to_proto(const OverrideReport& report) {
  v1::RealOverride out;
  out.set_service(report.service);
  out.set_real(report.real);
  out.set_address(report.address.to_string());
  out.set_port(report.port);
  out.set_configured_weight(report.configured_weight);
  if (report.value.weight) *out.mutable_weight() = to_proto(*report.value.weight);
  if (report.value.drain) *out.mutable_drain() = to_proto(*report.value.drain);
  out.set_connections(report.connections);
  return out;
}

}  // namespace shunt::control::rpc
