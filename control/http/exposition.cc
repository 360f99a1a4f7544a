#include "control/http/exposition.h"

#include <fmt/format.h>

#include <iterator>

namespace shunt::control::http {
namespace {

void append_escaped(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '"')
      out += "\\\"";
    else if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
}

}  // namespace

void Exposition::family(std::string_view name, std::string_view type, std::string_view help,
                        bool has_head) {
  name_ = name;
  if (!has_head) return;
  fmt::format_to(std::back_inserter(out_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void Exposition::begin(Labels labels, std::string_view suffix) {
  out_ += name_;
  out_ += suffix;
  char before = '{';
  for (const auto& [label, value] : labels) {
    out_ += before;
    out_ += label;
    out_ += "=\"";
    append_escaped(out_, value);
    out_ += '"';
    before = ',';
  }
  out_ += before == ',' ? "} " : " ";
}

void Exposition::sample(Labels labels, uint64_t value) {
  begin(labels);
  fmt::format_to(std::back_inserter(out_), "{}\n", value);
}

void Exposition::sample(Labels labels, double value) {
  begin(labels);
  fmt::format_to(std::back_inserter(out_), "{}\n", value);
}

void Exposition::part(std::string_view suffix, Labels labels, uint64_t value) {
  begin(labels, suffix);
  fmt::format_to(std::back_inserter(out_), "{}\n", value);
}

void Exposition::part(std::string_view suffix, Labels labels, double value) {
  begin(labels, suffix);
  fmt::format_to(std::back_inserter(out_), "{}\n", value);
}

}  // namespace shunt::control::http
