// Edits on the server: read, edited, validated and applied as one change.
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/convert.h"
#include "control/rpc/audit.h"
#include "control/rpc/caller.h"
#include "control/rpc/convert_report.h"
#include "control/rpc/edits.h"
#include "control/rpc/service.h"
#include "control/rpc/status.h"

namespace shunt::control::rpc {
namespace {

// Edits wait for each other; other changes come in between, but not so often in a row.
constexpr int kTries = 20;

// How an attempt ended: refused, or the controller's answer.
struct Edited {
  std::string why;
  std::optional<grpc::Status> refusal;
  Result<ApplyOutcome> outcome;
};

Error overtaken(uint64_t expected, uint64_t current) {
  return {ErrorCode::kConflict, "revision " + std::to_string(expected) + ": the current one is " + std::to_string(current) +
                                    ", somebody changed the state; get it again and redo the change"};
}

Edited refused(std::string why, grpc::Status status) { return {std::move(why), std::move(status), Error{}}; }
Edited refused(const Error& error) { return refused(error.message, to_status(error)); }
Edited refused(const EditRefusal& refusal) {
  return refused(config::to_string(refusal.problem, ""), to_status(refusal.code, refusal.problem));
}
Edited refused(const std::vector<config::Problem>& problems) {
  return refused(config::to_string(problems.front(), ""), to_status(problems));
}

bool is_current(uint64_t expected, uint64_t current) { return expected == 0 || expected == current; }

void add_addresses(const Service& service, Neighbourhood& around) {
  for (const IpAddress& address : addresses_of(service)) around.vips.insert(address);
  for (const Real& real : service.reals) around.reals.insert(real.address);
  around.matches |= service.match.has_value();
}

// Who may be contradicted by what the edits bring. A weight brings nothing, a real its address.
Neighbourhood around(const DesiredState& before, const DesiredState& after) {
  Neighbourhood around;
  for (const Service& service : after.services) {
    const auto old = std::find_if(before.services.begin(), before.services.end(),
                                  [&service](const Service& each) { return each.name == service.name; });
    if (old == before.services.end()) {
      add_addresses(service, around);
      continue;
    }
    Service same = service;
    same.reals = old->reals;
    if (!(same == *old)) {
      add_addresses(service, around);
      continue;
    }
    const auto is_old = [old](const Real& real) {
      return std::any_of(old->reals.begin(), old->reals.end(),
                         [&real](const Real& each) { return each.address == real.address && each.port == real.port; });
    };
    for (const Real& real : service.reals) {
      if (!is_old(real)) around.reals.insert(real.address);
    }
  }
  return around;
}

// "services[3].port" of a state made of neighbours and edited services, in the numbers of the whole state.
void renumber(std::vector<config::Problem>& problems, const std::vector<size_t>& places) {
  constexpr std::string_view kList = "services[";
  for (config::Problem& problem : problems) {
    if (!problem.field.starts_with(kList)) continue;
    const size_t end = problem.field.find(']');
    const size_t index = std::strtoul(problem.field.c_str() + kList.size(), nullptr, 10);
    if (end == std::string::npos || index >= places.size()) continue;
    problem.field = std::string(kList) + std::to_string(places[index]) + problem.field.substr(end);
  }
}

// Places in the whole state of services that are edited: as before, behind all for new ones.
void add_places(const PartOfState& before, const v1::DesiredState& after, std::vector<size_t>& places) {
  size_t next = before.services;
  for (const v1::Service& service : after.services()) {
    const auto& old = before.state.services;
    const auto found = std::find_if(old.begin(), old.end(),
                                    [&service](const Service& each) { return each.name == service.name(); });
    places.push_back(found == old.end() ? next++ : before.places[static_cast<size_t>(found - old.begin())]);
  }
}

// One attempt at all edits of a request.
class Attempt {
 public:
  Attempt(Controller& controller, const config::MachineNames& machine, const v1::EditRequest& request)
      : controller_(controller), machine_(machine), request_(request) {}

  Edited make() const { return names_services_alone(request_.edits()) ? on_services() : on_the_whole(); }

 private:
  Edited on_services() const;
  Edited on_the_whole() const;
  std::vector<config::Problem> problems_beside(const PartOfState& near, const v1::DesiredState& edited) const;

