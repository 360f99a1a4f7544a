// keepalived.conf as a tree of keywords with their arguments and blocks. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "src/shuntctl/foreign/keepalived_lines.h"

namespace shunt::shuntctl {

struct Directive {
  Source from;
  // The keyword and its arguments, quotes and escapes resolved.
  std::vector<std::string> words;
  bool has_block = false;
  std::vector<Directive> block;

  const std::string& keyword() const { return words.front(); }
  // Empty: there are not as many words.
  std::string word(size_t index) const { return index < words.size() ? words[index] : std::string(); }
};

struct KeepalivedTree {
  std::vector<Directive> directives;
  std::vector<Fault> faults;
};

KeepalivedTree parse_keepalived(const std::vector<KeepalivedLine>& lines);

}  // namespace shunt::shuntctl
