#include "src/shuntctl/foreign/import_dpvs.h"

#include <algorithm>

#include "src/shuntctl/foreign/dpvs_commands.h"
#include "src/shuntctl/foreign/dpvs_conf.h"
#include "src/shuntctl/foreign/import_keepalived.h"

namespace shunt::shuntctl {
namespace {

void import_file(const ForeignFile& file, const std::string& id, Lookup lookup, Imported& imported) {
  if (are_dpvs_commands(file.text)) {
    import_dpvs_commands(file.text, file.name, lookup, imported.draft, imported.faults);
    return;
  }
  KeepalivedLines lines = read_keepalived(file.text, file.name, folder_of(file.name), id);
  remove_remarks(lines.lines);
  const KeepalivedTree tree = lines.faults.empty() ? parse_keepalived(lines.lines) : KeepalivedTree{{}, lines.faults};
  if (tree.faults.empty() && is_dpvs_conf(tree.directives)) {
    imported.draft.notes.insert(imported.draft.notes.end(), lines.notes.begin(), lines.notes.end());
    import_dpvs_conf(tree.directives, imported.draft, imported.faults);
    return;
  }
  add_keepalived(file.text, file.name, id, imported);
}

}  // namespace

Imported import_dpvs(const std::vector<ForeignFile>& files, const std::string& id, Lookup lookup) {
  Imported imported;
  for (const ForeignFile& file : files) import_file(file, id, lookup, imported);
  if (imported.faults.empty()) leave_out_what_is_refused(imported.draft);
  return imported;
}

}  // namespace shunt::shuntctl
