// Rows of figures: one JSON object a line, appended to the file of --json; and the arithmetic of samples.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace shunt::bench {

class Row {
 public:
  explicit Row(std::string_view kind) { add("case", kind); }
  Row& add(std::string_view name, std::string_view text);
  Row& add(std::string_view name, const char* text) { return add(name, std::string_view(text)); }
  Row& add(std::string_view name, double value);
  Row& add(std::string_view name, uint64_t value);
  Row& add(std::string_view name, uint32_t value) { return add(name, uint64_t{value}); }
  std::string text() const { return text_ + "}"; }

 private:
  void key(std::string_view name);
  std::string text_;
};

class Results {
 public:
  // Ends the program when `file` is given and cannot be written.
  void open(const std::string& file);
  void write(const Row& row);

 private:
  std::ofstream out_;
};

// REQUIRES: at least one value.
double median(std::vector<double> values);

// Ends the program: subject, cause, remedy.
[[noreturn]] void give_up(const std::string& why);

}  // namespace shunt::bench
