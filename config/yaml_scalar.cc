#include "config/yaml_scalar.h"

#include <google/protobuf/duration.pb.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <string_view>

#include "config/duration.h"
#include "config/limits.h"
#include "config/words.h"

namespace shunt::config {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::string_view kUnspecified = "UNSPECIFIED";

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "weight 90000", the start of a cause.
std::string named(const FieldDescriptor* field, const YamlNode& node) {
  return field->name() + " " + node.text;
}
std::string quoted_name(const FieldDescriptor* field, const YamlNode& node) {
  return field->name() + " " + in_quotes(node.text);
}

Limits number_limits(const FieldDescriptor* field) {
  const Limits* limits = limits_of(field);
  return limits == nullptr ? Limits{0, UINT32_MAX} : *limits;
}

std::optional<Misfit> put_number(const YamlNode& node, const FieldDescriptor* field,
                                 Message& message) {
  const Limits limits = number_limits(field);
  const std::string remedy = range_remedy(field, limits);
  const bool negative = !node.text.empty() && node.text[0] == '-';
  const std::string_view digits = std::string_view(node.text).substr(negative ? 1 : 0);
  if (!all_digits(digits)) {
    return Misfit{reason::kMalformed, quoted_name(field, node) + " is not a whole number", remedy};
  }
  if (node.quoted)
    return Misfit{reason::kMalformed, quoted_name(field, node) + " is text", "remove the quotes"};
  if (negative) {
    return Misfit{reason::kOutOfRange,
                  shown(named(field, node)) + " is less than " + std::to_string(limits.min),
                  remedy};
  }
  if (digits.size() > 1 && digits[0] == '0') {
    const size_t first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
    return Misfit{reason::kMalformed,
                  shown(named(field, node)) + " begins with 0, which YAML reads as octal",
                  "write " + shown(digits.substr(first))};
  }
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{}) {
    return Misfit{reason::kOutOfRange,
                  shown(named(field, node)) + " exceeds " + std::to_string(limits.max),
                  *limits.if_too_big != '\0' ? limits.if_too_big : remedy};
  }
  // Without presence a written 0 would silently become the default; every such range starts above
  // 0.
  if (value == 0 && limits.min > 0) {
    return Misfit{reason::kOutOfRange,
                  named(field, node) + " is less than " + std::to_string(limits.min), remedy};
  }
  message.GetReflection()->SetUInt32(&message, field, value);
  return std::nullopt;
}

std::optional<Misfit> put_bool(const YamlNode& node, const FieldDescriptor* field,
                               Message& message) {
  if (node.quoted || (node.text != "true" && node.text != "false")) {
    return Misfit{reason::kMalformed, quoted_name(field, node) + " is neither true nor false",
                  "write true or false, without quotes"};
  }
  message.GetReflection()->SetBool(&message, field, node.text == "true");
  return std::nullopt;
}

// "METHOD_" of METHOD_UNSPECIFIED.
std::string enum_prefix(const EnumDescriptor* type) {
  const std::string& zero = type->value(0)->name();
  return zero.substr(0, zero.size() - kUnspecified.size());
}

std::optional<Misfit> put_enum(const YamlNode& node, const FieldDescriptor* field,
                               Message& message) {
  const EnumDescriptor* type = field->enum_type();
  const std::vector<std::string> words = enum_words(field);
  if (std::find(words.begin(), words.end(), node.text) == words.end()) {
    const auto meant = nearest_word(node.text, words);
    return Misfit{
        reason::kMalformed,
        field->name() + " " + in_quotes(node.text) + " is not one of " + listed(words, "and"),
        meant ? "write " + *meant : "write one of them"};
  }
  std::string name = enum_prefix(type);
  for (const char c : node.text)
    name.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  const auto* reflection = message.GetReflection();
  const auto* value = type->FindValueByName(name);
  if (field->is_repeated()) {
    reflection->AddEnum(&message, field, value);
  } else {
    reflection->SetEnum(&message, field, value);
  }
  return std::nullopt;
}

std::optional<Misfit> put_duration(const YamlNode& node, const FieldDescriptor* field,
                                   Message& message) {
  const auto ms = parse_duration_ms(node.text);
  if (!ms) {
    const bool bare = all_digits(node.text);
    return Misfit{reason::kMalformed,
                  quoted_name(field, node) + (bare ? " has no unit" : " is not a length of time"),
                  bare ? "write " + shown(node.text) + "s for seconds, or ms, m, h, d"
                       : "write a whole number and its unit: 1500ms, 5s, 2m, 1h"};
  }
  *static_cast<google::protobuf::Duration*>(
      message.GetReflection()->MutableMessage(&message, field)) = to_duration(*ms);
  return std::nullopt;
}

std::optional<Misfit> put_text(const YamlNode& node, const FieldDescriptor* field,
                               Message& message) {
  const auto* reflection = message.GetReflection();
  if (field->is_repeated()) {
    reflection->AddString(&message, field, node.text);
  } else {
    reflection->SetString(&message, field, node.text);
  }
  if (node.text.empty()) {
    return Misfit{reason::kMalformed, field->name() + " is empty",
                  "give it a value or remove the line"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Misfit> put_scalar(const YamlNode& node, const FieldDescriptor* field,
                                 Message& message) {
  const auto type = field->cpp_type();
  const bool may_be_a_list = type == FieldDescriptor::CPPTYPE_STRING || type == FieldDescriptor::CPPTYPE_ENUM;
  GOOGLE_CHECK(may_be_a_list || !field->is_repeated()) << "no YAML form for a list of " << field->full_name();
  switch (type) {
    case FieldDescriptor::CPPTYPE_UINT32:
      return put_number(node, field, message);
    case FieldDescriptor::CPPTYPE_BOOL:
      return put_bool(node, field, message);
    case FieldDescriptor::CPPTYPE_ENUM:
      return put_enum(node, field, message);
    case FieldDescriptor::CPPTYPE_STRING:
      return put_text(node, field, message);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return put_duration(node, field, message);
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT64:
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      break;
  }
  // A schema change that brings such a field must bring its decoding; the tests decode every field.
  GOOGLE_LOG(FATAL) << "no YAML form for the type of " << field->full_name();
  return std::nullopt;
}

std::vector<std::string> enum_words(const FieldDescriptor* field) {
  // Of reports and of other messages alone.
  static const std::map<std::string_view, std::string_view> kNotThere = {{"shunt.v1.Service.protocol", "icmp"},
                                                                         {"shunt.v1.Service.method", "snat"},
                                                                         {"shunt.v1.SnatRule.protocols", "sctp"}};
  const auto not_there = kNotThere.find(field->full_name());
  const EnumDescriptor* type = field->enum_type();
  std::vector<std::string> words;
  const size_t prefix = enum_prefix(type).size();
  for (int i = 1; i < type->value_count(); ++i) {
    std::string word = type->value(i)->name().substr(prefix);
    for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (not_there == kNotThere.end() || word != not_there->second) words.push_back(std::move(word));
  }
  return words;
}

bool is_duration(const FieldDescriptor* field) {
  return field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field->message_type() == google::protobuf::Duration::descriptor();
}

}  // namespace shunt::config
