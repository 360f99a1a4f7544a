#include "src/shuntctl/foreign/ipvsadm_line.h"

#include <algorithm>
#include <array>
#include <optional>

#include "config/words.h"

namespace shunt::shuntctl {
namespace {

using Argument = IpvsadmOption::Argument;

constexpr uint8_t of(With with) { return static_cast<uint8_t>(with); }
constexpr uint8_t kAny = 63;
constexpr uint8_t kServices = of(With::kService);
constexpr uint8_t kReals = of(With::kReal);
constexpr uint8_t kDaemons = of(With::kDaemon);
constexpr uint8_t kLists = of(With::kShowing);

// What both have.
constexpr IpvsadmOption kCommon[] = {
    {"add-service", 'A', Argument::kNone, kServices, true},
    {"edit-service", 'E', Argument::kNone, kServices, true},
    {"delete-service", 'D', Argument::kNone, kServices, true},
    {"add-server", 'a', Argument::kNone, kReals, true},
    {"edit-server", 'e', Argument::kNone, kReals, true},
    {"delete-server", 'd', Argument::kNone, kReals, true},
    {"clear", 'C', Argument::kNone, 0, true},
    {"set", '\0', Argument::kNone, 0, true},
    {"start-daemon", '\0', Argument::kRequired, kDaemons, true},
    {"stop-daemon", '\0', Argument::kRequired, kDaemons, true},
    {"zero", 'Z', Argument::kNone, kLists, true},
    {"list", 'L', Argument::kNone, kLists, true},
    {"list", 'l', Argument::kNone, kLists, true},
    {"save", 'S', Argument::kNone, kLists, true},
    {"restore", 'R', Argument::kNone, kLists, true},
    {"help", 'h', Argument::kNone, kLists, true},
    {"version", 'v', Argument::kNone, kLists, true},
    {"tcp-service", 't', Argument::kRequired, kAny},
    {"udp-service", 'u', Argument::kRequired, kAny},
    {"sctp-service", '\0', Argument::kRequired, kAny},
    {"fwmark-service", 'f', Argument::kRequired, kAny},
    {"ipv6", '6', Argument::kNone, kAny},
    {"scheduler", 's', Argument::kRequired, kServices},
    {"persistent", 'p', Argument::kOptional, kServices},
    {"netmask", 'M', Argument::kRequired, kServices},
    {"pe", '\0', Argument::kRequired, kServices},
    {"ops", 'o', Argument::kNone, kServices},
    {"real-server", 'r', Argument::kRequired, kReals},
    {"gatewaying", 'g', Argument::kNone, kReals},
    {"ipip", 'i', Argument::kNone, kReals},
    {"masquerading", 'm', Argument::kNone, kReals},
    {"weight", 'w', Argument::kRequired, kReals},
    {"u-threshold", 'x', Argument::kRequired, kReals},
    {"l-threshold", 'y', Argument::kRequired, kReals},
    {"mcast-interface", '\0', Argument::kRequired, kDaemons},
    {"syncid", '\0', Argument::kRequired, kDaemons},
    {"connection", 'c', Argument::kNone, kLists},
    {"numeric", 'n', Argument::kNone, kLists},
    {"timeout", '\0', Argument::kNone, kLists},
    {"daemon", '\0', Argument::kNone, kLists},
    {"stats", '\0', Argument::kNone, kLists},
    {"rate", '\0', Argument::kNone, kLists},
    {"thresholds", '\0', Argument::kNone, kLists},
    {"persistent-conn", '\0', Argument::kNone, kLists},
    {"nosort", '\0', Argument::kNone, kLists},
    {"sort", '\0', Argument::kNone, kLists},
    {"exact", 'X', Argument::kNone, kLists},
};

constexpr IpvsadmOption kLinux[] = {
    {"sched-flags", 'b', Argument::kRequired, kServices},
    {"tun-type", '\0', Argument::kRequired, kReals},
    {"tun-port", '\0', Argument::kRequired, kReals},
    {"tun-nocsum", '\0', Argument::kNone, kReals},
    {"tun-csum", '\0', Argument::kNone, kReals},
    {"tun-remcsum", '\0', Argument::kNone, kReals},
    {"tun-info", '\0', Argument::kNone, kLists},
    {"sync-maxlen", '\0', Argument::kRequired, kDaemons},
    {"mcast-group", '\0', Argument::kRequired, kDaemons},
    {"mcast-port", '\0', Argument::kRequired, kDaemons},
    {"mcast-ttl", '\0', Argument::kRequired, kDaemons},
};

constexpr IpvsadmOption kDpvs[] = {
    {"add-laddr", 'P', Argument::kNone, of(With::kLocalAddress), true},
    {"del-laddr", 'Q', Argument::kNone, of(With::kLocalAddress), true},
    {"get-laddr", 'G', Argument::kNone, kLists, true},
    {"add-blklst", 'U', Argument::kNone, of(With::kClientList), true},
    {"del-blklst", 'V', Argument::kNone, of(With::kClientList), true},
    {"get-blklst", 'B', Argument::kNone, kLists, true},
    {"add-whtlst", 'O', Argument::kNone, of(With::kClientList), true},
    {"del-whtlst", 'Y', Argument::kNone, of(With::kClientList), true},
    {"get-whtlst", 'W', Argument::kNone, kLists, true},
    {"icmp-service", 'q', Argument::kRequired, kAny},
    {"icmpv6-service", '1', Argument::kRequired, kAny},
    {"match", 'H', Argument::kRequired, kAny},
    {"fullnat", 'b', Argument::kNone, kReals},
    {"snat", 'J', Argument::kNone, kReals},
    {"laddr", 'z', Argument::kRequired, of(With::kLocalAddress)},
    {"ifname", 'F', Argument::kRequired, of(With::kLocalAddress)},
    {"blklst", 'k', Argument::kRequired, of(With::kClientList)},
    {"whtlst", '2', Argument::kRequired, of(With::kClientList)},
    {"synproxy", 'j', Argument::kRequired, kServices},
    {"hash-target", '\0', Argument::kRequired, kServices},
    {"expire-quiescent", '\0', Argument::kNone, kServices},
    {"dest-check", '\0', Argument::kRequired, kServices},
    {"conn-timeout", '\0', Argument::kRequired, kServices},
    {"proxy-protocol", '\0', Argument::kRequired, kServices},
    {"quic", '\0', Argument::kNone, kServices},
    {"cpu", '\0', Argument::kRequired, kAny},
    {"sockpair", '\0', Argument::kRequired, kLists},
};

template <typename Fits>
const IpvsadmOption* find_option(Ipvsadm dialect, Fits fits) {
  for (const IpvsadmOption& option : kCommon) {
    if (fits(option)) return &option;
  }
  const IpvsadmOption* begin = dialect == Ipvsadm::kLinux ? std::begin(kLinux) : std::begin(kDpvs);
  const IpvsadmOption* end = dialect == Ipvsadm::kLinux ? std::end(kLinux) : std::end(kDpvs);
  const IpvsadmOption* found = std::find_if(begin, end, fits);
  return found == end ? nullptr : found;
}

const IpvsadmOption* by_name(Ipvsadm dialect, std::string_view name) {
  return find_option(dialect, [name](const IpvsadmOption& option) { return option.name == name; });
}

const IpvsadmOption* by_letter(Ipvsadm dialect, char letter) {
  return find_option(dialect, [letter](const IpvsadmOption& option) { return option.letter == letter; });
}

std::string shown(const IpvsadmOption& option) {
  return option.letter == '\0' ? "--" + std::string(option.name) : std::string("-") + option.letter;
}

struct Word {
  std::string text;
  int column;
};

std::vector<Word> words_of(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  std::vector<Word> words;
  for (size_t at = line.find_first_not_of(kBlanks); at != std::string_view::npos;) {
    const size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
    words.push_back({std::string(line.substr(at, end - at)), static_cast<int>(at) + 1});
    at = line.find_first_not_of(kBlanks, end);
  }
  return words;
}

class LineParser {
 public:
  LineParser(std::vector<Word> words, Ipvsadm dialect, const Source& from)
      : words_(std::move(words)), dialect_(dialect), from_(from) {}

