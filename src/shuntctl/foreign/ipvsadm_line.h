// One line of ipvsadm's input (`ipvsadm -R`): a command and its options, of Linux's ipvsadm or of DPVS's. What the values
// mean is for the caller. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "src/shuntctl/foreign/note.h"

namespace shunt::shuntctl {

enum class Ipvsadm : uint8_t { kLinux, kDpvs };

// What an option's command is about; several for some options.
enum class With : uint8_t {
  kNothing = 0,
  kService = 1,
  kReal = 2,
  kDaemon = 4,
  kLocalAddress = 8,
  kClientList = 16,
  // Lists and counters: nothing to carry over.
  kShowing = 32,
};

struct IpvsadmOption {
  // "add-service": also what the option is called here.
  std::string_view name;
  // '\0': it has none.
  char letter;
  enum class Argument : uint8_t { kNone, kRequired, kOptional } argument;
  // Of a command, what it is about; of another option, the sum of what it goes with.
  uint8_t with;
  bool is_command = false;
};

struct GivenOption {
  const IpvsadmOption* option = nullptr;
  std::string value;
  // 1-based.
  int column = 0;
};

struct IpvsadmLine {
  // Its command's name; empty: the line is blank.
  std::string_view command;
  std::vector<GivenOption> options;
  // Words that belong to no option: the three timeouts of --set.
  std::vector<std::string> words;
  int column = 0;

  // The last one of the name, as with ipvsadm; nullptr: it is not given.
  const GivenOption* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
};

// `line` may begin with the program's name.
std::variant<IpvsadmLine, Fault> parse_ipvsadm_line(std::string_view line, Ipvsadm dialect, const Source& from);

}  // namespace shunt::shuntctl
