#include "config/rules.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "config/defaults.h"
#include "config/duration.h"
#include "config/limits.h"
#include "config/words.h"
#include "config/yaml_scalar.h"

namespace shunt::config {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

class ValueWalk {
 public:
  explicit ValueWalk(Problems& problems) : problems_(problems) {}

  void message(const Message& message) {
    const auto* reflection = message.GetReflection();
    const auto& unknown = reflection->GetUnknownFields(message);
    if (!unknown.empty()) {
      add(problems_, path_, reason::kUnknownField,
          "field number " + std::to_string(unknown.field(0).number()) +
              " is not known to this version",
          "leave it out, or upgrade shuntd");
    }
    std::vector<const FieldDescriptor*> fields;
    reflection->ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      const size_t length = path_.size();
      path_.append(path_.empty() ? "" : ".").append(field->name());
      if (field->is_repeated()) {
        list(message, field);
      } else {
        value(message, field);
      }
      path_.resize(length);
    }
  }

 private:
  void list(const Message& outer, const FieldDescriptor* field) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return;
    const auto* reflection = outer.GetReflection();
    for (int i = 0; i < reflection->FieldSize(outer, field); ++i) {
      const size_t length = path_.size();
      path_.append("[").append(std::to_string(i)).append("]");
      message(reflection->GetRepeatedMessage(outer, field, i));
      path_.resize(length);
    }
  }

  void value(const Message& outer, const FieldDescriptor* field) {
    const auto* reflection = outer.GetReflection();
    if (is_duration(field)) {
      const auto& duration = reflection->GetMessage(outer, field);
      time(field, static_cast<const google::protobuf::Duration&>(duration));
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      message(reflection->GetMessage(outer, field));
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_UINT32) {
      number(field, reflection->GetUInt32(outer, field));
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
      const int number = reflection->GetEnumValue(outer, field);
      if (field->enum_type()->FindValueByNumber(number) != nullptr) return;
      add(problems_, path_, reason::kUnsupported,
          field->name() + " " + std::to_string(number) + " is not known to this version",
          "use " + listed(enum_words(field), "or"));
    }
  }

  void number(const FieldDescriptor* field, uint64_t value) {
    const Limits* limits = limits_of(field);
    if (limits != nullptr)
      range(field, *limits, value, std::to_string(value), std::to_string(limits->min),
            std::to_string(limits->max));
  }

  void time(const FieldDescriptor* field, const google::protobuf::Duration& duration) {
    const auto ms = to_ms(duration);
    const Limits* limits = limits_of(field);
    if (!ms) {
      add(problems_, path_, reason::kMalformed,
          field->name() + " is not a whole number of milliseconds",
          limits == nullptr ? "round it" : range_remedy(field, *limits));
      return;
    }
    if (limits == nullptr) return;
    range(field, *limits, static_cast<uint64_t>(std::max<int64_t>(*ms, 0)), format_duration_ms(*ms),
          format_duration_ms(static_cast<int64_t>(limits->min)),
          format_duration_ms(static_cast<int64_t>(limits->max)));
  }

  void range(const FieldDescriptor* field, const Limits& limits, uint64_t value,
             const std::string& text, const std::string& min, const std::string& max) {
    if (value < limits.min) {
      add(problems_, path_, reason::kOutOfRange,
          field->name() + " " + text + " is less than " + min, range_remedy(field, limits));
    } else if (value > limits.max) {
      add(problems_, path_, reason::kOutOfRange, field->name() + " " + text + " exceeds " + max,
          *limits.if_too_big != '\0' ? limits.if_too_big : range_remedy(field, limits));
    }
  }

  Problems& problems_;
  std::string path_;
};

constexpr const char* kUseUnicast = "use a unicast address";

std::optional<Unfit> unfit4(const IpAddress& address) {
  const auto& bytes = address.bytes;
  if (bytes[0] == 0) return Unfit{"is in 0.0.0.0/8, which is no machine's", kUseUnicast};
  if (bytes[0] == 127) return Unfit{"is a loopback address", kUseUnicast};
  if (bytes[0] >= 224 && bytes[0] < 240) return Unfit{"is a multicast address", kUseUnicast};
  const bool ones =
      std::all_of(bytes.begin(), bytes.begin() + 4, [](uint8_t byte) { return byte == 255; });
  if (ones) return Unfit{"is the broadcast address", kUseUnicast};
  return std::nullopt;
}

// RFC 4291 section 2.
std::optional<Unfit> unfit6(const IpAddress& address, Reach reach) {
  const auto& bytes = address.bytes;
  if (bytes[0] == 0xff) return Unfit{"is a multicast address", kUseUnicast};
  if (address.is_unspecified()) return Unfit{"is the unspecified address", kUseUnicast};
  static const IpAddress loopback = *IpAddress::parse("::1");
  static const Prefix mapped = *Prefix::parse("::ffff:0:0/96");
  if (address == loopback) return Unfit{"is the loopback address", kUseUnicast};
  if (mapped.contains(address)) {
    IpAddress inside;
    std::copy(bytes.begin() + 12, bytes.end(), inside.bytes.begin());
    return Unfit{"is an IPv4 address in IPv6's form", "write " + inside.to_string()};
  }
  if (reach == Reach::kNetworks && is_link_local(address)) {
    return Unfit{"is link-local, and routers pass nothing on to it",
                 "use a global address, or a unique local one (fc00::/7)"};
  }
  return std::nullopt;
}

}  // namespace

