// What tests ask of an import. Of a result that shall be valid: that shuntd would start with it, and apply take it.
#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "config/yaml_file.h"
#include "src/shuntctl/foreign/draft.h"

namespace shunt::shuntctl {

inline std::vector<std::string> faults(const Imported& imported) {
  std::vector<std::string> texts;
  for (const Fault& fault : imported.faults) texts.push_back(to_string(fault));
  return texts;
}

// Notes of what was not carried over. The import itself must have been possible.
inline std::vector<std::string> left_out(const Imported& imported) {
  EXPECT_THAT(faults(imported), testing::IsEmpty());
  std::vector<std::string> texts;
  for (const Note& note : all_notes(imported.draft)) {
    if (note.is_left_out) texts.push_back(to_string(note));
  }
  return texts;
}

inline std::vector<std::string> hints(const Imported& imported) {
  std::vector<std::string> texts;
  for (const Note& note : all_notes(imported.draft)) {
    if (!note.is_left_out) texts.push_back(to_string(note));
  }
  return texts;
}

inline std::string services_text(const Imported& imported) {
  const std::string text = draft_text(imported.draft, "title");
  return text.substr(text.find("services:"));
}

inline void expect_valid(const Imported& imported) {
  const std::string text = draft_text(imported.draft, "title");
  for (const auto purpose : {config::Purpose::kDaemon, config::Purpose::kDesiredState}) {
    const config::LoadedFile loaded = config::load_yaml_text(text, "lb.yaml", purpose);
    for (const auto& problem : loaded.problems) ADD_FAILURE() << config::to_string(problem, "lb.yaml") << "\n" << text;
  }
}

inline v1::Service only_service(const Imported& imported) {
  EXPECT_THAT(faults(imported), testing::IsEmpty());
  expect_valid(imported);
  const v1::Config config = assemble(imported.draft);
  EXPECT_EQ(config.services_size(), 1);
  return config.services_size() > 0 ? config.services(0) : v1::Service();
}

// Cuts the text short, and changes, removes and doubles bytes and lines of it, always the same ones: what is made of each
// is valid, or refused at a place with cause and remedy.
inline void expect_sound_when_mutated(const std::string& text, const std::function<Imported(const std::string&)>& import,
                                      int rounds = 1500) {
  std::mt19937 random(20261127);  // NOLINT: the same each time
  const auto below = [&random](size_t end) { return static_cast<size_t>(random() % std::max<size_t>(end, 1)); };
  constexpr char kBytes[] = "-{}[]:./ \n\"\\!#$@0159aftxA\0\xff\t=";
  for (int round = 0; round < rounds; ++round) {
    std::string changed = text;
    for (size_t edits = 1 + below(3); edits > 0; --edits) {
      const size_t at = below(changed.size());
      switch (below(5)) {
        case 0: changed.resize(at); break;
        case 1: changed.insert(at, 1, kBytes[below(sizeof kBytes - 1)]); break;
        case 2: if (!changed.empty()) changed[at] = kBytes[below(sizeof kBytes - 1)]; break;
        case 3: changed.erase(at, 1 + below(8)); break;
        case 4: changed.insert(at, changed.substr(below(changed.size()), 40)); break;
      }
    }
    const Imported imported = import(changed);
    for (const Fault& fault : imported.faults) {
      if (!fault.from.file.empty() && !fault.cause.empty() && !fault.remedy.empty()) continue;
      ADD_FAILURE() << to_string(fault) << "\nfor:\n" << changed;
    }
    if (imported.faults.empty()) expect_valid(imported);
    if (testing::Test::HasFailure()) {
      ADD_FAILURE() << "for:\n" << changed;
      return;
    }
  }
}

}  // namespace shunt::shuntctl
