#include "config/yaml_decode.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "config/words.h"
#include "config/yaml_scalar.h"

namespace shunt::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Kind = YamlNode::Kind;

// Aliases let a small file stand for a huge one; the largest honest configuration has about a
// million values.
constexpr size_t kMaxValues = 4'000'000;

std::vector<std::string> field_names(const Descriptor* type) {
  std::vector<std::string> names;
  for (int i = 0; i < type->field_count(); ++i) names.push_back(type->field(i)->name());
  return names;
}

// A mistyped key hardly means one that is given as well.
std::vector<std::string> names_not_in(const YamlNode& map, std::vector<std::string> names) {
  for (const YamlEntry& entry : map.entries) std::erase(names, entry.key);
  return names;
}

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kScalar:
      return "a single value";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a group of KEY: VALUE lines";
  }
  return "";
}

class Decoder {
 public:
  void message(const YamlEntry& entry, Message& out) {
    if (entry.value->kind != Kind::kMap) {
      wrong_kind(entry, Kind::kMap,
                 "its fields are " + listed(field_names(out.GetDescriptor()), "and"));
      return;
    }
    const Descriptor* type = out.GetDescriptor();
    std::vector<const YamlEntry*> seen(static_cast<size_t>(type->field_count()), nullptr);
    // Made for the first unknown key.
    std::optional<std::vector<std::string>> not_given;
    for (const YamlEntry& child : entry.value->entries) {
      if (result_.stopped) return;
      const FieldDescriptor* field = type->FindFieldByName(child.key);
      const size_t length = path_.size();
      path_.append(path_.empty() ? "" : ".")
          .append(field == nullptr ? shown(child.key) : child.key);
      if (field == nullptr) {
        if (!not_given) not_given = names_not_in(*entry.value, field_names(type));
        unknown_key(child, type, *not_given, length);
      } else if (const YamlEntry*& first = seen[static_cast<size_t>(field->index())];
                 first != nullptr) {
        add(child.key_place, reason::kDuplicate,
            child.key + " is already given on line " + std::to_string(first->key_place.line),
            "keep one of the two");
      } else {
        first = &child;
        this->field(child, field, out);
      }
      path_.resize(length);
    }
  }

  Decoded take() {
    std::sort(result_.unusable_fields.begin(), result_.unusable_fields.end());
    return std::move(result_);
  }

 private:
  void field(const YamlEntry& entry, const FieldDescriptor* field, Message& out) {
    if (field->is_repeated()) {
      list(entry, field, out);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !is_duration(field)) {
      Message& child = *out.GetReflection()->MutableMessage(&out, field);
      // A group whose lines are all commented out is the group with its defaults.
      if (count() && entry.value->kind != Kind::kNull) message(entry, child);
    } else {
      scalar(entry, field, out);
    }
  }

