// shuntctl doctor: what is wrong with the machine and its surroundings, and what mends it.
#include <memory>

#include "config/duration.h"
#include "shunt/v1/debug.grpc.pb.h"
#include "src/shuntctl/client.h"
#include "src/shuntctl/output/table.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

struct DoctorOptions {
  bool all = false;
  std::string watch = "1s";
};

struct GradeLook {
  v1::DoctorFinding::Grade grade;
  const char* name;
  Tone tone;
};
constexpr GradeLook kGrades[] = {{v1::DoctorFinding::GRADE_BAD, "bad", Tone::kBad},
                                 {v1::DoctorFinding::GRADE_HINT, "hint", Tone::kWarning},
                                 {v1::DoctorFinding::GRADE_GOOD, "good", Tone::kGood}};

std::string findings_text(const v1::DoctorResponse& response, bool all, bool colour) {
  std::string text;
  int good = 0;
  for (const GradeLook& look : kGrades) {
    for (const auto& finding : response.findings()) {
      if (finding.grade() != look.grade) continue;
      if (look.grade == v1::DoctorFinding::GRADE_GOOD && (++good, !all)) continue;
      text += toned(look.name, look.tone, colour) + "  " + printable(finding.check()) + ": " +
              printable(finding.subject()) + ": " + printable(finding.text()) + "\n";
      if (!finding.remedy().empty())
        text += "      mend: " + toned(printable(finding.remedy()), Tone::kBold, colour) + "\n";
    }
  }
  text += std::to_string(good) + " of " + std::to_string(response.findings_size()) + " are good" +
          (all || good == 0 ? "" : "; --all lists them") + "\n";
  return text;
}

Outcome examine_machine(const Settings& settings, const DoctorOptions& options) {
  const auto watch = config::parse_duration_ms(options.watch);
  if (!watch || *watch <= 0 || *watch > 60'000) {
    return Failure{
        ExitCode::kUsage, "USAGE", "--watch: needs a length of time such as 500ms or 5s, a minute at most", {}};
  }
  v1::DoctorRequest request;
  request.set_watch_ms(static_cast<uint32_t>(*watch));
  Settings patient = settings;
  // It looks and asks for that long, and a little.
  if (!patient.timeout) patient.timeout = std::chrono::milliseconds(*watch + 20'000);
  Client client(patient);
  v1::DoctorResponse response;
  if (auto failure = client.call(&v1::Debug::Stub::Doctor, request, &response)) {
    if (failure->exit == ExitCode::kUnreachable) {
      failure->message += "; of a machine where shuntd does not start, ask shuntd --doctor -c FILE";
    }
    return *failure;
  }
  if (settings.json) print_json(response);
  else print(findings_text(response, options.all, settings.colour));
  for (const auto& finding : response.findings()) {
    if (finding.grade() == v1::DoctorFinding::GRADE_BAD) return ExitCode::kRpc;
  }
  return {};
}

}  // namespace

void add_doctor_verbs(CLI::App& app, Command& command) {
  auto options = std::make_shared<DoctorOptions>();
  CLI::App* doctor = app.add_subcommand(
      "doctor",
      "What is wrong with this machine and its network, each with the command that mends it; exit 1: something is");
  doctor->add_flag("--all", options->all, "What is good, too");
  doctor->add_option("--watch", options->watch, "How long packets are looked at")
      ->capture_default_str()
      ->type_name("TIME");
  doctor->callback([&command, options] {
    command.action = [options](const Settings& settings) { return examine_machine(settings, *options); };
  });
}

}  // namespace shunt::shuntctl
