#include "src/shuntctl/foreign/import_ipvsadm.h"

#include <variant>

#include "src/shuntctl/foreign/ipvsadm_table.h"

namespace shunt::shuntctl {
namespace {

// More faults than this help nobody.
constexpr size_t kMostFaults = 100;

constexpr const char* kThresholds =
    "ipvsadm-save does not write the reals' connection thresholds (-x and -y)";

bool has_checked_reals(const Draft& draft) {
  for (const DraftService& service : draft.services) {
    const bool is_checked = service.service.protocol() == v1::PROTOCOL_TCP && !service.service.has_health_check();
    if (is_checked && !service.is_left_out && !service.reals.empty()) return true;
  }
  return false;
}

}  // namespace

Imported import_ipvsadm(std::string_view text, const std::string& file, Lookup lookup) {
  Imported imported;
  IpvsadmTable table(lookup);
  Source from{file, {0, 1}};
  while (!text.empty() && imported.faults.size() < kMostFaults) {
    const size_t end = std::min(text.find('\n'), text.size());
    ++from.place.line;
    auto line = parse_ipvsadm_line(text.substr(0, end), Ipvsadm::kLinux, from);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (auto* fault = std::get_if<Fault>(&line)) {
      imported.faults.push_back(std::move(*fault));
    } else if (auto refused = table.take(std::get<IpvsadmLine>(line), from)) {
      imported.faults.push_back(std::move(*refused));
    }
  }
  if (!imported.faults.empty()) return imported;
  Draft& draft = imported.draft;
  draft.notes = table.notes();
  if (table.timeouts().ByteSizeLong() > 0) *draft.config.mutable_timeouts() = table.timeouts();
  for (const LvsService& service : table.services()) draft.services.push_back(carry_over(service, draft));
  leave_out_what_is_refused(draft);
  bool has_thresholds = false;
  for (const LvsService& service : table.services()) {
    for (const LvsReal& real : service.reals) has_thresholds |= real.upper_threshold != 0;
  }
  if (!table.services().empty() && !has_thresholds) {
    draft.notes.push_back({{}, "", kThresholds, "if there are any (ipvsadm -Ln --thresholds), set upper_threshold and lower_threshold", false});
  }
  if (has_checked_reals(draft)) {
    draft.notes.push_back({{}, "", "IPVS checks no real; Shunt connects to those of TCP services and masks what does not answer",
                           "set health_check: {disabled: true} where that is not wanted", false});
  }
  return imported;
}

}  // namespace shunt::shuntctl
