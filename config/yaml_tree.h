// A YAML document as a tree that knows where each value was written. The one file that wraps
// yaml-cpp: it listens to the parser's events instead of building YAML::Nodes, which forget where
// an alias stands, keep duplicate keys silently and do not tell quoted text from plain. A tree is
// immutable once parsed; any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.h"

namespace shunt::config {

struct YamlNode;

// A value as an entry of a list or a map sees it: an alias has its own place, not its anchor's.
struct YamlEntry {
  // Empty in a list.
  std::string key;
  Place key_place;
  const YamlNode* value = nullptr;
  Place place;
  // The value was written elsewhere, at its anchor.
  bool alias = false;
};

struct YamlNode {
  // kNull is `~`, `null` or nothing at all, unquoted.
  enum class Kind : uint8_t { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  // A scalar in quotes (or a block scalar).
  bool quoted = false;
  std::string text;
  // In the file's order; a map's duplicate keys are all there.
  std::vector<YamlEntry> entries;
};

class YamlTree {
 public:
  // Never throws. With problems (syntax, several documents, an empty file) root() is unusable.
  static YamlTree parse(std::string_view text);

  YamlTree(YamlTree&&) = default;
  YamlTree& operator=(YamlTree&&) = default;

  const YamlEntry& root() const { return root_; }
  const std::vector<Problem>& problems() const { return problems_; }

 private:
  friend class YamlListener;
  YamlTree() = default;

  // A deque: nodes point at each other and must not move.
  std::deque<YamlNode> nodes_;
  YamlEntry root_;
  std::vector<Problem> problems_;
};

}  // namespace shunt::config
