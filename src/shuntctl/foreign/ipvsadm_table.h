// IPVS's table as commands of ipvsadm change it, line by line. One thread.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "src/shuntctl/foreign/ipvsadm_line.h"
#include "src/shuntctl/foreign/lvs_service.h"
#include "src/shuntctl/foreign/names.h"

namespace shunt::shuntctl {

// The service that a line is about, by its place alone.
std::variant<LvsService, Fault> service_of_line(const IpvsadmLine& line, const Source& from, Lookup lookup);

class IpvsadmTable {
 public:
  explicit IpvsadmTable(Lookup lookup) : lookup_(lookup) {}

  // A command of those that both Linux's ipvsadm and DPVS's have.
  std::optional<Fault> take(const IpvsadmLine& line, const Source& from);

  const std::vector<LvsService>& services() const { return services_; }
  // Of --set, and what is to be said of commands that change no service.
  const v1::Timeouts& timeouts() const { return timeouts_; }
  const std::vector<Note>& notes() const { return notes_; }

 private:
  std::optional<Fault> take_service(const IpvsadmLine& line, const Source& from);
  std::optional<Fault> take_real(const IpvsadmLine& line, const Source& from);
  std::optional<Fault> take_timeouts(const IpvsadmLine& line, const Source& from);
  std::vector<LvsService>::iterator find(const LvsService& key);

  Lookup lookup_;
  std::vector<LvsService> services_;
  v1::Timeouts timeouts_;
  std::vector<Note> notes_;
};

}  // namespace shunt::shuntctl
