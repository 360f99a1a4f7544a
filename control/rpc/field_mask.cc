#include "control/rpc/field_mask.h"

#include <google/protobuf/util/field_mask_util.h>

#include <vector>

namespace shunt::control::rpc {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::util::FieldMaskUtil;

// Of what is asked for, without `kept`.
google::protobuf::FieldMask spelled_out(const google::protobuf::Message& from, const google::protobuf::FieldMask& mask,
                                        const std::string& kept) {
  google::protobuf::FieldMask all;
  const bool is_all = mask.paths_size() == 1 && mask.paths(0) == "*";
  if (is_all) {
    const auto& type = *from.GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      if (type.field(i)->name() != kept) all.add_paths(type.field(i)->name());
    }
  } else if (mask.paths().empty()) {
    std::vector<const FieldDescriptor*> set;
    from.GetReflection()->ListFields(from, &set);
    for (const FieldDescriptor* field : set) {
      if (field->name() != kept) all.add_paths(field->name());
    }
  } else {
    all = mask;
  }
  return all;
}

}  // namespace

std::optional<std::string> take_over(const google::protobuf::Message& from, const google::protobuf::FieldMask& mask,
                                     const std::string& kept, google::protobuf::Message& to) {
  const google::protobuf::FieldMask wanted = spelled_out(from, mask, kept);
  for (const std::string& path : wanted.paths()) {
    if (path == kept || !FieldMaskUtil::GetFieldDescriptors(from.GetDescriptor(), path, nullptr)) return path;
  }
  FieldMaskUtil::MergeOptions options;
  options.set_replace_message_fields(true);
  options.set_replace_repeated_fields(true);
  FieldMaskUtil::MergeMessageTo(from, wanted, options, &to);
  return std::nullopt;
}

}  // namespace shunt::control::rpc
