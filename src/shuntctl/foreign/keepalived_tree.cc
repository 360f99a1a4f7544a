#include "src/shuntctl/foreign/keepalived_tree.h"

#include <optional>

#include "config/words.h"

namespace shunt::shuntctl {
namespace {

constexpr int kMostNested = 32;

struct Token {
  enum class Kind : uint8_t { kWord, kOpen, kClose, kEnd } kind;
  std::string text;
  Source from;
};

// Words and braces of one line.
class LineWords {
 public:
  LineWords(const KeepalivedLine& line, std::vector<Token>& tokens) : line_(line), tokens_(tokens) {}

  std::optional<Fault> split() {
    const std::string& text = line_.text;
    while (at_ < text.size()) {
      if (is_blank(text[at_])) {
        ++at_;
        continue;
      }
      const size_t begin = at_;
      if (auto fault = take_word()) return fault;
      add(begin);
    }
    tokens_.push_back({Token::Kind::kEnd, "", place(text.size())});
    return std::nullopt;
  }

 private:
  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

  Source place(size_t at) const {
    return {line_.from.file, {line_.from.place.line, line_.from.place.column + static_cast<int>(at)}};
  }

  std::optional<Fault> take_word() {
    const std::string& text = line_.text;
    word_.clear();
    is_quoted_ = false;
    char quote = '\0';
    const size_t begin = at_;
    for (; at_ < text.size(); ++at_) {
      const char c = text[at_];
      if (quote == '\0' && is_blank(c)) break;
      if (quote == '\0' ? c == '"' || c == '\'' : c == quote) {
        quote = quote == '\0' ? c : '\0';
        is_quoted_ = true;
      } else if (quote != '\0' && c == '\\' && at_ + 1 < text.size()) {
        ++at_;
        take_escape();
      } else {
        word_ += c;
      }
    }
    if (quote == '\0') return std::nullopt;
    return Fault{place(begin), "a quoted string has no end", std::string("close it with ") + quote};
  }

  // As the shell's $'...'; the letter behind the backslash is the current one.
  void take_escape() {
    static constexpr char kFrom[] = "abfnrtvE";
    static constexpr char kTo[] = "\a\b\f\n\r\t\v\x1b";
    const std::string& text = line_.text;
    for (size_t i = 0; i + 1 < sizeof kFrom; ++i) {
      if (text[at_] != kFrom[i]) continue;
      word_ += kTo[i];
      return;
    }
    const bool is_hexadecimal = text[at_] == 'x';
    const int base = is_hexadecimal ? 16 : 8;
    size_t digits = 0;
    int value = 0;
    for (size_t i = at_ + (is_hexadecimal ? 1 : 0); i < text.size() && digits < (is_hexadecimal ? 2U : 3U); ++i, ++digits) {
      const int digit = digit_of(text[i]);
      if (digit < 0 || digit >= base) break;
      value = value * base + digit;
    }
    if (digits == 0) {
      word_ += text[at_];
      return;
    }
    word_ += static_cast<char>(value);
    at_ += digits - (is_hexadecimal ? 0 : 1);
  }

  static int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  }

  void add(size_t begin) {
    using Kind = Token::Kind;
    if (!is_quoted_ && (word_ == "{" || word_ == "}")) {
      tokens_.push_back({word_ == "{" ? Kind::kOpen : Kind::kClose, "", place(begin)});
      return;
    }
    const bool opens = !is_quoted_ && word_.size() > 1 && word_.back() == '{' && word_[word_.size() - 2] != '$';
    if (opens) word_.pop_back();
    tokens_.push_back({Kind::kWord, word_, place(begin)});
    if (opens) tokens_.push_back({Kind::kOpen, "", place(begin)});
  }

  const KeepalivedLine& line_;
  std::vector<Token>& tokens_;
  size_t at_ = 0;
  std::string word_;
  bool is_quoted_ = false;
};

class TreeParser {
 public:
  explicit TreeParser(const std::vector<Token>& tokens) : tokens_(tokens) {}

  // Up to the brace that closes it, or the end.
  std::vector<Directive> block(int depth) {
    std::vector<Directive> directives;
    bool is_line_begun = false;
    while (at_ < tokens_.size() && !fault_) {
      const Token& token = tokens_[at_++];
      switch (token.kind) {
        case Token::Kind::kEnd: is_line_begun = false; break;
        case Token::Kind::kWord:
          if (!is_line_begun) directives.push_back({token.from, {}, false, {}});
          directives.back().words.push_back(token.text);
          is_line_begun = true;
          break;
        case Token::Kind::kOpen:
          if (directives.empty() || directives.back().has_block) {
            fail(token.from, "{ has no keyword in front of it", "write the block's name before it");
          } else if (depth >= kMostNested) {
            fail(token.from, "blocks are nested more than 32 deep", "close some");
          } else {
            Directive& owner = directives.back();
            owner.has_block = true;
            ++open_;
            owner.block = block(depth + 1);
            if (!fault_ && !closed_) fail(owner.from, "the block " + config::shown(owner.keyword()) + " is not closed", "add a }");
            closed_ = false;
          }
          is_line_begun = false;
          break;
        case Token::Kind::kClose:
          if (open_ == 0) {
            fail(token.from, "} closes nothing", "remove it");
            break;
          }
          --open_;
          closed_ = true;
          return directives;
      }
    }
    return directives;
  }

  std::optional<Fault> fault() const { return fault_; }

 private:
  void fail(const Source& from, std::string cause, std::string remedy) {
    if (!fault_) fault_ = Fault{from, std::move(cause), std::move(remedy)};
  }

  const std::vector<Token>& tokens_;
  size_t at_ = 0;
  int open_ = 0;
  bool closed_ = false;
  std::optional<Fault> fault_;
};

}  // namespace

KeepalivedTree parse_keepalived(const std::vector<KeepalivedLine>& lines) {
  KeepalivedTree tree;
  std::vector<Token> tokens;
  for (const KeepalivedLine& line : lines) {
    if (auto fault = LineWords(line, tokens).split()) tree.faults.push_back(std::move(*fault));
  }
  if (!tree.faults.empty()) return tree;
  TreeParser parser(tokens);
  tree.directives = parser.block(0);
  if (auto fault = parser.fault()) tree.faults.push_back(std::move(*fault));
  return tree;
}

}  // namespace shunt::shuntctl
