// shuntctl service list: ipvsadm's table, with health.
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "config/duration.h"
#include "src/shuntctl/client.h"
#include "src/shuntctl/edit_verbs.h"
#include "src/shuntctl/output/override_text.h"
#include "src/shuntctl/output/table.h"
#include "src/shuntctl/output/text.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

using Now = std::chrono::system_clock::time_point;

struct ListOptions {
  std::string name;
  bool stats = false;
  bool rate = false;
};

// Services a call: a page of full services stays far below the message size.
constexpr uint32_t kPageSize = 500;

Tone tone_of(v1::Health health) {
  if (health == v1::HEALTH_DOWN) return Tone::kBad;
  return health == v1::HEALTH_UP ? Tone::kGood : Tone::kPlain;
}

// Health is what checks found, the rest what clients' connections and the operator did: all are said.
Cell health_cell(const v1::RealState& real) {
  std::string text = word(real.health());
  if (real.has_inhibition()) text += " inhibited";
  if (real.sorry()) text += " sorry";
  if (real.draining()) text += " draining";
  if (real.removed()) text += " removed";
  const bool leaving = real.draining() || real.removed();
  return {text, leaving ? Tone::kWarning : real.has_inhibition() ? Tone::kBad : tone_of(real.health())};
}

// "inhibited for 12s, ends in 18s: 5 of 5 connections failed: 5 refused, all in a row"; empty: it is not.
std::string inhibition_text(const v1::RealState& real, Now now) {
  if (!real.has_inhibition()) return "";
  const v1::InhibitionState& inhibition = real.inhibition();
  return "inhibited for " + age_of(inhibition.since(), now) + ", ends " + time_left(inhibition.until(), now) + ": " +
         inhibition.why();
}

// " persistent 300s", " persistent 300s pe sip", " persistent 300s /24" where a client is more than one address; ipvsadm shows a mask.
std::string persistence_text(const v1::ServiceState& service) {
  if (!service.has_persistence()) return "";
  const v1::Persistence& persistence = service.persistence();
  std::string text = " persistent " + config::format_duration_ms(config::to_ms(persistence.timeout()).value_or(0));
  const uint32_t prefix = persistence.ipv4_prefix() != 0 ? persistence.ipv4_prefix() : persistence.ipv6_prefix();
  const uint32_t whole = persistence.ipv4_prefix() != 0 ? 32 : 128;
  if (prefix != whole) text += " /" + std::to_string(prefix);
  return text + (persistence.engine() == v1::PERSISTENCE_ENGINE_SIP ? " pe sip" : "");
}

// "mh (fallback,port)", as ipvsadm shows flags, "conhash (bound 125%)", and its "ops" for one-packet services.
std::string scheduler_text(const v1::ServiceState& service) {
  std::string flags = service.scheduler_flags().fallback() ? "fallback" : "";
  if (service.scheduler_flags().port()) flags += flags.empty() ? "port" : ",port";
  if (service.scheduler_flags().has_load_bound()) {
    const uint32_t bound = service.scheduler_flags().load_bound();
    flags += (flags.empty() ? "" : ",") + (bound == 0 ? "no bound" : "bound " + std::to_string(bound) + "%");
  }
  const std::string scheduler = word(service.scheduler()) + (flags.empty() ? "" : " (" + flags + ")");
  return scheduler + (service.one_packet() ? " ops" : "") + persistence_text(service);
}

// What the service is found by: its first VIP, or its match.
std::string place_of(const v1::ServiceState& service) {
  return service.has_match() ? match_text(service.match()) : endpoint_of(service);
}

// The scheduler's weight, and the configured one where they differ.
std::string weight_text(const v1::RealState& real) {
  const std::string effective = std::to_string(real.effective_weight());
  if (real.effective_weight() == real.weight()) return effective;
  return effective + "/" + std::to_string(real.weight());
}

// The check's last words, when it has too many connections, and why packets could not be sent to a healthy real.
std::string remarks(const v1::RealState& real, Now now) {
  std::string text = real.last_check();
  const std::string overridden = override_text(real, now);
  if (!overridden.empty()) text += (text.empty() ? "" : "; ") + overridden;
  const std::string inhibited = inhibition_text(real, now);
  if (!inhibited.empty()) text += (text.empty() ? "" : "; ") + inhibited;
  if (real.slow_start_percent() > 0) {
    text += (text.empty() ? "" : "; ") + std::string("slow start: ") + std::to_string(real.slow_start_percent()) + " %";
  }
  if (real.upper_threshold() > 0) {
    text += (text.empty() ? "" : "; ") + std::string("full at ") + std::to_string(real.upper_threshold());
    if (real.lower_threshold() > 0) text += ", again below " + std::to_string(real.lower_threshold());
  }
  const bool is_plain = real.next_hop().rfind("reachable", 0) == 0 && real.next_hop().find(", path") == std::string::npos;
  if (!real.next_hop().empty() && !is_plain) {
    text += (text.empty() ? "" : "; ") + std::string("next hop: ") + real.next_hop();
  }
  return text;
}

