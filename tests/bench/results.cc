#include "tests/bench/results.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace shunt::bench {

void Row::key(std::string_view name) {
  text_ += text_.empty() ? "{\"" : ",\"";
  text_ += name;
  text_ += "\":";
}

// Names and texts are the benchmark's own: no character that JSON would have escaped.
Row& Row::add(std::string_view name, std::string_view text) {
  key(name);
  text_ += '"';
  text_ += text;
  text_ += '"';
  return *this;
}

Row& Row::add(std::string_view name, double value) {
  key(name);
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.6g", value);
  text_ += std::isfinite(value) ? digits : "null";
  return *this;
}

Row& Row::add(std::string_view name, uint64_t value) {
  key(name);
  text_ += std::to_string(value);
  return *this;
}

void Results::open(const std::string& file) {
  if (file.empty()) return;
  out_.open(file, std::ios::app);
  if (!out_) give_up("--json " + file + ": it cannot be written; name another file");
}

void Results::write(const Row& row) {
  if (!out_.is_open()) return;
  out_ << row.text() << '\n';
  out_.flush();
  if (!out_) give_up("--json: the file took no more; is the disk full?");
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void give_up(const std::string& why) {
  std::fprintf(stderr, "path_bench: %s\n", why.c_str());
  std::exit(1);
}

}  // namespace shunt::bench
