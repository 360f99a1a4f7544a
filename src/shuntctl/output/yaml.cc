#include "src/shuntctl/output/yaml.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "config/duration.h"

namespace shunt::shuntctl {
namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// PROTOCOL_TCP of enum Protocol -> tcp, POLL_MODE_BUSY of enum PollMode -> busy: what all values share is the prefix.
std::string enum_word(const EnumValueDescriptor* value) {
  std::string prefix;
  for (const char c : value->type()->name()) {
    if (std::isupper(static_cast<unsigned char>(c)) && !prefix.empty()) prefix += '_';
    prefix += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  std::string word = std::string(value->name()).substr(prefix.size() + 1);
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
  return word;
}

// Whether YAML readers of any kind take the text for text when it is not quoted.
bool is_plain(const std::string& text) {
  if (text.empty() || !std::isalpha(static_cast<unsigned char>(text.front()))) return false;
  for (const char* word : {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}) {
    if (strcasecmp(word, text.c_str()) == 0) return false;
  }
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-' || c == '.' || c == '/';
  });
}

void write_text(YAML::Emitter& out, const std::string& text) {
  if (is_plain(text)) {
    out << text;
  } else {
    out << YAML::DoubleQuoted << text;
  }
}

void write_message(YAML::Emitter& out, const Message& message);

// `index` -1: a field that is not repeated.
void write_value(YAML::Emitter& out, const Message& message, const FieldDescriptor* field, int index) {
  const Reflection& from = *message.GetReflection();
  const bool repeated = index >= 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return write_text(out, repeated ? from.GetRepeatedString(message, field, index) : from.GetString(message, field));
    case FieldDescriptor::CPPTYPE_ENUM:
      out << enum_word(repeated ? from.GetRepeatedEnum(message, field, index) : from.GetEnum(message, field));
      return;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return write_message(out,
                           repeated ? from.GetRepeatedMessage(message, field, index) : from.GetMessage(message, field));
    case FieldDescriptor::CPPTYPE_UINT32:
      out << (repeated ? from.GetRepeatedUInt32(message, field, index) : from.GetUInt32(message, field));
      return;
    case FieldDescriptor::CPPTYPE_UINT64:
      out << (repeated ? from.GetRepeatedUInt64(message, field, index) : from.GetUInt64(message, field));
      return;
    case FieldDescriptor::CPPTYPE_INT32:
      out << (repeated ? from.GetRepeatedInt32(message, field, index) : from.GetInt32(message, field));
      return;
    case FieldDescriptor::CPPTYPE_INT64:
      out << (repeated ? from.GetRepeatedInt64(message, field, index) : from.GetInt64(message, field));
      return;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      out << (repeated ? from.GetRepeatedDouble(message, field, index) : from.GetDouble(message, field));
      return;
    case FieldDescriptor::CPPTYPE_FLOAT:
      out << (repeated ? from.GetRepeatedFloat(message, field, index) : from.GetFloat(message, field));
      return;
    case FieldDescriptor::CPPTYPE_BOOL:
      out << (repeated ? from.GetRepeatedBool(message, field, index) : from.GetBool(message, field));
      return;
  }
}

void write_message(YAML::Emitter& out, const Message& message) {
  if (message.GetTypeName() == "google.protobuf.Duration") {
    google::protobuf::Duration duration;
    duration.CopyFrom(message);
    out << config::format_duration_ms(config::to_ms(duration).value_or(0));
    return;
  }
  // Set ones only, in the order of their numbers.
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  out << YAML::BeginMap;
  for (const FieldDescriptor* field : fields) {
    out << YAML::Key << std::string(field->name()) << YAML::Value;
    if (!field->is_repeated()) {
      write_value(out, message, field, -1);
      continue;
    }
    out << YAML::BeginSeq;
    for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) write_value(out, message, field, i);
    out << YAML::EndSeq;
  }
  out << YAML::EndMap;
}

}  // namespace

std::string to_yaml(const Message& message) {
  YAML::Emitter out;
  out.SetBoolFormat(YAML::TrueFalseBool);
  write_message(out, message);
  return std::string(out.c_str()) + "\n";
}

std::string to_flow_yaml(const Message& message) {
  YAML::Emitter out;
  out.SetBoolFormat(YAML::TrueFalseBool);
  out.SetMapFormat(YAML::Flow);
  out.SetSeqFormat(YAML::Flow);
  write_message(out, message);
  return out.c_str();
}

}  // namespace shunt::shuntctl
