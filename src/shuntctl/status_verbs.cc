// shuntctl status, version.
#include <nlohmann/json.hpp>

#include "src/shuntctl/client.h"
#include "src/shuntctl/output/table.h"
#include "src/shuntctl/output/text.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

std::string used_text(uint64_t used, uint64_t capacity, bool exact) {
  std::string text = count(used, exact);
  if (capacity == 0) return text;
  const double share = static_cast<double>(used) / static_cast<double>(capacity);
  return text + " of " + count(capacity, exact) + " (" + percent(share) + ")";
}

// Each family has a table of its own: one may be full while the other is empty.
std::string connections_text(const v1::Status& status, bool exact) {
  return "IPv4 " + used_text(status.connections(), status.connection_capacity(), exact) + ", IPv6 " +
         used_text(status.ipv6_connections(), status.ipv6_connection_capacity(), exact) + ", tables take " +
         bytes(status.connection_table_bytes(), exact);
}

std::string persistent_text(const v1::Status& status, bool exact) {
  std::string text = used_text(status.templates(), status.template_capacity(), exact);
  if (status.unremembered_connections() == 0) return text;
  return text + ", " + count(status.unremembered_connections(), exact) + " connections found no place";
}

// "12 data connections of 14 announced, 1 not expected, 2 refused, 3 control connections unread".
std::string ftp_text(const v1::FtpCounters& ftp, bool exact) {
  std::string text = count(ftp.opened(), exact) + " data connections of " + count(ftp.expected(), exact) + " announced";
  if (ftp.unexpected() > 0) text += ", " + count(ftp.unexpected(), exact) + " not expected";
  if (ftp.refused() > 0) text += ", " + count(ftp.refused(), exact) + " refused";
  if (ftp.unread() > 0) text += ", " + count(ftp.unread(), exact) + " control connections unread";
  return text;
}

Outcome show_status(const Settings& settings) {
  Client client(settings);
  v1::Status status;
  if (auto failure = client.call(&v1::Shunt::Stub::GetStatus, v1::GetStatusRequest(), &status)) return *failure;
  if (settings.json) {
    print_json(status);
    return {};
  }
  const auto now = std::chrono::system_clock::now();
  Table table({Align::kLeft, Align::kLeft});
  const auto line = [&](const char* name, Cell value) { table.row({{name, Tone::kBold}, std::move(value)}); };
  line("version", "shuntd " + status.version() + ", DPDK " + status.dpdk_version());
  line("host", status.hostname());
  line("up", age_of(status.started(), now) + ", since " + local_time(status.started()));
  line("revision", std::to_string(status.revision()) + ", applied " + local_time(status.applied()));
  line("services", std::to_string(status.services()));
  const bool all_up = status.reals_up() == status.reals();
  line("reals", {std::to_string(status.reals()) + ", " + std::to_string(status.reals_up()) + " up",
                 all_up ? Tone::kPlain : Tone::kWarning});
  line("workers", std::to_string(status.workers()));
  line("connections", connections_text(status, settings.exact));
  if (status.templates() > 0 || status.unremembered_connections() > 0) {
    line("persistent clients", {persistent_text(status, settings.exact),
                                status.unremembered_connections() > 0 ? Tone::kWarning : Tone::kPlain});
  }
  if (status.uncarried_client_addresses() > 0) {
    line("client addresses", {count(status.uncarried_client_addresses(), settings.exact) + " packets could not tell them",
                              Tone::kWarning});
  }
  if (const v1::FtpCounters& ftp = status.ftp(); ftp.expected() + ftp.unexpected() + ftp.refused() + ftp.unread() > 0) {
    line("ftp", {ftp_text(ftp, settings.exact), ftp.unexpected() + ftp.unread() > 0 ? Tone::kWarning : Tone::kPlain});
  }
  if (status.problems().empty()) line("problems", {"none", Tone::kGood});
  const char* name = "problems";
  for (const auto& problem : status.problems()) {
    line(name, {problem, Tone::kBad});
    name = "";
  }
  print(table.to_string(settings.colour));
  return {};
}

Outcome show_version(const Settings& settings) {
  // Also of use where no daemon runs, so its silence is no failure.
  Settings quick = settings;
  if (!quick.timeout) quick.timeout = std::chrono::seconds(1);
  Client client(quick);
  v1::Status status;
  const bool answered = !client.call(&v1::Shunt::Stub::GetStatus, v1::GetStatusRequest(), &status).has_value();
  if (settings.json) {
    nlohmann::ordered_json report = {{"shuntctl", SHUNT_VERSION}};
    if (answered) report["shuntd"] = status.version();
    if (answered) report["dpdk"] = status.dpdk_version();
    print(report.dump() + "\n");
    return {};
  }
  print("shuntctl " SHUNT_VERSION "\n");
  if (answered) print("shuntd " + printable(status.version()) + ", DPDK " + printable(status.dpdk_version()) + "\n");
  return {};
}

}  // namespace

void add_status_verbs(CLI::App& app, Command& command) {
  app.add_subcommand("status", "One look: version, revision, totals, and what wants attention")
      ->callback([&command] { command.action = show_status; });
  app.add_subcommand("version", "Versions of shuntctl and, when it answers, of the daemon")
      ->callback([&command] { command.action = show_version; });
}

}  // namespace shunt::shuntctl
