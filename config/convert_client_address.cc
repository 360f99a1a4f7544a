#include "config/convert_client_address.h"

namespace shunt::config {

using Kind = control::ClientAddressKind;
using dataplane::UoaForm;

void to_client_address(const v1::Service& service, control::Service& out) {
  control::ClientAddress& how = out.client_address;
  if (service.client_address() == v1::CLIENT_ADDRESS_TOA) how.kind = Kind::kToa;
  if (service.client_address() == v1::CLIENT_ADDRESS_UOA) how.kind = Kind::kUoa;
  if (service.client_address() == v1::CLIENT_ADDRESS_PROXY_V1) how.kind = Kind::kProxyV1;
  if (service.client_address() == v1::CLIENT_ADDRESS_PROXY_V2) how.kind = Kind::kProxyV2;
  if (service.toa_option() != 0) how.toa_option = static_cast<uint8_t>(service.toa_option());
  if (service.uoa_form() == v1::UOA_FORM_OPTION) how.uoa_form = UoaForm::kOption;
  if (service.uoa_packets() != 0) how.uoa_packets = static_cast<uint8_t>(service.uoa_packets());
}

void put_client_address(const control::Service& service, v1::Service& out) {
  const control::ClientAddress& how = service.client_address;
  switch (how.kind) {
    case Kind::kNone:
      return;
    case Kind::kToa:
      out.set_client_address(v1::CLIENT_ADDRESS_TOA);
      return out.set_toa_option(how.toa_option);
    case Kind::kUoa:
      out.set_client_address(v1::CLIENT_ADDRESS_UOA);
      out.set_uoa_form(how.uoa_form == UoaForm::kOption ? v1::UOA_FORM_OPTION : v1::UOA_FORM_PROTOCOL);
      return out.set_uoa_packets(how.uoa_packets);
    case Kind::kProxyV1:
      return out.set_client_address(v1::CLIENT_ADDRESS_PROXY_V1);
    case Kind::kProxyV2:
      return out.set_client_address(v1::CLIENT_ADDRESS_PROXY_V2);
  }
}

}  // namespace shunt::config
