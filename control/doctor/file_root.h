// Files of /sys and /proc under a root of one's own, so that a check can be shown any machine. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace shunt::control {

class FileRoot {
 public:
  // `root` is put before every path; empty: this machine.
  explicit FileRoot(std::string root = "") : root_(std::move(root)) {}

  std::string path(const std::string& of) const { return root_ + of; }
  bool exists(const std::string& path) const;
  // The first line without blanks at its end; nullopt: it cannot be read.
  std::optional<std::string> line(const std::string& path) const;
  std::optional<std::string> text(const std::string& path) const;
  std::optional<int64_t> number(const std::string& path) const;
  // The last part of what a link leads to.
  std::optional<std::string> link(const std::string& path) const;
  std::vector<std::string> list(const std::string& folder) const;

 private:
  std::string root_;
};

// "1,3-5" as Linux lists CPUs.
std::vector<uint32_t> parse_cpu_list(const std::string& text);

}  // namespace shunt::control
