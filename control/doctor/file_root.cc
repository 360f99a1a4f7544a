#include "control/doctor/file_root.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace shunt::control {

namespace fs = std::filesystem;

bool FileRoot::exists(const std::string& of) const {
  std::error_code error;
  return fs::exists(path(of), error);
}

std::optional<std::string> FileRoot::text(const std::string& of) const {
  std::ifstream file(path(of));
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::optional<std::string> FileRoot::line(const std::string& of) const {
  auto all = text(of);
  if (!all) return std::nullopt;
  std::string first = all->substr(0, all->find('\n'));
  while (!first.empty() && (first.back() == ' ' || first.back() == '\t')) first.pop_back();
  return first;
}

std::optional<int64_t> FileRoot::number(const std::string& of) const {
  const auto text = line(of);
  if (!text) return std::nullopt;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return value;
}

std::optional<std::string> FileRoot::link(const std::string& of) const {
  std::error_code error;
  const fs::path target = fs::read_symlink(path(of), error);
  if (error) return std::nullopt;
  return target.filename().string();
}

std::vector<std::string> FileRoot::list(const std::string& folder) const {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path(folder), error))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<uint32_t> parse_cpu_list(const std::string& text) {
  std::vector<uint32_t> cpus;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    uint32_t first = 0;
    uint32_t last = 0;
    const char* end = part.data() + part.size();
    const auto [at, error] = std::from_chars(part.data(), end, first);
    if (error != std::errc()) continue;
    last = first;
    if (at != end && *at == '-') std::from_chars(at + 1, end, last);
    for (uint32_t cpu = first; cpu <= last && cpus.size() < 4096; ++cpu) cpus.push_back(cpu);
  }
  return cpus;
}

}  // namespace shunt::control
