// What a person has to know of something that was carried over from another load balancer's configuration: what was left
// out, or works otherwise from now on, where it stood, and what to do instead. Plain values; any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/problem.h"

namespace shunt::shuntctl {

// Where something stands in the input, which may be several files.
struct Source {
  std::string file;
  config::Place place;
};

struct Note {
  Source from;
  // Whom it is about, in the input's words: "service tcp 192.0.2.10:80".
  std::string subject;
  std::string cause;
  // What to do instead.
  std::string remedy;
  // False: all of it is carried over, but a person should look at it.
  bool is_left_out = true;
};

// "rules:3:1: left out: service tcp 192.0.2.10:80: cause; remedy"
inline std::string to_string(const Note& note) {
  std::string text;
  if (note.from.place.line > 0) {
    text = note.from.file + ":" + std::to_string(note.from.place.line) + ":" + std::to_string(note.from.place.column) + ": ";
  }
  text += note.is_left_out ? "left out: " : "look at: ";
  if (!note.subject.empty()) text += note.subject + ": ";
  return text + note.cause + "; " + note.remedy;
}

// What makes the input unreadable.
struct Fault {
  Source from;
  std::string cause;
  std::string remedy;
};

inline std::string to_string(const Fault& fault) {
  std::string text = fault.from.file + ":";
  if (fault.from.place.line > 0) {
    text += std::to_string(fault.from.place.line) + ":" + std::to_string(fault.from.place.column) + ":";
  }
  return text + " " + fault.cause + "; " + fault.remedy;
}

}  // namespace shunt::shuntctl
