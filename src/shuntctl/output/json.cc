#include "src/shuntctl/output/json.h"

#include <google/protobuf/util/json_util.h>

namespace shunt::shuntctl {
namespace {

std::string render(const google::protobuf::Message& message, bool indented) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = indented;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string text;
  // Fails only on malformed well-known types, such as a duration out of range; the text then holds what came before.
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (!status.ok()) text += status.ToString();
  if (text.empty() || text.back() != '\n') text += '\n';
  return text;
}

}  // namespace

std::string to_json(const google::protobuf::Message& message) { return render(message, true); }
std::string to_json_line(const google::protobuf::Message& message) { return render(message, false); }

}  // namespace shunt::shuntctl
