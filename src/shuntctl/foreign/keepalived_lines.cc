#include "src/shuntctl/foreign/keepalived_lines.h"

#include <glob.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>

#include "config/words.h"
#include "src/shuntctl/foreign/names.h"

namespace shunt::shuntctl {
namespace {

// Parameters may stand for one another without end; nobody's configuration is as large.
constexpr int kMostNested = 40;
constexpr size_t kMostLines = 200000;
constexpr size_t kMostLineBytes = 65536;
constexpr size_t kMostFileBytes = 16U << 20;
constexpr int kMostIncludes = 20;

constexpr std::string_view kBlanks = " \t\r\v\f";

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

bool is_name_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Up to the first # or ! outside quotes.
std::string_view without_comment(std::string_view line) {
  char quote = '\0';
  for (size_t i = 0; i < line.size(); ++i) {
    if (quote != '\0') {
      if (line[i] == '\\') ++i;
      else if (line[i] == quote) quote = '\0';
    } else if (line[i] == '"' || line[i] == '\'') {
      quote = line[i];
    } else if (line[i] == '#' || line[i] == '!') {
      return line.substr(0, i);
    }
  }
  return line;
}

std::optional<std::string> file_text(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  if (file == nullptr) return std::nullopt;
  std::string text;
  char chunk[1 << 16];
  while (const size_t bytes = std::fread(chunk, 1, sizeof chunk, file.get())) {
    text.append(chunk, bytes);
    if (text.size() > kMostFileBytes) return std::nullopt;
  }
  return std::ferror(file.get()) != 0 ? std::nullopt : std::optional(text);
}

std::vector<std::string> files_like(const std::string& pattern) {
  std::vector<std::string> paths;
  glob_t found{};
  if (glob(pattern.c_str(), GLOB_BRACE, nullptr, &found) == 0) {
    for (size_t i = 0; i < found.gl_pathc; ++i) paths.emplace_back(found.gl_pathv[i]);
  }
  globfree(&found);
  return paths;
}

// "a, {b, c}, d" at its outer commas, blanks gone.
std::vector<std::string> listed(std::string_view text) {
  std::vector<std::string> entries;
  int depth = 0;
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '{') ++depth;
    if (i < text.size() && text[i] == '}') --depth;
    if (i < text.size() && (text[i] != ',' || depth > 0)) continue;
    entries.emplace_back(trimmed(text.substr(begin, i - begin)));
    begin = i + 1;
  }
  return entries;
}

std::vector<std::string> unbraced(const std::string& text) {
  const bool is_braced = text.size() >= 2 && text.front() == '{' && text.back() == '}';
  return is_braced ? listed(std::string_view(text).substr(1, text.size() - 2)) : std::vector<std::string>{text};
}

std::optional<int64_t> integer(const std::string& text) {
  char* end = nullptr;
  const long value = std::strtol(text.c_str(), &end, 0);
  if (text.empty() || end != text.c_str() + text.size() || value > 1000000000 || value < -1000000000) return std::nullopt;
  return value;
}

class Reading {
 public:
  explicit Reading(const std::string& id) : id_(id) {
    parameters_["_INSTANCE"] = {id};
    parameters_["_HASH"] = {"#"};
    parameters_["_BANG"] = {"!"};
  }

  KeepalivedLines result() { return std::move(result_); }

  void read(std::string_view text, const std::string& file, const std::string& folder, int depth) {
    parameters_["_PWD"] = {folder};
    Source from{file, {0, 1}};
    while (!text.empty() && !stopped_) {
      std::string_view line = next_line(text, from);
      const Source begin = from;
      std::vector<std::string> parts;
      // What ends in a backslash goes on in the next line.
      while (line.ends_with('\\')) {
        parts.emplace_back(trimmed(line.substr(0, line.size() - 1)));
        line = text.empty() ? std::string_view{} : trimmed(next_line(text, from));
      }
      parts.emplace_back(line);
      if (parts.size() == 1 && include(parts[0], begin, folder, depth)) {
        parameters_["_PWD"] = {folder};
      } else {
        take_parts(parts, begin);
      }
    }
  }

 private:
  // Takes the line off the text.
  static std::string_view next_line(std::string_view& text, Source& from) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = without_comment(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++from.place.line;
    const std::string_view inner = trimmed(line);
    from.place.column = inner.empty() ? 1 : static_cast<int>(inner.data() - line.data()) + 1;
    return inner;
  }

