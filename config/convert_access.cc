#include "config/convert_access.h"

#include "config/convert_prefixes.h"

namespace shunt::config {

control::Refusal to_refusal(v1::Refusal refusal) {
  if (refusal == v1::REFUSAL_RESET) return control::Refusal::kReset;
  if (refusal == v1::REFUSAL_PROHIBITED) return control::Refusal::kProhibited;
  return control::Refusal::kDrop;
}

control::AccessList to_access_list(const v1::AccessList& list) { return {list.name(), to_prefixes(list.prefixes())}; }

control::Access to_access(const v1::Access& access) {
  return {to_prefixes(access.allow()),
          to_prefixes(access.deny()),
          {access.allow_lists().begin(), access.allow_lists().end()},
          {access.deny_lists().begin(), access.deny_lists().end()},
          to_refusal(access.on_denied())};
}

v1::AccessList to_proto(const control::AccessList& list) {
  v1::AccessList out;
  out.set_name(list.name);
  put_prefixes(list.prefixes, *out.mutable_prefixes());
  return out;
}

v1::Access to_proto(const control::Access& access) {
  v1::Access out;
  put_prefixes(access.allow, *out.mutable_allow());
  put_prefixes(access.deny, *out.mutable_deny());
  for (const std::string& name : access.allow_lists) out.add_allow_lists(name);
  for (const std::string& name : access.deny_lists) out.add_deny_lists(name);
  out.set_on_denied(to_proto(access.on_denied));
  return out;
}

v1::Refusal to_proto(control::Refusal refusal) {
  switch (refusal) {
    case control::Refusal::kDrop:
      return v1::REFUSAL_DROP;
    case control::Refusal::kReset:
      return v1::REFUSAL_RESET;
    case control::Refusal::kProhibited:
      return v1::REFUSAL_PROHIBITED;
  }
  return v1::REFUSAL_UNSPECIFIED;
}

}  // namespace shunt::config