Cell up_of(const v1::ServiceState& service) {
  int present = 0;
  int up = 0;
  for (const auto& real : service.reals()) {
    if (real.removed()) continue;
    ++present;
    if (real.health() != v1::HEALTH_DOWN && !real.has_inhibition()) ++up;
  }
  const Tone tone = up == present ? Tone::kPlain : up == 0 ? Tone::kBad : Tone::kWarning;
  return {std::to_string(up) + "/" + std::to_string(present) + " up", tone};
}

// "quorum lost: weight 1 of 3 up, withdrawn", "panic: fewer than 50 % up, all are used"
std::string standing_text(const v1::ServiceState& service) {
  std::string text;
  if (service.panics()) text = "panic: fewer than " + std::to_string(service.panic_threshold()) + " % up, all are used";
  if (service.quorum().weight() > 0 && !service.is_quorate()) {
    text += (text.empty() ? "" : "; ") + std::string("quorum lost: weight ") + std::to_string(service.weight_up()) + " of " +
            std::to_string(service.quorum().weight() + service.quorum().hysteresis()) + " up" +
            (service.withdrawn() ? ", withdrawn" : "");
  }
  return text;
}

// "access: 3 allowed, 120 denied, 4711 packets refused"
std::string access_text(const v1::ServiceState& service, bool exact) {
  if (!service.has_access()) return "";
  const v1::AccessState& access = service.access();
  std::string text = "access:";
  if (access.allowed_prefixes() > 0) text += " " + std::to_string(access.allowed_prefixes()) + " allowed,";
  if (access.denied_prefixes() > 0) text += " " + std::to_string(access.denied_prefixes()) + " denied,";
  return text + " " + count(access.denied_packets(), exact) + " packets refused";
}

