// The files of control/http/page/, which the build puts into the binary (cmake/embed.cmake). Any
// thread.
#pragma once

#include <span>
#include <string_view>

namespace shunt::control::http {

struct Asset {
  const char* path;  // "/page.css"; index.html is "/"
  const char* type;
  const char* etag;  // quoted, of the content
  std::string_view content;
};

std::span<const Asset> assets() noexcept;

}  // namespace shunt::control::http
