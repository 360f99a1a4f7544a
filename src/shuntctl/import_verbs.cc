// shuntctl import: configurations of other load balancers as Shunt's.
#include <cstdio>
#include <functional>
#include <iterator>
#include <memory>

#include "src/shuntctl/file_failure.h"
#include "src/shuntctl/foreign/import_ipvsadm.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/text_file.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

Failure faults_failure(const std::vector<Fault>& faults) {
  Failure failure{ExitCode::kUsage, "INVALID_ARGUMENT", "nothing was written: " + counted(faults.size(), "fault"), {}};
  for (const Fault& fault : faults) {
    failure.message += "\n" + to_string(fault);
    v1::ErrorDetail detail;
    detail.set_cause(fault.cause);
    detail.set_remedy(fault.remedy);
    failure.details.push_back(std::move(detail));
  }
  return failure;
}

// The file on standard output, notes on standard error.
Outcome print_import(const Imported& imported, const std::string& title, const Settings& settings) {
  if (!imported.faults.empty()) return faults_failure(imported.faults);
  const v1::Config config = assemble(imported.draft);
  if (settings.json) {
    print_json(config);
  } else {
    print(draft_text(imported.draft, title));
  }
  size_t left_out = 0;
  for (const Note& note : all_notes(imported.draft)) {
    left_out += note.is_left_out ? 1 : 0;
    std::fprintf(stderr, "%s\n", to_string(note).c_str());
  }
  size_t reals = 0;
  for (const auto& service : config.services()) reals += static_cast<size_t>(service.reals_size());
  std::fprintf(stderr, "shuntctl: carried over: %s, %s; left out: %s\n",
               counted(static_cast<size_t>(config.services_size()), "service").c_str(), counted(reals, "real").c_str(),
               left_out == 0 ? "nothing" : counted(left_out, "thing").c_str());
  return left_out == 0 ? ExitCode::kOk : ExitCode::kRpc;
}

struct ImportOptions {
  std::string file = "-";
  bool is_numeric = false;
};

Outcome import_from(const Settings& settings, const ImportOptions& options) {
  const std::string& file = options.file;
  const auto text = read_text_file(file);
  if (!text) return Failure{ExitCode::kUsage, "INVALID_ARGUMENT", text.error().message, {}};
  const std::string name = file == "-" ? "stdin" : file;
  const Lookup lookup = options.is_numeric ? Lookup::kNone : Lookup::kHosts;
  return print_import(import_ipvsadm(*text, name, lookup), "Written by shuntctl import ipvsadm.", settings);
}

}  // namespace

void add_import_verbs(CLI::App& app, Command& command) {
  CLI::App* importing =
      app.add_subcommand("import", "Writes another load balancer's configuration as Shunt's YAML; needs no daemon")
          ->require_subcommand(1);
  auto options = std::make_shared<ImportOptions>();
  CLI::App* ipvsadm = importing->add_subcommand(
      "ipvsadm", "What ipvsadm-save wrote; what Shunt cannot do the same is named on standard error, and exits 1");
  ipvsadm->add_option("FILE", options->file, "Its output; - (the default) is standard input");
  ipvsadm->add_flag("-n,--numeric", options->is_numeric, "Look up no names of hosts: the file has addresses (ipvsadm-save -n)");
  ipvsadm->callback([&command, options] {
    command.action = [options](const Settings& settings) { return import_from(settings, *options); };
  });
}

}  // namespace shunt::shuntctl
