#include "src/shuntctl/changes.h"

#include "src/shuntctl/output/table.h"
#include "src/shuntctl/print.h"

namespace shunt::shuntctl {
namespace {

struct Mark {
  const char* text;
  Tone tone;
};

Mark mark_of(v1::Change::Kind kind) {
  if (kind == v1::Change::KIND_ADDED) return {"+ ", Tone::kGood};
  if (kind == v1::Change::KIND_REMOVED) return {"- ", Tone::kBad};
  return {"~ ", Tone::kWarning};
}

}  // namespace

std::string changes_text(const v1::ApplyResponse& response, bool colour) {
  std::string text;
  for (const auto& change : response.changes()) {
    const Mark mark = mark_of(change.kind());
    text += toned(mark.text + printable(change.subject()), mark.tone, colour) + "\n";
    for (const auto& detail : change.details()) text += "    " + printable(detail) + "\n";
  }
  return text;
}

void print_applied(const v1::ApplyResponse& response, const Settings& settings) {
  if (settings.json) {
    print_json(response);
    return;
  }
  print(changes_text(response, settings.colour));
  const std::string revision = "revision " + std::to_string(response.revision());
  print(response.changes().empty() ? "nothing to change, " + revision + "\n" : revision + "\n");
}

}  // namespace shunt::shuntctl
