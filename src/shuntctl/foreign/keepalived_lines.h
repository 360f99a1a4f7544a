// keepalived.conf's lines as keepalived sees them: comments gone, files included, conditions decided, parameters put in,
// sequences and lists written out. Reads files that the text includes. One thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/shuntctl/foreign/note.h"

namespace shunt::shuntctl {

struct KeepalivedLine {
  // Of the line in the file; the column of what was put in is 1.
  Source from;
  std::string text;
};

struct KeepalivedLines {
  std::vector<KeepalivedLine> lines;
  std::vector<Note> notes;
  std::vector<Fault> faults;
};

// Of a file's path.
std::string folder_of(const std::string& path);

// `folder` is where relative includes are looked for, `id` what lines that begin with "@ID" are compared with.
KeepalivedLines read_keepalived(std::string_view text, const std::string& file, const std::string& folder,
                                const std::string& id);

}  // namespace shunt::shuntctl
