#include "src/shuntctl/text_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace shunt::shuntctl {

Result<std::string> read_text_file(const std::string& path) {
  constexpr size_t kMostBytes = 64U << 20;
  const std::string name = path == "-" ? "standard input" : path;
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path == "-" ? "/dev/stdin" : path.c_str(), "re"), std::fclose);
  if (file == nullptr) {
    return Error{ErrorCode::kInvalid, name + ": cannot be opened: " + std::strerror(errno) + "; check the path and its permissions"};
  }
  std::string text;
  char chunk[1 << 16];
  while (const size_t bytes = std::fread(chunk, 1, sizeof chunk, file.get())) {
    text.append(chunk, bytes);
    if (text.size() > kMostBytes) return Error{ErrorCode::kInvalid, name + ": is larger than 64 MiB; name a configuration"};
  }
  if (std::ferror(file.get()) != 0) {
    return Error{ErrorCode::kInvalid, name + ": cannot be read: " + std::strerror(errno) + "; name an ordinary file"};
  }
  return text;
}

}  // namespace shunt::shuntctl
