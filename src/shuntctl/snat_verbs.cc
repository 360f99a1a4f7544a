// shuntctl snat: the rules by which those behind Shunt reach out, and what they do.
#include "src/shuntctl/client.h"
#include "src/shuntctl/edit_verbs.h"
#include "src/shuntctl/output/table.h"
#include "src/shuntctl/output/text.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

using enum Align;

// "tcp,udp"; the first of many, and how many more there are.
template <typename List>
std::string joined(const List& list) {
  constexpr int kShown = 3;
  std::string text;
  for (int i = 0; i < list.size() && i < kShown; ++i) text += (i == 0 ? "" : ",") + printable(list.Get(i));
  if (list.size() > kShown) text += ",+" + std::to_string(list.size() - kShown);
  return text.empty() ? "any" : text;
}

std::string protocols_of(const v1::SnatRule& rule) {
  std::string text;
  for (const int protocol : rule.protocols()) {
    text += (text.empty() ? "" : ",") + word(static_cast<v1::Protocol>(protocol));
  }
  return text;
}

// "inside>outside": the ports that packets come in on and leave by.
std::string way_of(const v1::SnatRule& rule) {
  const auto name = [](const std::string& port) { return port.empty() ? std::string("any") : printable(port); };
  return name(rule.ingress_port()) + ">" + name(rule.egress_port());
}

Outcome list_snat(const Settings& settings) {
  Client client(settings);
  v1::ListSnatResponse response;
  if (auto failure = client.call(&v1::Shunt::Stub::ListSnat, v1::ListSnatRequest(), &response)) return *failure;
  if (settings.json) {
    print_json(response);
    return {};
  }
  const bool exact = settings.exact;
  Table table({kLeft, kLeft, kLeft, kLeft, kLeft, kLeft, kRight, kLeft, kRight, kRight, kRight, kRight, kRight, kRight,
               kRight});
  table.header({"Rule", "Sources", "Destinations", "Protocols", "Ports", "Pool", "Addrs", "PoolPorts", "Conns", "Opened",
                "Exhausted", "OutPkts", "InPkts", "OutBytes", "InBytes"});
  for (const auto& state : response.rules()) {
    const v1::SnatRule& rule = state.rule();
    table.row({{printable(rule.name()), Tone::kBold}, joined(rule.sources()), joined(rule.destinations()),
               protocols_of(rule), way_of(rule), joined(rule.addresses()), std::to_string(state.addresses()),
               std::to_string(rule.first_port()) + "-" + std::to_string(rule.last_port()),
               count(state.connections(), exact), count(state.traffic().connections(), exact),
               {count(state.exhausted(), exact), state.exhausted() > 0 ? Tone::kWarning : Tone::kPlain},
               count(state.traffic().out_packets(), exact), count(state.traffic().in_packets(), exact),
               count(state.traffic().out_bytes(), exact), count(state.traffic().in_bytes(), exact)});
  }
  print(response.rules().empty() ? "no rule of snat\n" : table.to_string(settings.colour));
  return {};
}

}  // namespace

void add_snat_verbs(CLI::App& app, Command& command) {
  CLI::App* snat = app.add_subcommand("snat", "Source NAT: those behind Shunt that reach out")->require_subcommand(1);
  snat->add_subcommand("list", "Rules in the order in which they are asked: pool, connections, packets")
      ->callback([&command] { command.action = list_snat; });
  add_snat_edits(*snat, command);
}

}  // namespace shunt::shuntctl