  bool include(const std::string& line, const Source& from, const std::string& folder, int depth) {
    static const char* const kWords[] = {"include", "includer", "includem", "includew", "includeb", "includea"};
    const size_t end = std::min(line.find_first_of(kBlanks), line.size());
    const std::string word = line.substr(0, end);
    if (std::find(std::begin(kWords), std::end(kWords), word) == std::end(kWords)) return false;
    std::string name(trimmed(std::string_view(line).substr(end)));
    if (name.size() >= 2 && (name.front() == '"' || name.front() == '\'') && name.back() == name.front()) {
      name = name.substr(1, name.size() - 2);
    }
    if (name.empty()) {
      fail(from, "include names no file", "name one, or remove the line");
      return true;
    }
    if (depth >= kMostIncludes) {
      fail(from, "files include each other more than 20 deep", "remove the include that leads back");
      return true;
    }
    bool is_any_read = false;
    for (const std::string& path : files_like(name.front() == '/' ? name : folder + "/" + name)) {
      const auto text = file_text(path);
      if (!text) continue;
      is_any_read = true;
      read(*text, path, folder_of(path), depth + 1);
    }
    if (!is_any_read) {
      result_.notes.push_back({from, "include " + config::shown(name), "there is no such file that can be read",
                               "copy it beside the file, as on keepalived's machine, and import again"});
    }
    return true;
  }

  // A parameter of several lines, or one line that was broken.
  void take_parts(const std::vector<std::string>& parts, const Source& from) {
    std::string name;
    std::string value;
    if (parts.size() > 1 && is_definition(parts[0], name, value)) {
      std::vector<std::string> lines(parts.begin() + 1, parts.end());
      if (!value.empty()) lines.insert(lines.begin(), value);
      parameters_[name] = std::move(lines);
      return;
    }
    std::string line;
    for (const std::string& part : parts) line += (line.empty() || part.empty() ? "" : " ") + part;
    take(line, from, 0);
  }

  // "$NAME=VALUE"
  static bool is_definition(const std::string& line, std::string& name, std::string& value) {
    if (line.size() < 3 || line[0] != '$' || !is_name_character(line[1]) || std::isdigit(static_cast<unsigned char>(line[1])) != 0) {
      return false;
    }
    size_t end = 1;
    while (end < line.size() && is_name_character(line[end])) ++end;
    if (end == line.size() || line[end] != '=') return false;
    name = line.substr(1, end - 1);
    value = std::string(trimmed(std::string_view(line).substr(end + 1)));
    return true;
  }

  void take(const std::string& line_as_it_is, const Source& from, int depth) {
    std::string line(trimmed(line_as_it_is));
    if (line.empty() || stopped_) return;
    if (depth > kMostNested) return fail(from, "parameters stand for one another without end", "break the circle");
    if (line.size() > kMostLineBytes) return fail(from, "the line becomes longer than 64 KiB", "use fewer parameters in one another");
    if (line[0] == '@') {
      const size_t end = std::min(line.find_first_of(kBlanks), line.size());
      const bool is_negative = line.size() > 1 && line[1] == '^';
      const std::string id = line.substr(is_negative ? 2 : 1, end - (is_negative ? 2 : 1));
      if ((id == id_) != is_negative) take(line.substr(end), place_of(from), depth + 1);
      return;
    }
    std::string name;
    std::string value;
    if (is_definition(line, name, value)) {
      parameters_[name] = {value};
      return;
    }
    if (line.starts_with("~SEQ") || line.starts_with("~LST")) return repeat(line, from, depth);
    if (substitute(line, from, depth)) return;
    if (result_.lines.size() >= kMostLines) return fail(from, "it becomes more than 200000 lines", "import a part of it");
    result_.lines.push_back({from, line});
  }

  static Source place_of(const Source& from) { return {from.file, {from.place.line, 1}}; }

