// Prometheus' text format 0.0.4. One thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace shunt::control::http {

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// Appends to a text that its owner may take away and empty at any time between two calls. A
// family's samples follow its head: the format wants them in one piece.
class Exposition {
 public:
  explicit Exposition(std::string& out) : out_(out) {}

  // `type`: "counter", "gauge" or "histogram". `has_head` false: goes on with a family whose head was told
  // before.
  void family(std::string_view name, std::string_view type, std::string_view help,
              bool has_head = true);
  // Of the family begun last.
  void sample(Labels labels, uint64_t value);
  void sample(Labels labels, double value);
  // Of its histograms: `suffix` is "_bucket", "_sum" or "_count".
  void part(std::string_view suffix, Labels labels, uint64_t value);
  void part(std::string_view suffix, Labels labels, double value);

 private:
  void begin(Labels labels, std::string_view suffix = {});

  std::string& out_;
  std::string_view name_;
};

}  // namespace shunt::control::http
