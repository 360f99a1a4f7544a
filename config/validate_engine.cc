// The rules of persistence engines.
#include "config/validate_parts.h"

namespace shunt::config {

void check_engine(const v1::Service& service, const std::string& at, Problems& problems) {
  if (service.persistence().engine() != v1::PERSISTENCE_ENGINE_SIP) return;
  if (service.protocol() == v1::PROTOCOL_UDP || service.protocol() == v1::PROTOCOL_UNSPECIFIED) return;
  add(problems, at, reason::kConflict, "engine is sip but the protocol is not udp, in which a packet is a message",
      "remove the line, or set protocol: udp");
}

}  // namespace shunt::config
