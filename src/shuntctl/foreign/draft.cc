#include "src/shuntctl/foreign/draft.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

#include "config/validate.h"

namespace shunt::shuntctl {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr size_t kNameBytes = 63;

// "reals[3]" of "services[2].reals[3].weight".
struct Step {
  std::string name;
  int index = -1;
};

std::vector<Step> steps_of(const std::string& field) {
  std::vector<Step> steps;
  for (size_t begin = 0; begin < field.size();) {
    const size_t end = std::min(field.find('.', begin), field.size());
    Step step{field.substr(begin, end - begin)};
    if (const size_t bracket = step.name.find('['); bracket != std::string::npos) {
      step.index = std::atoi(step.name.c_str() + bracket + 1);
      step.name.resize(bracket);
    }
    steps.push_back(std::move(step));
    begin = end + 1;
  }
  return steps;
}

void remove_at(Message& message, const FieldDescriptor* field, int index) {
  const auto& reflection = *message.GetReflection();
  const int last = reflection.FieldSize(message, field) - 1;
  for (int i = index; i < last; ++i) reflection.SwapElements(&message, field, i, i + 1);
  reflection.RemoveLast(&message, field);
}

// Takes out what the steps from `at` on lead to, or the nearest thing around it that is there and may go. False: nothing.
bool clear(Message& message, const std::vector<Step>& steps, size_t at, const std::set<std::string_view>& needed) {
  if (at >= steps.size()) return false;
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(steps[at].name);
  if (field == nullptr) return false;
  const auto& reflection = *message.GetReflection();
  const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
  if (field->is_repeated()) {
    const int index = steps[at].index;
    if (index < 0 || index >= reflection.FieldSize(message, field)) return false;
    if (is_message && clear(*reflection.MutableRepeatedMessage(&message, field, index), steps, at + 1, needed)) return true;
    remove_at(message, field, index);
    return true;
  }
  if (!reflection.HasField(message, field) || needed.contains(steps[at].name)) return false;
  if (is_message && clear(*reflection.MutableMessage(&message, field), steps, at + 1, needed)) return true;
  reflection.ClearField(&message, field);
  return true;
}

// Without one of them there is no such service, VIP, real or pool.
const std::set<std::string_view> kNeeded = {"name", "protocol", "address", "match", "method", "vips", "clients"};

// What says for which packets a rule of snat is: without it the rule would be for others, too.
bool is_narrowed_by(const std::vector<Step>& steps) {
  static const std::set<std::string_view> kNarrowing = {"destinations", "protocols", "ingress_port", "egress_port"};
  return steps.size() > 1 && steps[0].name == "snat" && kNarrowing.contains(steps[1].name);
}

// A pass over what the validation says. Indices of the message are those of what is not left out.
class Pruning {
 public:
  Pruning(Draft& draft, const std::vector<config::Problem>& problems) : draft_(draft) {
    for (DraftService& service : draft_.services) {
      if (!service.is_left_out) services_.push_back(&service);
    }
    for (const config::Problem& problem : problems) take_out(problem);
  }

  bool changed() const { return changed_; }

 private:
  void take_out(const config::Problem& problem) {
    const std::vector<Step> steps = steps_of(problem.field);
    if (steps.empty()) return;
    const bool is_service =
        steps[0].name == "services" && steps[0].index >= 0 && static_cast<size_t>(steps[0].index) < services_.size();
    // One of each at a time: what follows may have been a consequence, and places move.
    if (!seen_.insert(steps[0].name + (is_service ? std::to_string(steps[0].index) : "")).second) return;
    if (is_service) {
      take_out_of(*services_[static_cast<size_t>(steps[0].index)], steps, problem);
    } else if (clear(draft_.config, is_narrowed_by(steps) ? std::vector{steps[0]} : steps, 0, kNeeded)) {
      changed_ = true;
      draft_.notes.push_back(note(problem, {}, problem.field));
    }
  }

  void take_out_of(DraftService& service, const std::vector<Step>& steps, const config::Problem& problem) {
    changed_ = true;
    if (steps.size() > 1) {
      for (auto [name, reals] : {std::pair("reals", &service.reals), std::pair("sorry_reals", &service.sorry_reals)}) {
        if (steps[1].name == name) return take_out_real(service, *reals, steps, problem);
      }
      const bool cleared = clear(service.service, steps, 1, kNeeded);
      service.notes.push_back(note(problem, service.from, service.subject));
      if (cleared) return;
    } else {
      service.notes.push_back(note(problem, service.from, service.subject));
    }
    service.is_left_out = true;
  }

  static void take_out_real(DraftService& service, std::vector<DraftReal>& reals, const std::vector<Step>& steps,
                            const config::Problem& problem) {
    int left = steps[1].index;
    for (DraftReal& real : reals) {
      if (real.is_left_out || left-- > 0) continue;
      const std::string subject = "real " + real.real.address() + " of " + service.subject;
      real.notes.push_back(note(problem, real.from, subject));
      if (!clear(real.real, steps, 2, kNeeded)) real.is_left_out = true;
      return;
    }
    service.is_left_out = true;
  }

  static Note note(const config::Problem& problem, const Source& from, const std::string& subject) {
    return {from, subject, problem.cause, problem.remedy};
  }

  Draft& draft_;
  std::vector<DraftService*> services_;
  std::set<std::string> seen_;
  bool changed_ = false;
};

void add(std::vector<Note>& notes, const std::vector<Note>& more) { notes.insert(notes.end(), more.begin(), more.end()); }

}  // namespace

v1::Port placeholder_port() {
  v1::Port port;
  port.set_name("outside");
  port.set_device("0000:01:00.0");
  return port;
}

v1::Config assemble(const Draft& draft) {
  v1::Config config = draft.config;
  for (const DraftService& from : draft.services) {
    if (from.is_left_out) continue;
    v1::Service& service = *config.add_services();
    service = from.service;
    for (const DraftReal& real : from.reals) {
      if (!real.is_left_out) *service.add_reals() = real.real;
    }
    for (const DraftReal& real : from.sorry_reals) {
      if (!real.is_left_out) *service.add_sorry_reals() = real.real;
    }
  }
  return config;
}

void leave_out_what_is_refused(Draft& draft) {
  for (;;) {
    v1::Config config = assemble(draft);
    if (config.ports_size() == 0) *config.add_ports() = placeholder_port();
    const auto problems = config::validate(config);
    if (problems.empty() || !Pruning(draft, problems).changed()) return;
  }
}

std::string unused_name(const Draft& draft, std::string wanted) {
  for (char& c : wanted) {
    const bool fits = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
    if (!fits) c = '-';
  }
  if (wanted.empty()) wanted = "service";
  const auto is_taken = [&draft](const std::string& name) {
    return std::any_of(draft.services.begin(), draft.services.end(),
                       [&name](const DraftService& service) { return service.service.name() == name; });
  };
  std::string name = wanted.substr(0, kNameBytes);
  for (int number = 2; is_taken(name); ++number) {
    const std::string suffix = "-" + std::to_string(number);
    name = wanted.substr(0, kNameBytes - suffix.size()) + suffix;
  }
  return name;
}

std::vector<Note> all_notes(const Draft& draft) {
  std::vector<Note> notes = draft.notes;
  for (const DraftService& service : draft.services) {
    add(notes, service.notes);
    for (const auto* reals : {&service.reals, &service.sorry_reals}) {
      for (const DraftReal& real : *reals) add(notes, real.notes);
    }
  }
  return notes;
}

}  // namespace shunt::shuntctl
