// shuntctl real add, real update, real remove.
#include <memory>
#include <optional>
#include <string>

#include "config/real_name.h"
#include "config/words.h"
#include "src/base/address.h"
#include "src/shuntctl/edit_state.h"
#include "src/shuntctl/edit_verbs.h"
#include "src/shuntctl/endpoint_argument.h"

namespace shunt::shuntctl {
namespace {

using Reals = google::protobuf::RepeatedPtrField<v1::Real>;

struct RealEdit {
  std::string service;
  // As given: a name or "ADDRESS:PORT"; for `add` an address, with or without a port.
  std::string real;
  std::string name;
  bool sorry = false;
  // Unset ones are left as they are.
  std::optional<uint32_t> weight;
  std::optional<uint32_t> upper_threshold;
  std::optional<uint32_t> lower_threshold;
  EditOptions edit;
};

std::string subject_of_real(const RealEdit& options) {
  return "real " + config::shown(options.service) + "/" + config::shown(options.real);
}

// "10.0.0.5", "10.0.0.5:80", "2001:db8::5", "[2001:db8::5]:80" into address and port; false when it
// is none of them.
bool set_endpoint(const std::string& text, v1::Real& real) {
  if (IpAddress::parse(text)) {
    real.set_address(text);
    return true;
  }
  const auto given = Endpoint::parse(text);
  if (!given || given->port == 0) return false;
  real.set_address(given->address);
  real.set_port(given->port);
  return true;
}

void set_fields(const RealEdit& options, v1::Real& real) {
  if (options.weight) {
    real.set_weight(*options.weight);
    // As set-weight does: a weight set by hand ends a drain.
    real.clear_weight_before_drain();
  }
  if (options.upper_threshold) real.set_upper_threshold(*options.upper_threshold);
  if (options.lower_threshold) real.set_lower_threshold(*options.lower_threshold);
}

// The place of the real in the list; nullopt when it is not in it.
std::optional<int> place_of(const Reals& reals, const v1::Service& service,
                            const std::string& wanted) {
  for (int i = 0; i < reals.size(); ++i) {
    v1::Real unnamed = reals[i];
    unnamed.clear_name();
    if (config::name_of(reals[i], service) == wanted || config::name_of(unnamed, service) == wanted)
      return i;
  }
  return std::nullopt;
}

// Calls `change` with the list that has the real and its place there.
template <typename Change>
StateEdit on_real(const RealEdit& options, Change change) {
  return [options, change](v1::DesiredState& state) -> std::optional<Failure> {
    v1::Service* service = find_service(state, options.service);
    if (service == nullptr) return no_such_service(options.service);
    const std::string wanted = config::canonical_real_name(options.real);
    for (Reals* reals : {service->mutable_reals(), service->mutable_sorry_reals()}) {
      const auto place = place_of(*reals, *service, wanted);
      if (!place) continue;
      change(*reals, *place);
      return std::nullopt;
    }
    return Failure{ExitCode::kNotFound,
                   "NOT_FOUND",
                   subject_of_real(options) +
                       ": the service has no such real; see shuntctl service list " +
                       config::shown(options.service),
                   {}};
  };
}

Outcome add_real(const Settings& settings, const RealEdit& options) {
  v1::Real added;
  if (!set_endpoint(options.real, added)) {
    return Failure{
        ExitCode::kUsage,
        "INVALID_ARGUMENT",
        subject_of_real(options) +
            ": is no address; write it as 10.0.0.5:80, [2001:db8::5]:80, or without the port",
        {}};
  }
  added.set_name(options.name);
  set_fields(options, added);
  return edit_state(settings, options.edit, [&](v1::DesiredState& state) -> std::optional<Failure> {
    v1::Service* service = find_service(state, options.service);
    if (service == nullptr) return no_such_service(options.service);
    *(options.sorry ? service->add_sorry_reals() : service->add_reals()) = added;
    return std::nullopt;
  });
}

Outcome update_real(const Settings& settings, const RealEdit& options) {
  if (!options.weight && !options.upper_threshold && !options.lower_threshold) {
    return Failure{
        ExitCode::kUsage,
        "USAGE",
        subject_of_real(options) +
            ": nothing to change was given; give --weight, --upper-threshold or --lower-threshold",
        {}};
  }
  return edit_state(settings, options.edit, on_real(options, [&](Reals& reals, int place) {
                      set_fields(options, *reals.Mutable(place));
                    }));
}

Outcome remove_real(const Settings& settings, const RealEdit& options) {
  return edit_state(settings, options.edit, on_real(options, [](Reals& reals, int place) {
                      reals.DeleteSubrange(place, 1);
                    }));
}

void add_field_options(CLI::App& verb, RealEdit& options) {
  verb.add_option("--weight", options.weight, "0..65535; 0: no new connections")
      ->check(CLI::Range(0, 65535));
  verb.add_option("--upper-threshold", options.upper_threshold,
                  "No new connections from so many on; 0: never");
  verb.add_option("--lower-threshold", options.lower_threshold,
                  "Until there are less than so many; 0: three quarters of the upper one");
}

}  // namespace

void add_real_edits(CLI::App& real, Command& command) {
  constexpr const char* kRealHelp = "The real's name or ADDRESS:PORT; [ADDRESS]:PORT for IPv6";
  const auto verb = [&](const char* name, const char* help, const char* real_help, auto action) {
    auto options = std::make_shared<RealEdit>();
    CLI::App* added = real.add_subcommand(name, help);
    added->add_option("SERVICE", options->service, "The service's name")->required();
    added->add_option("REAL", options->real, real_help)->required();
    add_edit_options(*added, options->edit);
    added->callback([&command, options, action] {
      command.action = [options, action](const Settings& settings) {
        return action(settings, *options);
      };
    });
    return std::pair{added, options};
  };
  const auto [adding, added] =
      verb("add", "A new real for a service",
           "ADDRESS:PORT, [ADDRESS]:PORT for IPv6, or ADDRESS: the service's port", add_real);
  add_field_options(*adding, *added);
  adding->add_option("--name", added->name, "Its name (default: ADDRESS:PORT)");
  adding->add_flag("--sorry", added->sorry,
                   "Answers only when no other real may: one of sorry_reals");
  const auto [updating, updated] =
      verb("update", "Changes the given fields of a real", kRealHelp, update_real);
  add_field_options(*updating, *updated);
  verb("remove",
       "Takes a real out of a service; `real drain --wait` before lets its connections end",
       kRealHelp, remove_real);
}

}  // namespace shunt::shuntctl