  std::variant<IpvsadmLine, Fault> parse() {
    if (!words_.empty() && (words_[0].text == "ipvsadm" || words_[0].text.ends_with("/ipvsadm"))) at_ = 1;
    if (at_ >= words_.size() || words_[at_].text.front() == '#') return line_;
    while (at_ < words_.size() && !fault_) {
      const Word& word = words_[at_++];
      if (word.text.starts_with("--")) {
        take_long(word);
      } else if (word.text.size() > 1 && word.text.front() == '-') {
        take_letters(word);
      } else {
        line_.words.push_back(word.text);
      }
    }
    if (!fault_) judge();
    if (fault_) return *fault_;
    return line_;
  }

 private:
  void take_long(const Word& word) {
    const size_t equals = word.text.find('=');
    const std::string name = word.text.substr(2, equals == std::string::npos ? equals : equals - 2);
    const IpvsadmOption* option = by_name(dialect_, name);
    if (option == nullptr) return unknown("--" + name, by_name(other(), name) != nullptr, word.column);
    GivenOption given{option, "", word.column};
    if (equals != std::string::npos) {
      if (option->argument == Argument::kNone) {
        return fail(word.column, "--" + name + " takes no value", "write it without " + config::in_quotes(word.text.substr(equals)));
      }
      given.value = word.text.substr(equals + 1);
    } else {
      take_value(given);
    }
    add(std::move(given));
  }

