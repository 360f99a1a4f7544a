// A machine's /sys and /proc as a test wants them, gone with it.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "control/doctor/file_root.h"
#include "control/doctor/finding.h"

namespace shunt::control {

class FakeRoot {
 public:
  FakeRoot() {
    char pattern[] = "/tmp/shunt-doctor-XXXXXX";
    folder_ = mkdtemp(pattern);
  }
  ~FakeRoot() { std::filesystem::remove_all(folder_); }
  FakeRoot(const FakeRoot&) = delete;

  FakeRoot& file(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(folder_ + path).parent_path());
    std::ofstream(folder_ + path) << text;
    return *this;
  }
  FakeRoot& folder(const std::string& path) {
    std::filesystem::create_directories(folder_ + path);
    return *this;
  }
  FakeRoot& link(const std::string& path, const std::string& target) {
    std::filesystem::create_directories(std::filesystem::path(folder_ + path).parent_path());
    std::filesystem::create_symlink(target, folder_ + path);
    return *this;
  }
  FileRoot root() const { return FileRoot(folder_); }

 private:
  std::string folder_;
};

// Of the check, the first one; an empty one when there is none.
inline Finding finding_of(const Findings& findings, const std::string& check) {
  for (const Finding& each : findings) {
    if (each.check == check) return each;
  }
  return {Finding::Grade::kGood, "", "", "no finding of " + check, ""};
}

}  // namespace shunt::control
