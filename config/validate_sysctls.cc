// The rules of sysctls beyond their ranges: those that mean nothing here say why.
#include "config/validate_parts.h"

namespace shunt::config {

void check_sysctls(const v1::Sysctls& sysctls, Problems& problems) {
  if (sysctls.cache_bypass()) {
    add(problems, "sysctls.cache_bypass", reason::kUnsupported,
        "cache_bypass is true, but a VIP is this machine's own address: nothing lies behind it",
        "remove the line, or set cache_bypass: false");
  }
  if (sysctls.has_ignore_tunneled() && !sysctls.ignore_tunneled()) {
    add(problems, "sysctls.ignore_tunneled", reason::kUnsupported,
        "ignore_tunneled is false, but what comes out of a tunnel that ends here is Linux's and comes to no service",
        "remove the line, or set ignore_tunneled: true");
  }
  if (sysctls.has_snat_reroute() && !sysctls.snat_reroute()) {
    add(problems, "sysctls.snat_reroute", reason::kUnsupported,
        "snat_reroute is false, but a real's answer is routed once, as what it leaves as",
        "remove the line, or set snat_reroute: true");
  }
}

}  // namespace shunt::config