  // "-A", "-At", "-w5".
  void take_letters(const Word& word) {
    for (size_t i = 1; i < word.text.size() && !fault_; ++i) {
      const int column = word.column + static_cast<int>(i) - (i == 1 ? 1 : 0);
      const IpvsadmOption* option = by_letter(dialect_, word.text[i]);
      if (option == nullptr) {
        return unknown(std::string("-") + word.text[i], by_letter(other(), word.text[i]) != nullptr, column);
      }
      GivenOption given{option, "", column};
      if (option->argument == Argument::kNone) {
        add(std::move(given));
        continue;
      }
      const std::string rest = word.text.substr(i + 1);
      if (rest.empty()) {
        take_value(given);
      } else {
        given.value = rest.front() == '=' ? rest.substr(1) : rest;
      }
      return add(std::move(given));
    }
  }

  void take_value(GivenOption& given) {
    const bool is_there = at_ < words_.size();
    if (given.option->argument == Argument::kNone) return;
    if (given.option->argument == Argument::kOptional) {
      if (is_there && words_[at_].text.front() != '-') given.value = words_[at_++].text;
      return;
    }
    if (!is_there) return fail(given.column, shown(*given.option) + " needs a value", "write one behind it");
    given.value = words_[at_++].text;
  }

  void add(GivenOption given) {
    if (fault_) return;
    if (given.option->is_command) {
      if (!line_.command.empty()) {
        return fail(given.column, shown(*given.option) + " is a second command on the line", "give each its own line");
      }
      line_.command = given.option->name;
      line_.column = given.column;
      command_ = given.option;
    }
    line_.options.push_back(std::move(given));
  }

  void judge() {
    if (command_ == nullptr) {
      return fail(words_[0].column, "the line has no command", "begin it with -A, -a or --set, as ipvsadm-save does");
    }
    for (const GivenOption& given : line_.options) {
      if (given.option->is_command || (given.option->with & command_->with) != 0) continue;
      return fail(given.column, shown(*given.option) + " does not go with " + shown(*command_), "remove it");
    }
    const bool has_words = !line_.words.empty() && line_.command != "set";
    if (has_words) fail(line_.column, config::in_quotes(line_.words[0]) + " belongs to no option", "remove it");
  }

  Ipvsadm other() const { return dialect_ == Ipvsadm::kLinux ? Ipvsadm::kDpvs : Ipvsadm::kLinux; }

  void unknown(const std::string& option, bool is_the_others, int column) {
    if (!is_the_others) return fail(column, "there is no option " + config::shown(option), "see ipvsadm(8)");
    const bool is_linux = dialect_ == Ipvsadm::kLinux;
    fail(column, option + std::string(is_linux ? " is an option of DPVS's ipvsadm" : " is an option of Linux's ipvsadm"),
         std::string("use shuntctl import ") + (is_linux ? "dpvs" : "ipvsadm"));
  }

  void fail(int column, std::string cause, std::string remedy) {
    if (fault_) return;
    fault_ = Fault{{from_.file, {from_.place.line, column}}, std::move(cause), std::move(remedy)};
  }

  std::vector<Word> words_;
  Ipvsadm dialect_;
  Source from_;
  size_t at_ = 0;
  IpvsadmLine line_;
  const IpvsadmOption* command_ = nullptr;
  std::optional<Fault> fault_;
};

}  // namespace

const GivenOption* IpvsadmLine::find(std::string_view name) const {
  const auto found = std::find_if(options.rbegin(), options.rend(),
                                  [name](const GivenOption& given) { return given.option->name == name; });
  return found == options.rend() ? nullptr : &*found;
}

std::variant<IpvsadmLine, Fault> parse_ipvsadm_line(std::string_view line, Ipvsadm dialect, const Source& from) {
  return LineParser(words_of(line), dialect, from).parse();
}

}  // namespace shunt::shuntctl
