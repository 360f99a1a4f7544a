#include "config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <streambuf>
#include <unordered_map>
#include <utility>

#include "config/words.h"

namespace shunt::config {
namespace {

// The schema is five levels deep; what nests deeper than this was written to hurt.
constexpr size_t kMaxDepth = 64;

Place place_of(const YAML::Mark& mark) {
  // yaml-cpp counts from 0, and -1 means that it does not know.
  return mark.line < 0 ? Place{} : Place{mark.line + 1, mark.column + 1};
}

Problem file_problem(Place place, const char* why, std::string cause, std::string remedy) {
  return {"", "file", why, std::move(cause), std::move(remedy), place};
}

// Thrown through yaml-cpp's parser to stop it; caught in YamlTree::parse().
struct StopParsing {
  Problem problem;
};

// Reads the caller's bytes in place.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());
    setg(begin, begin, begin + text.size());
  }
};

bool is_core_tag(const std::string& tag) {
  static constexpr std::string_view kPrefix = "tag:yaml.org,2002:";
  return tag.empty() || tag == "?" || tag == "!" || tag.compare(0, kPrefix.size(), kPrefix) == 0;
}

}  // namespace

class YamlListener : public YAML::EventHandler {
 public:
  YamlListener(YamlTree& tree, std::string_view text) : tree_(tree), text_(text) {}

  int documents() const { return documents_; }

  // yaml-cpp 0.7 takes the end of the file for the end of an open quote. Such a text is the last in
  // its file.
  void check_last_quote() const {
    const auto at = static_cast<size_t>(last_scalar_.pos);
    if (last_scalar_.pos < 0 || at >= text_.size() || (text_[at] != '"' && text_[at] != '\''))
      return;
    for (size_t i = at + 1; i < text_.size(); ++i) {
      const bool doubled = text_[at] == '\'' && text_.substr(i, 2) == "''";
      if (doubled || (text_[at] == '"' && text_[i] == '\\')) {
        ++i;
      } else if (text_[i] == text_[at]) {
        return;
      }
    }
    throw StopParsing{file_problem(place_of(last_scalar_), reason::kMalformed,
                                   "not YAML: the quote that opens here is not closed",
                                   "close it")};
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 1) return;
    throw StopParsing{file_problem(place_of(mark), reason::kUnsupported,
                                   "a second document starts here",
                                   "keep one document in a file and remove the '---' line")};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    attach(add(YamlNode::Kind::kNull, anchor), mark);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    last_scalar_ = mark;
    // A key that opens an entry is kept by value: it is no node.
    if (!open_.empty() && open_.back().wants_key) {
      open_.back().node->entries.push_back({value, place_of(mark), nullptr, {}});
      open_.back().wants_key = false;
      if (anchor != 0) add(YamlNode::Kind::kScalar, anchor)->text = value;
      return;
    }
    YamlNode* node = add(YamlNode::Kind::kScalar, anchor);
    node->text = value;
    node->quoted = tag == "!";
    attach(node, mark);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    bool usable = found != anchors_.end();
    for (const Open& open : open_) usable = usable && open.node != found->second;
    if (!usable) {
      throw StopParsing{file_problem(place_of(mark), reason::kMalformed,
                                     "an alias stands inside its own anchor",
                                     "write the value out")};
    }
    attach(found->second, mark);
    last_entry_->alias = true;
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(YamlNode::Kind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { open_.pop_back(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(YamlNode::Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  struct Open {
    YamlNode* node;
    Place place;
    bool wants_key;
  };

  YamlNode* add(YamlNode::Kind kind, YAML::anchor_t anchor) {
    YamlNode& node = tree_.nodes_.emplace_back();
    node.kind = kind;
    if (anchor != 0) anchors_[anchor] = &node;
    return &node;
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    check_tag(mark, tag);
    if (open_.size() == kMaxDepth) {
      throw StopParsing{
          file_problem(place_of(mark), reason::kMalformed,
                       "values nest deeper than " + std::to_string(kMaxDepth) + " levels",
                       "remove the surplus brackets or indentation")};
    }
    YamlNode* node = add(kind, anchor);
    attach(node, mark);
    open_.push_back({node, place_of(mark), kind == YamlNode::Kind::kMap});
  }

  // Puts a finished or opened value where it belongs: the root, a list's next entry or the waiting
  // key.
  void attach(YamlNode* node, const YAML::Mark& mark) {
    Place place = place_of(mark);
    if (open_.empty()) {
      tree_.root_ = {"", {}, node, place};
      last_entry_ = &tree_.root_;
      return;
    }
    Open& parent = open_.back();
    // A value that is not there has no place of its own: the parser names the next token's.
    const bool absent = node->kind == YamlNode::Kind::kNull && !written_null(mark);
    if (parent.node->kind == YamlNode::Kind::kList) {
      parent.node->entries.push_back({"", {}, node, absent ? parent.place : place});
    } else if (parent.wants_key) {
      throw StopParsing{
          file_problem(place, reason::kMalformed, "a key must be a plain word",
                       "write KEY: VALUE with one of the schema's field names as the key")};
    } else {
      YamlEntry& entry = parent.node->entries.back();
      entry.value = node;
      entry.place = absent ? entry.key_place : place;
      parent.wants_key = true;
    }
    last_entry_ = &parent.node->entries.back();
  }

  // `~` or `null` stands there.
  bool written_null(const YAML::Mark& mark) const {
    const auto at = static_cast<size_t>(mark.pos);
    return mark.pos >= 0 && at < text_.size() &&
           std::string_view("~nN").find(text_[at]) != std::string_view::npos;
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (is_core_tag(tag)) return;
    throw StopParsing{file_problem(place_of(mark), reason::kUnsupported,
                                   "tag " + tag + " is not supported",
                                   "remove the tag; the schema knows each value's type")};
  }

  YamlTree& tree_;
  std::string_view text_;
  YAML::Mark last_scalar_ = YAML::Mark::null_mark();
  YamlEntry* last_entry_ = nullptr;
  int documents_ = 0;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, YamlNode*> anchors_;
};

YamlTree YamlTree::parse(std::string_view text) {
  YamlTree tree;
  YamlListener listener(tree, text);
  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(listener)) {
    }
    listener.check_last_quote();
    if (listener.documents() == 0 || tree.root_.value->kind == YamlNode::Kind::kNull) {
      tree.problems_.push_back(
          file_problem({}, reason::kRequired, "the file is empty",
                       "write a configuration; config/examples has some to start from"));
    }
  } catch (const StopParsing& stop) {
    tree.problems_.push_back(stop.problem);
  } catch (const YAML::Exception& error) {
    tree.problems_.push_back(file_problem(
        place_of(error.mark), reason::kMalformed, "not YAML: " + shown(error.msg),
        "check the indentation, colons, quotes and brackets here and on the line before"));
  }
  return tree;
}

}  // namespace shunt::config
