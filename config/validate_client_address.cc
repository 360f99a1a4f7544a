// The rules of client_address: a fullnat service's, and of the protocol that each way of telling needs.
#include <algorithm>
#include <array>

#include "config/defaults.h"
#include "config/validate_parts.h"
#include "config/words.h"

namespace shunt::config {
namespace {

constexpr std::array<uint32_t, 3> kToaOptions{200, 252, 254};
constexpr uint32_t kMostUoaPackets = 255;

const char* word_of(v1::ClientAddress how) {
  if (how == v1::CLIENT_ADDRESS_TOA) return "toa";
  if (how == v1::CLIENT_ADDRESS_UOA) return "uoa";
  return how == v1::CLIENT_ADDRESS_PROXY_V1 ? "proxy_v1" : "proxy_v2";
}

const char* word_of(v1::Protocol protocol) {
  if (protocol == v1::PROTOCOL_UDP) return "udp";
  return protocol == v1::PROTOCOL_SCTP ? "sctp" : "tcp";
}

bool has_it(v1::ClientAddress how, v1::Protocol protocol) {
  if (protocol == v1::PROTOCOL_TCP) return how != v1::CLIENT_ADDRESS_UOA;
  return protocol == v1::PROTOCOL_UDP && (how == v1::CLIENT_ADDRESS_UOA || how == v1::CLIENT_ADDRESS_PROXY_V2);
}

const char* remedy_for(v1::Protocol protocol) {
  if (protocol == v1::PROTOCOL_TCP) return "set it to toa, proxy_v1 or proxy_v2, or remove the line";
  if (protocol == v1::PROTOCOL_UDP) return "set it to uoa or proxy_v2, or remove the line";
  return "remove the line; SCTP has no way of telling the client's address";
}

void check_toa_option(const v1::Service& service, const std::string& at, Problems& problems) {
  const uint32_t option = service.toa_option();
  if (option == 0) return;
  if (service.client_address() != v1::CLIENT_ADDRESS_TOA) {
    add(problems, at + ".toa_option", reason::kConflict, "toa_option is given but client_address is not toa",
        "remove the line, or set client_address: toa");
  } else if (std::find(kToaOptions.begin(), kToaOptions.end(), option) == kToaOptions.end()) {
    add(problems, at + ".toa_option", reason::kOutOfRange,
        "toa_option " + std::to_string(option) + " is none of 200, 252 and 254",
        "give the one that the reals' module looks for, or remove the line for 254");
  }
}

void check_uoa(const v1::Service& service, AddressFamily family, const std::string& at, Problems& problems) {
  const bool is_uoa = service.client_address() == v1::CLIENT_ADDRESS_UOA;
  const auto refuse = [&](const char* field) {
    add(problems, at + "." + field, reason::kConflict, std::string(field) + " is given but client_address is not uoa",
        "remove the line, or set client_address: uoa");
  };
  if (!is_uoa && service.uoa_form() != v1::UOA_FORM_UNSPECIFIED) refuse("uoa_form");
  if (!is_uoa && service.uoa_packets() != 0) refuse("uoa_packets");
  if (is_uoa && service.uoa_form() == v1::UOA_FORM_OPTION && family == AddressFamily::kIpv6) {
    add(problems, at + ".uoa_form", reason::kConflict, "uoa_form is option but the service is IPv6, which has no such options",
        "remove the line, or set uoa_form: protocol");
  }
  if (is_uoa && service.uoa_packets() > kMostUoaPackets) {
    add(problems, at + ".uoa_packets", reason::kOutOfRange,
        "uoa_packets " + std::to_string(service.uoa_packets()) + " is not within 1..255",
        "give a number in the range, or remove the line for 3");
  }
}

}  // namespace

void check_client_address(const v1::Service& service, AddressFamily family, const std::string& at, Problems& problems) {
  check_toa_option(service, at, problems);
  check_uoa(service, family, at, problems);
  const v1::ClientAddress how = service.client_address();
  if (how == v1::CLIENT_ADDRESS_UNSPECIFIED || how == v1::CLIENT_ADDRESS_NONE) return;
  const std::string field = at + ".client_address";
  if (method_of(service) != v1::METHOD_FULLNAT) {
    add(problems, field, reason::kConflict,
        std::string("client_address is ") + word_of(how) + " but the method is not fullnat",
        "remove the line; under the other methods reals see the client's own address");
  }
  const v1::Protocol protocol = service.protocol();
  if (protocol == v1::PROTOCOL_UNSPECIFIED || has_it(how, protocol)) return;
  add(problems, field, reason::kConflict,
      std::string("client_address is ") + word_of(how) + " but the protocol is " + word_of(protocol), remedy_for(protocol));
}

}  // namespace shunt::config
