// Whole files of text. Any thread.
#pragma once

#include <string>

#include "src/base/result.h"

namespace shunt::shuntctl {

// "-" is standard input. At most 64 MiB.
Result<std::string> read_text_file(const std::string& path);

}  // namespace shunt::shuntctl
