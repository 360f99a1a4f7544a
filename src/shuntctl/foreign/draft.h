// A configuration of Shunt in the making, each part with where it came from and what is to be said of it. One thread.
#pragma once

#include <string>
#include <vector>

#include "shunt/v1/config.pb.h"
#include "src/shuntctl/foreign/note.h"

namespace shunt::shuntctl {

struct DraftReal {
  v1::Real real;
  Source from;
  std::vector<Note> notes;
  // It is no part of the result: only its notes are written, where it would stand.
  bool is_left_out = false;
};

struct DraftService {
  // Without its reals, which are below.
  v1::Service service;
  std::vector<DraftReal> reals;
  std::vector<DraftReal> sorry_reals;
  Source from;
  // As the input calls it: "service tcp 192.0.2.10:80".
  std::string subject;
  std::vector<Note> notes;
  // It is written as a comment, for a person to complete.
  bool is_left_out = false;
};

struct Draft {
  // All but the services.
  v1::Config config;
  std::vector<DraftService> services;
  std::vector<Note> notes;
};

// What an importer made of its input. With faults the draft is unusable.
struct Imported {
  Draft draft;
  std::vector<Fault> faults;
};

// What a draft without ports has in their place, for a person to change.
v1::Port placeholder_port();

// The message that the draft stands for.
v1::Config assemble(const Draft& draft);

// Takes out, each with a note, what Shunt's own validation refuses, until it refuses nothing. Whatever an importer
// overlooked, its result is valid.
void leave_out_what_is_refused(Draft& draft);

// "tcp-192.0.2.10-80" for a service that has no name in the input, with a number behind it where it is taken. No more
// than a name may have.
std::string unused_name(const Draft& draft, std::string wanted);

// The general ones, then those of services and reals, as they follow in the draft.
std::vector<Note> all_notes(const Draft& draft);

// The file: `title` as its first comment, notes as comments at their places, and where the draft has no ports, some for
// a person to change, so that `shuntd --check` and `shuntctl apply` both take it.
std::string draft_text(const Draft& draft, const std::string& title);

}  // namespace shunt::shuntctl