  void list(const YamlEntry& entry, const FieldDescriptor* field, Message& out) {
    // As above: every entry commented out.
    if (entry.value->kind == Kind::kNull) return;
    if (entry.value->kind != Kind::kList) {
      wrong_kind(entry, Kind::kList, "begin each entry with '- '");
      return;
    }
    int index = 0;
    for (const YamlEntry& child : entry.value->entries) {
      if (!count()) return;
      const size_t length = path_.size();
      path_.append("[").append(std::to_string(index++)).append("]");
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        message(child, *out.GetReflection()->AddMessage(&out, field));
      } else {
        scalar(child, field, out);
      }
      path_.resize(length);
    }
  }

  void scalar(const YamlEntry& entry, const FieldDescriptor* field, Message& out) {
    if (!count()) return;
    std::optional<Misfit> misfit;
    if (entry.value->kind == Kind::kScalar) {
      misfit = put_scalar(*entry.value, field, out);
    } else if (entry.value->kind == Kind::kNull) {
      misfit = Misfit{reason::kMalformed, field->name() + " has no value",
                      "give it a value or remove the line"};
    } else {
      misfit = Misfit{reason::kMalformed,
                      field->name() + " is " + name_of(entry.value->kind) + ", not a single value",
                      "write " + field->name() + ": VALUE"};
    }
    if (!misfit) return;
    if (field->is_repeated() && entry.value->kind != Kind::kScalar)
      out.GetReflection()->AddString(&out, field, "");
    result_.unusable_fields.push_back(path_);
    add(entry.place, misfit->reason, std::move(misfit->cause), std::move(misfit->remedy));
  }

  void wrong_kind(const YamlEntry& entry, Kind wanted, std::string remedy) {
    result_.unusable_fields.push_back(path_);
    const size_t dot = path_.rfind('.');
    const std::string name =
        path_.empty() ? "the file" : path_.substr(dot == std::string::npos ? 0 : dot + 1);
    add(entry.place, reason::kMalformed,
        name + " is " + name_of(entry.value->kind) + ", not " + name_of(wanted), std::move(remedy));
  }

  // `parent` is the length of the path without the key.
  void unknown_key(const YamlEntry& entry, const Descriptor* type,
                   const std::vector<std::string>& not_given, size_t parent) {
    if (entry.key == "<<") {
      add(entry.key_place, reason::kUnsupported, "merge keys (<<) are not supported",
          "repeat the fields");
      return;
    }
    std::string remedy = "known here: " + listed(field_names(type), "and");
    if (const auto meant = nearest_word(entry.key, not_given)) {
      remedy = "did you mean " + *meant + "? " + remedy;
      // That the meant field is missing is the same mistake.
      std::string field = path_.substr(0, parent);
      result_.unusable_fields.push_back(field.append(field.empty() ? "" : ".").append(*meant));
    }
    add(entry.key_place, reason::kUnknownField, "unknown key " + in_quotes(entry.key),
        std::move(remedy));
  }

  void add(Place place, const char* why, std::string cause, std::string remedy) {
    if (result_.stopped) return;
    result_.problems.push_back({path_, "", why, std::move(cause), std::move(remedy), place});
    stop_if(result_.problems.size() == kMaxProblems, "there may be more problems",
            "mend these first");
  }

  // False: no more values are wanted.
  bool count() {
    stop_if(++values_ > kMaxValues, "the file stands for more than 4000000 values",
            "write fewer aliases");
    return !result_.stopped;
  }

  void stop_if(bool condition, const char* cause, const char* remedy) {
    if (!condition || result_.stopped) return;
    result_.stopped = Problem{"", "file", reason::kUnsupported, cause, remedy, {}};
  }

  Decoded result_;
  std::string path_;
  size_t values_ = 0;
};

}  // namespace

Decoded decode(const YamlEntry& root, Message& message) {
  Decoder decoder;
  decoder.message(root, message);
  return decoder.take();
}

Place place_of(const YamlEntry& root, std::string_view field) {
  const YamlEntry* at = &root;
  while (!field.empty()) {
    const YamlEntry* next = nullptr;
    const size_t end = std::min(field.find_first_of(".[", 1), field.size());
    std::string_view step = field.substr(0, end);
    if (step[0] == '[') {
      size_t index = 0;
      std::from_chars(step.data() + 1, step.data() + step.size(), index);
      if (at->value->kind == Kind::kList && index < at->value->entries.size())
        next = &at->value->entries[index];
    } else if (at->value->kind == Kind::kMap) {
      if (step[0] == '.') step.remove_prefix(1);
      for (const YamlEntry& entry : at->value->entries) {
        // Of duplicates the first was decoded.
        if (next == nullptr && entry.key == step) next = &entry;
      }
    }
    if (next == nullptr) break;
    at = next;
    // What is wrong with a copy is told at the copy: the original may be right.
    if (at->alias) break;
    field.remove_prefix(end);
  }
  return at->place;
}

}  // namespace shunt::config