const NameRule kObjectName = {63, "[a-zA-Z0-9_.-]", [](char c) { return is_word(c) || c == '.'; }};
const NameRule kRealName = {63, "[a-zA-Z0-9_.:[]-]", [](char c) {
                              return is_word(c) || c == '.' || c == ':' || c == '[' || c == ']';
                            }};
const NameRule kPortName = {15, "[a-z0-9_-]", [](char c) {
                              return is_word(c) && std::isupper(static_cast<unsigned char>(c)) == 0;
                            }};
const NameRule kInterfaceName = {15, "[a-zA-Z0-9_.-]",
                                 [](char c) { return is_word(c) || c == '.'; }};

void add(Problems& problems, std::string field, const char* why, std::string cause,
         std::string remedy) {
  problems.push_back({std::move(field), "", why, std::move(cause), std::move(remedy), {}});
}

void check_values(const Message& message, Problems& problems) {
  ValueWalk(problems).message(message);
}

bool check_name(const std::string& name, const NameRule& rule, const std::string& field,
                const char* what, Problems& problems) {
  const std::string remedy =
      "use 1.." + std::to_string(rule.max_bytes) + " characters of " + std::string(rule.characters);
  if (name.empty()) {
    add(problems, field, reason::kRequired, std::string(what) + " is missing", remedy);
    return false;
  }
  if (name.size() > rule.max_bytes) {
    add(problems, field, reason::kOutOfRange,
        std::string(what) + " " + in_quotes(name) + " has " + std::to_string(name.size()) +
            " characters",
        remedy);
    return false;
  }
  const auto wrong = std::find_if_not(name.begin(), name.end(), rule.allowed);
  if (wrong == name.end()) return true;
  add(problems, field, reason::kMalformed,
      std::string(what) + " " + in_quotes(name) + " contains " + in_quotes(std::string(1, *wrong)),
      remedy);
  return false;
}

bool is_link_local(const IpAddress& address) {
  return !address.is_v4() && address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0) == 0x80;
}

const char* family_name(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? "IPv4" : "IPv6";
}

std::string too_narrow(const std::string& port, const char* relation, uint32_t mtu) {
  return "port " + port + relation + " has mtu " + std::to_string(mtu) + ", and IPv6 needs " +
         std::to_string(kLeastIpv6Mtu) + " (RFC 8200 section 5)";
}

std::optional<Unfit> unfit(const IpAddress& address, Reach reach) {
  return address.is_v4() ? unfit4(address) : unfit6(address, reach);
}

std::optional<IpAddress> check_address(const std::string& text, const std::string& field,
                                       const char* what, Reach reach, Problems& problems) {
  const std::string subject = std::string(what) + " " + in_quotes(text);
  const auto address = IpAddress::parse(text);
  if (text.empty()) {
    add(problems, field, reason::kRequired, std::string(what) + " is missing",
        "give an IPv4 or IPv6 address");
  } else if (text.find('/') != std::string::npos && InterfaceAddress::parse(text)) {
    add(problems, field, reason::kMalformed, subject + " has a prefix length",
        "write the address alone");
  } else if (text.front() == '[') {
    add(problems, field, reason::kMalformed, subject + " has brackets",
        "write the address alone, as in 2001:db8::1");
  } else if (!address) {
    add(problems, field, reason::kMalformed, subject + " is not an IP address",
        "write it as in 192.0.2.1 or 2001:db8::1");
  } else if (const auto wrong = unfit(*address, reach)) {
    add(problems, field, reason::kOutOfRange, subject + " " + wrong->cause, wrong->remedy);
  } else {
    return address;
  }
  return std::nullopt;
}

std::optional<Prefix> check_prefix(const std::string& text, const std::string& field,
                                   Problems& problems) {
  constexpr const char* kHowToWrite =
      "write it as in 192.0.2.0/24, 2001:db8::/32, 0.0.0.0/0 or ::/0";
  const std::string subject = "prefix " + in_quotes(text);
  const auto prefix = Prefix::parse(text);
  if (text.empty()) {
    add(problems, field, reason::kRequired, "prefix is missing", kHowToWrite);
  } else if (!prefix) {
    add(problems, field, reason::kMalformed, subject + " is not a prefix", kHowToWrite);
  } else if (InterfaceAddress::parse(text)->address != prefix->address) {
    add(problems, field, reason::kMalformed, subject + " has bits beyond its length",
        "write " + prefix->to_string());
  } else {
    return prefix;
  }
  return std::nullopt;
}

std::optional<MacAddress> check_mac(const std::string& text, const std::string& field,
                                    Problems& problems) {
  const auto mac = MacAddress::parse(text);
  if (text.empty()) {
    add(problems, field, reason::kRequired, "mac is missing",
        "give the address, as in 02:00:00:00:00:01");
  } else if (!mac) {
    add(problems, field, reason::kMalformed, "mac " + in_quotes(text) + " is not a MAC address",
        "write six bytes, as in 02:00:00:00:00:01");
  } else if (mac->is_zero()) {
    add(problems, field, reason::kOutOfRange, "mac " + text + " is all zero",
        "use a unicast address");
  } else if ((mac->bytes[0] & 1) != 0) {
    add(problems, field, reason::kOutOfRange, "mac " + text + " is a multicast address",
        "use a unicast address: an even first byte");
  } else {
    return mac;
  }
  return std::nullopt;
}

}  // namespace shunt::config
