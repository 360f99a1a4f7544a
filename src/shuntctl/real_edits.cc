// shuntctl real add, real update, real remove.
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "config/words.h"
#include "src/base/address.h"
#include "src/shuntctl/edit_request.h"
#include "src/shuntctl/edit_verbs.h"
#include "src/shuntctl/endpoint_argument.h"

namespace shunt::shuntctl {
namespace {

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
  if (options.weight) real.set_weight(*options.weight);
  if (options.upper_threshold) real.set_upper_threshold(*options.upper_threshold);
  if (options.lower_threshold) real.set_lower_threshold(*options.lower_threshold);
}

Outcome add_real(const Settings& settings, const RealEdit& options) {
  v1::EditRequest request;
  v1::AddReal& add = *request.add_edits()->mutable_add_real();
  if (!set_endpoint(options.real, *add.mutable_real())) {
    return Failure{
        ExitCode::kUsage,
        "INVALID_ARGUMENT",
        subject_of_real(options) +
            ": is no address; write it as 10.0.0.5:80, [2001:db8::5]:80, or without the port",
        {}};
  }
  add.set_service(options.service);
  add.set_sorry(options.sorry);
  add.mutable_real()->set_name(options.name);
  set_fields(options, *add.mutable_real());
  return send_edits(settings, options.edit, std::move(request));
}

Outcome update_real(const Settings& settings, const RealEdit& options) {
  v1::EditRequest request;
  v1::UpdateReal& update = *request.add_edits()->mutable_update_real();
  update.set_service(options.service);
  update.set_real(options.real);
  set_fields(options, *update.mutable_values());
  auto& mask = *update.mutable_update_mask();
  if (options.weight) mask.add_paths("weight");
  if (options.upper_threshold) mask.add_paths("upper_threshold");
  if (options.lower_threshold) mask.add_paths("lower_threshold");
  if (mask.paths().empty()) {
    return Failure{
        ExitCode::kUsage,
        "USAGE",
        subject_of_real(options) +
            ": nothing to change was given; give --weight, --upper-threshold or --lower-threshold",
        {}};
  }
  return send_edits(settings, options.edit, std::move(request));
}

Outcome remove_real(const Settings& settings, const RealEdit& options) {
  v1::EditRequest request;
  v1::RemoveReal& remove = *request.add_edits()->mutable_remove_real();
  remove.set_service(options.service);
  remove.set_real(options.real);
  return send_edits(settings, options.edit, std::move(request));
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
