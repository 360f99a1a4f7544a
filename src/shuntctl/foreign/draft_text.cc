// A draft as the YAML file that a person goes on with.
#include <sstream>

#include "src/shuntctl/foreign/draft.h"
#include "src/shuntctl/output/yaml.h"

namespace shunt::shuntctl {
namespace {

constexpr size_t kLineBytes = 116;

constexpr const char* kPorts = R"(# The machine: put your own ports, their addresses and its lcores here (config/examples; `dpdk-devbind.py --status` names
# network cards). `shuntctl apply` takes what is below and leaves this to the running daemon.
)";

// Lines of `text`, each with `before` in front.
std::string indented(const std::string& text, const std::string& before) {
  std::istringstream lines(text);
  std::string result;
  for (std::string line; std::getline(lines, line);) result += before + line + "\n";
  return result;
}

std::string wrapped_comment(const std::string& text, const std::string& indent) {
  std::string result;
  std::string line = indent + "#";
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (line.size() + 1 + word.size() > kLineBytes && line.size() > indent.size() + 3) {
      result += line + "\n";
      line = indent + "#  ";
    }
    line += " " + word;
  }
  return result + line + "\n";
}

std::string comments(const std::vector<Note>& notes, const std::string& indent) {
  std::string text;
  for (const Note& note : notes) text += wrapped_comment(to_string(note), indent);
  return text;
}

std::string reals_text(const std::vector<DraftReal>& reals, const char* key) {
  bool is_empty = true;
  std::string text;
  for (const DraftReal& real : reals) {
    text += comments(real.notes, "      ");
    if (real.is_left_out) continue;
    is_empty = false;
    text += "      - " + to_flow_yaml(real.real) + "\n";
  }
  if (reals.empty()) return "";
  return (is_empty ? "" : "    " + std::string(key) + ":\n") + text;
}

std::string service_text(const DraftService& service) {
  std::string text = indented(to_yaml(service.service), "    ");
  text[2] = '-';
  text += reals_text(service.reals, "reals");
  text += reals_text(service.sorry_reals, "sorry_reals");
  const std::string notes = comments(service.notes, "  ");
  return notes + (service.is_left_out ? indented(text, "  #") : text);
}

}  // namespace

std::string draft_text(const Draft& draft, const std::string& title) {
  std::string text = wrapped_comment(title, "") + comments(draft.notes, "");
  v1::Config config = draft.config;
  if (config.ports_size() == 0) {
    text += kPorts;
    *config.add_ports() = placeholder_port();
  }
  text += to_yaml(config);
  std::string services;
  bool is_empty = true;
  for (const DraftService& service : draft.services) {
    services += service_text(service);
    is_empty = is_empty && service.is_left_out;
  }
  return text + (is_empty ? "services: []\n" : "services:\n") + services;
}

}  // namespace shunt::shuntctl
