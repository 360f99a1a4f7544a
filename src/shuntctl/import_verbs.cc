// shuntctl import: configurations of other load balancers as Shunt's.
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "src/shuntctl/file_failure.h"
#include "src/shuntctl/foreign/import_dpvs.h"
#include "src/shuntctl/foreign/import_ipvsadm.h"
#include "src/shuntctl/foreign/import_keepalived.h"
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
  // DPVS's.
  std::vector<std::string> files;
  bool is_numeric = false;
  std::string config_id;
};

// Reads the file, and has `import` make a draft of its text.
template <typename Import>
Outcome import_file(const std::string& file, const std::string& verb, const Settings& settings, Import import) {
  const auto text = read_text_file(file);
  if (!text) return Failure{ExitCode::kUsage, "INVALID_ARGUMENT", text.error().message, {}};
  return print_import(import(*text, file == "-" ? "stdin" : file), "Written by shuntctl import " + verb + ".", settings);
}

Outcome import_from_ipvsadm(const Settings& settings, const ImportOptions& options) {
  const Lookup lookup = options.is_numeric ? Lookup::kNone : Lookup::kHosts;
  return import_file(options.file, "ipvsadm", settings, [lookup](const std::string& text, const std::string& name) {
    return import_ipvsadm(text, name, lookup);
  });
}

Outcome import_from_keepalived(const Settings& settings, const ImportOptions& options) {
  return import_file(options.file, "keepalived", settings, [&options](const std::string& text, const std::string& name) {
    return import_keepalived(text, name, options.config_id);
  });
}

Outcome import_from_dpvs(const Settings& settings, const ImportOptions& options) {
  std::vector<ForeignFile> files;
  for (const std::string& file : options.files.empty() ? std::vector<std::string>{"-"} : options.files) {
    auto text = read_text_file(file);
    if (!text) return Failure{ExitCode::kUsage, "INVALID_ARGUMENT", text.error().message, {}};
    files.push_back({file == "-" ? "stdin" : file, std::move(*text)});
  }
  const Lookup lookup = options.is_numeric ? Lookup::kNone : Lookup::kHosts;
  return print_import(import_dpvs(files, options.config_id, lookup), "Written by shuntctl import dpvs.", settings);
}

// keepalived's: the first part of the machine's name.
std::string default_config_id() {
  char name[256] = "";
  if (gethostname(name, sizeof name - 1) != 0) return "";
  const std::string text = name;
  return text.substr(0, text.find('.'));
}

using Verb = Outcome (*)(const Settings&, const ImportOptions&);

CLI::App* add_verb(CLI::App* importing, Command& command, const std::string& name, const std::string& what,
                   const std::shared_ptr<ImportOptions>& options, Verb verb) {
  CLI::App* added = importing->add_subcommand(name, what + "; what Shunt cannot do the same is named on standard error, and exits 1");
  added->callback([&command, options, verb] {
    command.action = [options, verb](const Settings& settings) { return verb(settings, *options); };
  });
  return added;
}

void add_file(CLI::App* verb, ImportOptions& options) {
  verb->add_option("FILE", options.file, "- (the default) is standard input");
}

void add_numeric(CLI::App* verb, ImportOptions& options) {
  verb->add_flag("-n,--numeric", options.is_numeric, "Look up no names of hosts: the file has addresses (ipvsadm-save -n)");
}

void add_config_id(CLI::App* verb, ImportOptions& options) {
  verb->add_option("-i,--config-id", options.config_id, "As keepalived's: what lines that begin with @ID are for (default: this machine's name)")
      ->type_name("ID");
}

}  // namespace

void add_import_verbs(CLI::App& app, Command& command) {
  CLI::App* importing =
      app.add_subcommand("import", "Writes another load balancer's configuration as Shunt's YAML; needs no daemon")
          ->require_subcommand(1);
  const auto options = std::make_shared<ImportOptions>();
  options->config_id = default_config_id();
  CLI::App* ipvsadm = add_verb(importing, command, "ipvsadm", "What ipvsadm-save wrote", options, import_from_ipvsadm);
  add_file(ipvsadm, *options);
  add_numeric(ipvsadm, *options);
  CLI::App* keepalived = add_verb(importing, command, "keepalived", "keepalived.conf, with the files that it includes", options,
                                  import_from_keepalived);
  add_file(keepalived, *options);
  add_config_id(keepalived, *options);
  CLI::App* dpvs = add_verb(importing, command, "dpvs",
                            "DPVS's: dpvs.conf, its keepalived.conf, commands of its ipvsadm and dpip, or several of them", options,
                            import_from_dpvs);
  dpvs->add_option("FILE", options->files, "- (the default) is standard input");
  add_numeric(dpvs, *options);
  add_config_id(dpvs, *options);
}

}  // namespace shunt::shuntctl
