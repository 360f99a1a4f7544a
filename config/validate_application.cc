// The rules of application: whose packets can be read, and whose data connections can be found.
#include "config/defaults.h"
#include "config/validate_parts.h"

namespace shunt::config {

void check_application(const v1::Service& service, const std::string& at, Problems& problems) {
  if (service.application() != v1::APPLICATION_FTP) return;
  const std::string field = at + ".application";
  const auto refuse = [&](const char* cause, const char* remedy) {
    add(problems, field, reason::kConflict, std::string("application is ftp but ") + cause, remedy);
  };
  if (service.protocol() == v1::PROTOCOL_UDP) refuse("the protocol is udp", "remove the line, or set protocol: tcp");
  if (service.protocol() == v1::PROTOCOL_SCTP) refuse("the protocol is sctp", "remove the line, or set protocol: tcp");
  const v1::Method method = method_of(service);
  if (method == v1::METHOD_DIRECT || method == v1::METHOD_TUNNEL) {
    refuse("the method is neither nat nor fullnat",
           "set method: nat or fullnat, or remove the line: the reals' answers pass the load balancer by, so what they "
           "announce has to be the VIP and a port of a service with persistence");
  }
  if (service.has_match()) {
    refuse("the service has a match", "remove the line, or give the service VIPs: data connections are known by them");
  }
  const v1::ClientAddress how = service.client_address();
  if (how != v1::CLIENT_ADDRESS_UNSPECIFIED && how != v1::CLIENT_ADDRESS_NONE) {
    refuse("client_address is given",
           "remove one of the two: a server that knows the client by its own address refuses the local one that PORT has "
           "to name");
  }
}

}  // namespace shunt::config
