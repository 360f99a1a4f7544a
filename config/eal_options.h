// Which of EAL's options belong to shuntd, so that `dpdk.extra_args` must not give them. Pure; any
// thread.
#pragma once

#include <string>
#include <string_view>

namespace shunt::config {

struct OwnOption {
  // "--lcores"
  std::string_view option;
  // What to do without it: "set dpdk.lcores".
  const char* instead;
};

// nullptr: EAL may have it. "-m512" and "--lcores=0,1" are "-m" and "--lcores".
const OwnOption* own_option(const std::string& argument);

}  // namespace shunt::config
