// Values of keepalived.conf's keywords, and what is to be said of them. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/address.h"
#include "src/shuntctl/foreign/draft.h"
#include "src/shuntctl/foreign/keepalived_tree.h"

namespace shunt::shuntctl {

// What importers of parts report to.
struct KeepalivedReport {
  std::vector<Fault> faults;
};

// Each adds a fault and returns the other value where the word at `index` is none.
uint32_t keepalived_number(const Directive& directive, size_t index, uint32_t most, uint32_t otherwise, KeepalivedReport& report);
// Seconds, with a fraction or without, as milliseconds.
int64_t keepalived_time_ms(const Directive& directive, int64_t otherwise, KeepalivedReport& report);
std::optional<IpAddress> keepalived_address(const Directive& directive, size_t index, KeepalivedReport& report);
// on, off, true, false, yes, no; nothing at all is on.
bool keepalived_switch(const Directive& directive, KeepalivedReport& report);
// NAT, DR, TUN (with its kind), and of DPVS FNAT; nullopt: Shunt has no such method, which is a note.
struct KeepalivedMethod {
  v1::Method method = v1::METHOD_NAT;
  v1::Tunnel tunnel;
};
std::optional<KeepalivedMethod> keepalived_method(const Directive& directive, KeepalivedReport& report);

}  // namespace shunt::shuntctl