// "limits, refused: 12 new connections, 3 connections; of clients: 7 packets"
std::string limits_text(const v1::ServiceState& service, bool exact) {
  if (!service.has_limits()) return "";
  const auto told = [exact](const v1::LimitedPackets& packets) {
    std::string text;
    const auto add = [&](uint64_t value, const char* what) {
      if (value > 0) text += (text.empty() ? "" : ", ") + count(value, exact) + what;
    };
    add(packets.new_connections(), " new connections");
    add(packets.packets(), " packets");
    add(packets.bits(), " packets for their bits");
    add(packets.connections(), " connections at a time");
    return text;
  };
  const std::string all = told(service.limited());
  const std::string each = told(service.client_limited());
  if (all.empty() && each.empty()) return "limits: nothing refused";
  return "limits, refused: " + all + (each.empty() ? "" : (all.empty() ? "" : "; ") + std::string("of clients: ") + each);
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

// A name that only repeats the address says nothing.
std::string own_name(const v1::RealState& real) {
  return real.name() == endpoint(real.address(), real.port()) ? "" : real.name();
}

std::string states_table(const std::vector<v1::ServiceState>& services, const Settings& settings, Now now) {
  using enum Align;
  Table table({kLeft, kLeft, kLeft, kRight, kRight, kRight, kLeft, kRight, kLeft, kLeft});
  table.header({"Prot", "LocalAddress:Port", "Scheduler", "", "", "", "", "", "Name"});
  table.header({"  ->", "RemoteAddress:Port", "Forward", "Weight", "ActiveConn", "InActConn", "Health", "Since", "Name",
                "LastCheck"});
  const auto number = [&](uint64_t value) { return Cell(count(value, settings.exact)); };
  for (const auto& service : services) {
    table.row({upper(word(service.protocol())), place_of(service), scheduler_text(service), "",
               number(service.active_connections()), number(service.inactive_connections()), up_of(service), "",
               {service.name(), Tone::kBold}, {standing_text(service), Tone::kBad}});
    if (service.has_access()) table.row({"", access_text(service, settings.exact)});
    if (service.has_limits()) table.row({"", limits_text(service, settings.exact)});
    for (const auto& vip : service.more_vips()) table.row({"", endpoint_of(vip)});
    for (const auto& real : service.reals()) {
      table.row({"  ->", endpoint(real.address(), real.port()), forward_text(real), weight_text(real),
                 number(real.active_connections()), number(real.inactive_connections()), health_cell(real),
                 age_of(real.health_since(), now), own_name(real), remarks(real, now)});
    }
  }
  return table.to_string(settings.colour);
}

// --stats and --rate: five numbers a line.
template <typename Numbers>
std::string numbers_table(const std::vector<v1::ServiceState>& services, const std::vector<std::string>& titles,
                          const Settings& settings, const Numbers& numbers_of) {
  using enum Align;
  Table table({kLeft, kLeft, kRight, kRight, kRight, kRight, kRight, kLeft});
  std::vector<std::string> second{"  ->", "RemoteAddress:Port"};
  second.insert(second.end(), titles.begin(), titles.end());
  second.emplace_back("Name");
  table.header({"Prot", "LocalAddress:Port"});
  table.header(second);
  const auto line = [&](Cell lead, std::string place, const auto& state, Cell name) {
    std::vector<Cell> cells{std::move(lead), std::move(place)};
    for (auto& text : numbers_of(state)) cells.emplace_back(std::move(text));
    cells.push_back(std::move(name));
    table.row(std::move(cells));
  };
  for (const auto& service : services) {
    line(upper(word(service.protocol())), place_of(service), service, {service.name(), Tone::kBold});
    for (const auto& vip : service.more_vips()) table.row({"", endpoint_of(vip)});
    for (const auto& real : service.reals()) {
      line("  ->", endpoint(real.address(), real.port()), real, own_name(real));
    }
  }
  return table.to_string(settings.colour);
}

std::string stats_table(const std::vector<v1::ServiceState>& services, const Settings& settings) {
  return numbers_table(services, {"Conns", "InPkts", "OutPkts", "InBytes", "OutBytes"}, settings,
                       [&](const auto& state) {
                         const v1::Traffic& t = state.traffic();
                         const bool exact = settings.exact;
                         return std::vector<std::string>{count(t.connections(), exact), count(t.in_packets(), exact),
                                                         count(t.out_packets(), exact), count(t.in_bytes(), exact),
                                                         count(t.out_bytes(), exact)};
                       });
}

std::string rate_table(const std::vector<v1::ServiceState>& services, const Settings& settings) {
  return numbers_table(services, {"CPS", "InPPS", "OutPPS", "InBPS", "OutBPS"}, settings, [&](const auto& state) {
    const v1::Rates& r = state.rates();
    const bool exact = settings.exact;
    return std::vector<std::string>{rate(r.connections(), exact), rate(r.in_packets(), exact),
                                    rate(r.out_packets(), exact), rate(r.in_bytes(), exact),
                                    rate(r.out_bytes(), exact)};
  });
}

Outcome list_services(const Settings& settings, const ListOptions& options) {
  Client client(settings);
  v1::ListServicesRequest request;
  request.set_name(options.name);
  request.set_page_size(kPageSize);
  // A table's widths need all rows; the messages are the smaller half of it.
  v1::ListServicesResponse all;
  do {
    v1::ListServicesResponse page;
    if (auto failure = client.call(&v1::Shunt::Stub::ListServices, request, &page)) return *failure;
    request.set_page_token(page.next_page_token());
    page.clear_next_page_token();
    if (all.has_position()) page.clear_position();
    all.MergeFrom(page);
  } while (!request.page_token().empty());
  if (settings.json) {
    print_json(all);
    return {};
  }
  const std::vector<v1::ServiceState> services(all.services().begin(), all.services().end());
  if (options.stats) {
    print(stats_table(services, settings));
  } else if (options.rate) {
    print(rate_table(services, settings));
  } else {
    print(states_table(services, settings, std::chrono::system_clock::now()));
  }
  return {};
}

}  // namespace

void add_service_verbs(CLI::App& app, Command& command) {
  CLI::App* service = app.add_subcommand("service", "Services and their reals")->require_subcommand(1);
  CLI::App* list = service->add_subcommand("list", "Services with their reals, as ipvsadm -Ln shows them");
  auto options = std::make_shared<ListOptions>();
  list->add_option("NAME", options->name, "This service only");
  auto* stats = list->add_flag("--stats", options->stats, "Totals: Conns InPkts OutPkts InBytes OutBytes");
  list->add_flag("--rate", options->rate, "Per second: CPS InPPS OutPPS InBPS OutBPS")->excludes(stats);
  list->callback([&command, options] {
    command.action = [options](const Settings& settings) { return list_services(settings, *options); };
  });
  add_service_edits(*service, command);
}

}  // namespace shunt::shuntctl