  // Puts in the line's first parameter and takes what that makes of it. False: there is none.
  bool substitute(const std::string& line, const Source& from, int depth) {
    for (size_t at = line.find('$'); at != std::string::npos; at = line.find('$', at + 1)) {
      const bool is_braced = at + 1 < line.size() && line[at + 1] == '{';
      const size_t begin = at + (is_braced ? 2 : 1);
      size_t end = begin;
      while (end < line.size() && is_name_character(line[end])) ++end;
      const auto found = parameters_.find(line.substr(begin, end - begin));
      if (found == parameters_.end()) continue;
      if (is_braced && (end == line.size() || line[end] != '}')) continue;
      if (!is_braced && end < line.size() && kBlanks.find(line[end]) == std::string_view::npos) continue;
      if (is_braced) ++end;
      // A copy: what it stands for may define it anew.
      const std::vector<std::string> values = found->second;
      if (values.size() == 1) {
        take(line.substr(0, at) + values[0] + line.substr(end), place_of(from), depth + 1);
      } else if (at == 0 && end == line.size()) {
        for (const std::string& value : values) take(value, place_of(from), depth + 1);
      } else {
        fail(from, "parameter " + found->first + " has several lines, and stands in one with other words", "give it a line of its own");
      }
      return true;
    }
    return false;
  }

  // "~SEQ(var, start, step, end) rest", "~SEQx(...)", "~LST(var, value, ...) rest", "~LST({a, b}, {1, 2}, ...) rest"
  void repeat(const std::string& line, const Source& from, int depth) {
    const size_t open = line.find('(');
    const size_t close = line.find(')');
    if (open == std::string::npos || close == std::string::npos || close < open) {
      return fail(from, "~SEQ or ~LST has no list in parentheses", "write it as in ~SEQ(NUM, 1, 3)");
    }
    const std::vector<std::string> arguments = listed(std::string_view(line).substr(open + 1, close - open - 1));
    const std::string rest = line.substr(close + 1);
    if (line.starts_with("~LST")) return repeat_list(arguments, rest, from, depth);
    const bool is_hexadecimal = line.starts_with("~SEQx");
    std::vector<int64_t> numbers;
    for (size_t i = 1; i < arguments.size(); ++i) {
      const auto value = integer(arguments[i]);
      if (!value) return fail(from, config::in_quotes(arguments[i]) + " is no whole number", "write it as in ~SEQ(NUM, 1, 3)");
      numbers.push_back(*value);
    }
    if (numbers.empty() || numbers.size() > 3) return fail(from, "~SEQ has no start and end", "write it as in ~SEQ(NUM, 1, 3)");
    const int64_t end = numbers.back();
    const int64_t start = numbers.size() == 1 ? (end > 0 ? 1 : -1) : numbers[0];
    const int64_t step = numbers.size() == 3 ? numbers[1] : (end >= start ? 1 : -1);
    if (step == 0) return fail(from, "~SEQ has step 0", "write another");
    for (int64_t value = start; (step > 0 ? value <= end : value >= end) && !stopped_; value += step) {
      char text[32];
      std::snprintf(text, sizeof text, is_hexadecimal ? "%llx" : "%lld", static_cast<long long>(value));
      parameters_[arguments[0]] = {text};
      take(rest, place_of(from), depth + 1);
      // Of a rest that makes no lines, too.
      if (++repeats_ > kMostLines) return fail(from, "~SEQ goes on too long", "import a part of it");
    }
  }

  void repeat_list(const std::vector<std::string>& arguments, const std::string& rest, const Source& from, int depth) {
    const std::vector<std::string> names = unbraced(arguments[0]);
    for (size_t i = 1; i < arguments.size() && !stopped_; ++i) {
      const std::vector<std::string> values = unbraced(arguments[i]);
      if (values.size() != names.size()) {
        return fail(from, config::in_quotes(arguments[i]) + " has not as many values as there are names", "write one for each name");
      }
      for (size_t k = 0; k < names.size(); ++k) parameters_[names[k]] = {values[k]};
      take(rest, place_of(from), depth + 1);
      if (++repeats_ > kMostLines) return fail(from, "~LST goes on too long", "import a part of it");
    }
  }

  void fail(const Source& from, std::string cause, std::string remedy) {
    if (!stopped_) result_.faults.push_back({from, std::move(cause), std::move(remedy)});
    stopped_ = true;
  }

  std::string id_;
  std::map<std::string, std::vector<std::string>> parameters_;
  KeepalivedLines result_;
  size_t repeats_ = 0;
  bool stopped_ = false;
};

}  // namespace

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, std::max<size_t>(slash, 1));
}

KeepalivedLines read_keepalived(std::string_view text, const std::string& file, const std::string& folder, const std::string& id) {
  Reading reading(id);
  reading.read(text, file, folder, 0);
  return reading.result();
}

}  // namespace shunt::shuntctl
