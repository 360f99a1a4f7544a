#include "config/yaml_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include "config/convert.h"
#include "config/subject.h"
#include "config/validate.h"
#include "config/yaml_decode.h"
#include "config/yaml_tree.h"

namespace shunt::config {
namespace {

constexpr size_t kMaxFileBytes = 64U << 20;

// What stands in the file, or why it cannot be read.
struct Contents {
  std::string text;
  std::optional<Problem> problem;
};

Contents read_file(const std::string& path) {
  const auto fail = [&](const char* why, const std::string& cause, const char* remedy) {
    return Contents{"", Problem{"", path, why, cause, remedy, {}}};
  };
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  if (file == nullptr) {
    return fail(reason::kMalformed, std::string("cannot be opened: ") + std::strerror(errno),
                "check the path and its permissions");
  }
  Contents contents;
  char chunk[1 << 16];
  while (const size_t bytes = std::fread(chunk, 1, sizeof chunk, file.get())) {
    contents.text.append(chunk, bytes);
    if (contents.text.size() > kMaxFileBytes) {
      return fail(reason::kUnsupported, "is larger than 64 MiB", "name a configuration file");
    }
  }
  if (std::ferror(file.get()) != 0) {
    return fail(reason::kMalformed, std::string("cannot be read: ") + std::strerror(errno),
                "name an ordinary file");
  }
  return contents;
}

// Whether `field` is one of the sorted fields or lies below one.
bool covered(std::string_view field, const std::vector<std::string>& fields) {
  for (size_t end = field.size();; end = field.find_last_of(".[", end - 1)) {
    if (end == std::string_view::npos) return std::binary_search(fields.begin(), fields.end(), "");
    const std::string prefix(field.substr(0, end));
    if (std::binary_search(fields.begin(), fields.end(), prefix)) return true;
    if (end == 0) return false;
  }
}

// Whether one of the sorted fields lies below `group`.
bool has_part_of(const std::string& group, const std::vector<std::string>& fields) {
  const std::string prefix = group + ".";
  const auto first = std::lower_bound(fields.begin(), fields.end(), prefix);
  return first != fields.end() && first->starts_with(prefix);
}

// Whether what the decoder said of unusable fields says it all.
bool is_told(const Problem& problem, const std::vector<std::string>& unusable) {
  return covered(problem.field, unusable) ||
         (!problem.missed_in.empty() && has_part_of(problem.missed_in, unusable));
}

void sort_by_place(std::vector<Problem>& problems) {
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.place.line, a.place.column) < std::tie(b.place.line, b.place.column);
  });
}

}  // namespace

LoadedFile load_yaml_file(const std::string& path, Purpose purpose) {
  Contents contents = read_file(path);
  if (contents.problem) return {{}, {std::move(*contents.problem)}};
  return load_yaml_text(contents.text, path, purpose);
}

LoadedFile load_yaml_text(std::string_view text, std::string_view name, Purpose purpose) {
  LoadedFile file;
  const YamlTree tree = YamlTree::parse(text);
  if (!tree.problems().empty()) {
    file.problems = tree.problems();
    for (Problem& problem : file.problems) {
      if (problem.place.line == 0) problem.subject = name;
    }
    return file;
  }
  Decoded decoded = decode(tree.root(), file.config);
  file.problems = std::move(decoded.problems);
  for (Problem& problem : file.problems) problem.subject = subject_of(problem.field, file.config);
  if (!decoded.stopped) {
    std::vector<Problem> semantic = purpose == Purpose::kDaemon
                                        ? validate(file.config)
                                        : validate_desired_state(desired_part(file.config));
    for (Problem& problem : semantic) {
      if (is_told(problem, decoded.unusable_fields)) continue;
      problem.place = place_of(tree.root(), problem.field);
      file.problems.push_back(std::move(problem));
    }
  }
  sort_by_place(file.problems);
  if (decoded.stopped) file.problems.push_back(std::move(*decoded.stopped));
  return file;
}

}  // namespace shunt::config