  Controller& controller_;
  const config::MachineNames& machine_;
  const v1::EditRequest& request_;
};

// What it names and what that may contradict is read, validated and applied.
Edited Attempt::on_services() const {
  const std::vector<std::string> names = services_of(request_.edits());
  const auto before = controller_.part(names);
  if (!before) return refused(before.error());
  const uint64_t expected = request_.expected_revision();
  if (!is_current(expected, before->revision)) return refused(overtaken(expected, before->revision));
  v1::DesiredState edited = config::to_proto(before->state);
  if (const auto refusal = make_edits(request_.edits(), edited)) return refused(*refusal);
  // Values first: what is malformed has no address to look for others by.
  auto problems = by_edits(config::validate_desired_state(edited, machine_), request_.edits(), edited);
  std::vector<size_t> places;
  if (problems.empty()) {
    const Neighbourhood nearby = around(before->state, config::to_desired_state(edited));
    if (!nearby.empty()) {
      const auto near = controller_.near(nearby, names);
      if (!near) return refused(near.error());
      if (near->revision != before->revision) return {"", {}, overtaken(before->revision, near->revision)};
      problems = problems_beside(*near, edited);
      places.assign(near->places.begin(), near->places.end());
    }
  }
  if (!problems.empty()) {
    add_places(*before, edited, places);
    renumber(problems, places);
    return refused(problems);
  }
  auto edit = edit_between(before->state, config::to_desired_state(edited));
  if (!edit) return on_the_whole();
  return {"", {}, controller_.edit(std::move(*edit), before->revision, request_.dry_run())};
}

// Neighbours stand in front, so that what contradicts is found where it was edited.
std::vector<config::Problem> Attempt::problems_beside(const PartOfState& near, const v1::DesiredState& edited) const {
  v1::DesiredState both = edited;
  *both.mutable_services() = config::to_proto(near.state).services();
  both.mutable_services()->MergeFrom(edited.services());
  return by_edits(config::validate_desired_state(both, machine_), request_.edits(), both);
}

Edited Attempt::on_the_whole() const {
  const auto current = controller_.get();
  if (!current) return refused(current.error());
  const uint64_t expected = request_.expected_revision();
  if (!is_current(expected, current->revision)) return refused(overtaken(expected, current->revision));
  v1::DesiredState state = config::to_proto(current->state);
  if (const auto refusal = make_edits(request_.edits(), state)) return refused(*refusal);
  const auto problems = by_edits(config::validate_desired_state(state, machine_), request_.edits(), state);
  if (!problems.empty()) return refused(problems);
  return {"", {}, controller_.apply(config::to_desired_state(state), current->revision, request_.dry_run())};
}

}  // namespace

grpc::Status ShuntService::Edit(grpc::ServerContext* context, const v1::EditRequest* request,
                                v1::ApplyResponse* response) {
  return answers_.once(request->dry_run() ? "" : request->idempotency_key(), *request, response,
                       [&](v1::ApplyResponse* out) { return edit(*context, *request, out); });
}

grpc::Status ShuntService::edit(const grpc::ServerContext& context, const v1::EditRequest& request,
                                v1::ApplyResponse* response) {
  const std::string what = in_words(request.edits());
  const CauseScope because({Origin::kApi, caller(context), what});
  const auto refused = [&](const std::string& why, grpc::Status status) {
    if (!request.dry_run()) audit_refusal(context, what, why);
    return status;
  };
  const std::lock_guard one_at_a_time(edit_mutex_);
  Result<ApplyOutcome> outcome = Error{};
  for (int tries = 0; tries < kTries; ++tries) {
    Edited edited = Attempt(controller_, machine_, request).make();
    if (edited.refusal) return refused(edited.why, *edited.refusal);
    outcome = std::move(edited.outcome);
    if (outcome || request.expected_revision() != 0 || outcome.error().code != ErrorCode::kConflict) break;
  }
  if (!request.dry_run()) audit(context, what, outcome);
  if (!outcome) return to_status(outcome.error());
  *response = to_proto(*outcome);
  return grpc::Status::OK;
}

}  // namespace shunt::control::rpc
