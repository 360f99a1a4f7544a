#include "src/shuntctl/top/picture.h"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <utility>

#include "src/shuntctl/output/table.h"
#include "src/shuntctl/output/text.h"

namespace shunt::shuntctl {
namespace {

using enum Align;
using Lines = std::vector<std::string>;

// Lines of each part on a screen of limited height; services have the rest.
constexpr int kProblems = 6;
constexpr int kWorkers = 8;
constexpr int kPorts = 4;
constexpr int kDrops = 5;
constexpr int kEvents = 6;
constexpr int kEventsUnlimited = 50;
constexpr size_t kFewestServices = 3;

Lines split(const std::string& text) {
  Lines lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

void append(Lines& to, const Lines& more) { to.insert(to.end(), more.begin(), more.end()); }

struct Painter {
  const Sample& now;
  const Sample* before;
  const View& view;

  bool is_limited() const { return view.lines > 0; }
  int most(int limited, int all) const { return is_limited() ? std::min(limited, all) : all; }
  double seconds() const {
    return before == nullptr ? 0 : std::chrono::duration<double>(now.time - before->time).count();
  }
  // How much a counter grew a second; unset without a sample before, or after a restart.
  std::optional<double> gain(uint64_t value, uint64_t was) const {
    if (before == nullptr || seconds() <= 0 || value < was) return std::nullopt;
    return static_cast<double>(value - was) / seconds();
  }
  std::string packets(uint64_t value, uint64_t was) const {
    const auto gained = gain(value, was);
    return gained ? rate(*gained, view.exact) : "-";
  }
  std::string bits_of(uint64_t value, uint64_t was) const {
    const auto gained = gain(value, was);
    return gained ? bits(*gained, view.exact) : "-";
  }

  Lines header() const;
  Lines problems() const;
  Lines services(size_t room) const;
  Lines workers() const;
  Lines ports() const;
  Lines drops() const;
  Lines events() const;
  void add_service(Table& table, const v1::ServiceState& service) const;
  void add_real(Table& table, const v1::RealState& real) const;
};

Lines Painter::header() const {
  const v1::Status& status = now.status;
  const bool ready = status.problems().empty();
  const std::string state =
      toned(ready ? "READY" : "DEGRADED", ready ? Tone::kGood : Tone::kWarning, view.colour);
  std::string first =
      toned(printable(status.hostname()), Tone::kBold, view.colour) + "  " + state + "  shuntd " +
      printable(status.version()) + "  revision " + std::to_string(status.revision()) + ", " +
      age_of(status.applied(), now.time) + " old  up " + age_of(status.started(), now.time) +
      "  reals " + std::to_string(status.reals_up()) + "/" + std::to_string(status.reals()) + " up";
  if (!view.trouble.empty())
    first = toned("NO ANSWER: " + printable(view.trouble), Tone::kBad, view.colour);
  const v1::Rates& r = status.rates();
  const auto share = [](uint64_t used, uint64_t capacity) {
    return capacity == 0 ? std::string("-")
                         : percent(static_cast<double>(used) / static_cast<double>(capacity));
  };
  const std::string second =
      "connections " + count(status.connections() + status.ipv6_connections(), view.exact) +
      " (tables: IPv4 " + share(status.connections(), status.connection_capacity()) + ", IPv6 " +
      share(status.ipv6_connections(), status.ipv6_connection_capacity()) + ")  conn/s " +
      rate(r.connections(), view.exact) + "  pkt/s " +
      rate(r.in_packets() + r.out_packets(), view.exact) + "  bit/s " +
      bits(r.in_bytes() + r.out_bytes(), view.exact);
  return {first, second};
}

Lines Painter::problems() const {
  Lines lines;
  if (!view.notice.empty())
    lines.push_back(toned("! " + printable(view.notice), Tone::kWarning, view.colour));
  const int all = now.status.problems_size();
  const int shown = most(kProblems, all);
  for (int i = 0; i < shown; ++i) {
    lines.push_back(toned("! " + printable(now.status.problems(i)), Tone::kWarning, view.colour));
  }
  if (shown < all)
    lines.push_back(toned("! " + std::to_string(all - shown) + " more: shuntctl status",
                          Tone::kWarning, view.colour));
  return lines;
}

void Painter::add_service(Table& table, const v1::ServiceState& service) const {
  int present = 0;
  int up = 0;
  for (const auto& real : service.reals()) {
    if (real.removed() || real.sorry()) continue;
    ++present;
    if (real.health() != v1::HEALTH_DOWN && !real.has_inhibition() && real.weight() > 0) ++up;
  }
  const Tone tone = up == 0 ? Tone::kBad : up < present ? Tone::kWarning : Tone::kPlain;
  const v1::Rates& r = service.rates();
  const std::string method = service.reals().empty() ? "-" : word(service.reals(0).method());
  const std::string place =
      service.has_match() ? match_text(service.match()) : endpoint_of(service);
  const std::string more =
      service.more_vips().empty() ? "" : " +" + std::to_string(service.more_vips_size());
  table.row({{service.name(), Tone::kBold},
             place + more,
             word(service.protocol()),
             method + " " + word(service.scheduler()),
             {std::to_string(up) + "/" + std::to_string(present) + " up" + (service.panics() ? ", panic" : "") +
                  (service.has_quorum() && !service.is_quorate() ? ", no quorum" : ""),
              tone},
             count(service.active_connections() + service.inactive_connections(), view.exact),
             rate(r.connections(), view.exact),
             rate(r.in_packets(), view.exact),
             rate(r.out_packets(), view.exact),
             bits(r.in_bytes(), view.exact),
             bits(r.out_bytes(), view.exact)});
}

void Painter::add_real(Table& table, const v1::RealState& real) const {
  std::string state = word(real.health());
  if (real.has_inhibition()) state += " inhibited";
  if (real.sorry()) state += " sorry";
  if (real.draining()) state += " draining";
  if (real.removed()) state += " removed";
  const Tone tone = real.draining() || real.removed()  ? Tone::kWarning
                    : real.health() == v1::HEALTH_DOWN || real.has_inhibition() ? Tone::kBad
                                                                                : Tone::kGood;
  const std::string weight =
      std::to_string(real.effective_weight()) +
      (real.effective_weight() == real.weight() ? "" : "/" + std::to_string(real.weight()));
  const std::string place = endpoint(real.address(), real.port());
  const v1::Rates& r = real.rates();
  table.row({"  " + place,
             {state + " " + age_of(real.health_since(), now.time), tone},
             "",
             {real.last_check(), Tone::kFaint},
             "weight " + weight,
             count(real.active_connections() + real.inactive_connections(), view.exact),
             rate(r.connections(), view.exact),
             rate(r.in_packets(), view.exact),
             rate(r.out_packets(), view.exact),
             bits(r.in_bytes(), view.exact),
             bits(r.out_bytes(), view.exact)});
}

Lines Painter::services(size_t room) const {
  if (now.services.services().empty()) return {"no service"};
  Table table({kLeft, kLeft, kLeft, kLeft, kLeft, kRight, kRight, kRight, kRight, kRight, kRight});
  table.header({"Service", "VIP", "Protocol", "Method, scheduler", "Reals", "Conns", "CPS", "InPPS",
                "OutPPS", "In bit/s", "Out bit/s"});
  for (const auto& service : now.services.services()) {
    add_service(table, service);
    if (!view.reals) continue;
    for (const auto& real : service.reals()) add_real(table, real);
  }
  Lines lines = split(table.to_string(view.colour));
  if (room > 0 && lines.size() > room) lines.resize(room);
  return lines;
}

Lines Painter::workers() const {
  Table table(std::vector<Align>(10, kRight));
  table.header({"Worker", "Lcore", "Busy", "Cycles/Pkt", "Pkts/Burst", "RxPPS", "TxPPS", "Dropped",
                "IPv4 table", "IPv6 table"});
  const auto share = [](uint64_t used, uint64_t capacity) {
    const double ratio =
        capacity == 0 ? 0 : static_cast<double>(used) / static_cast<double>(capacity);
    return Cell(percent(ratio), ratio > 0.85 ? Tone::kBad : Tone::kPlain);
  };
  const int all = now.workers.workers_size();
  for (int i = 0; i < most(kWorkers, all); ++i) {
    const v1::WorkerState& worker = now.workers.workers(i);
    const bool has_before = before != nullptr && i < before->workers.workers_size();
    const v1::WorkerState& was = has_before ? before->workers.workers(i) : worker;
    const Cell busy = worker.stalled()
                          ? Cell("stalled", Tone::kBad)
                          : Cell(percent(worker.busy_ratio()),
                                 worker.busy_ratio() > 0.9 ? Tone::kBad : Tone::kPlain);
    table.row({std::to_string(worker.worker()), std::to_string(worker.lcore()), busy,
               rate(worker.cycles_per_packet(), view.exact),
               rate(worker.packets_per_burst(), view.exact),
               packets(worker.rx_packets(), was.rx_packets()),
               packets(worker.tx_packets(), was.tx_packets()),
               count(worker.dropped_packets(), view.exact),
               share(worker.connections(), worker.connection_capacity()),
               share(worker.ipv6_connections(), worker.ipv6_connection_capacity())});
  }
  Lines lines = split(table.to_string(view.colour));
  if (most(kWorkers, all) < all)
    lines.push_back(std::to_string(all - kWorkers) + " more: shuntctl workers");
  return lines;
}

Lines Painter::ports() const {
  Table table({kLeft, kLeft, kRight, kRight, kRight, kRight, kRight, kRight, kRight, kRight});
  table.header({"Port", "Link", "RxPPS", "TxPPS", "Rx bit/s", "Tx bit/s", "RxMissed", "RxErrors",
                "TxErrors", "RxNoMbuf"});
  const auto lost = [&](uint64_t value) {
    return Cell(count(value, view.exact), value > 0 ? Tone::kWarning : Tone::kPlain);
  };
  const int all = now.ports.ports_size();
  for (int i = 0; i < most(kPorts, all); ++i) {
    const v1::PortState& port = now.ports.ports(i);
    const bool has_before = before != nullptr && i < before->ports.ports_size();
    const v1::PortState& was = has_before ? before->ports.ports(i) : port;
    table.row({{port.name(), Tone::kBold},
               port.link_up() ? Cell("up", Tone::kGood) : Cell("down", Tone::kBad),
               packets(port.rx_packets(), was.rx_packets()),
               packets(port.tx_packets(), was.tx_packets()),
               bits_of(port.rx_bytes(), was.rx_bytes()),
               bits_of(port.tx_bytes(), was.tx_bytes()),
               lost(port.rx_missed()),
               lost(port.rx_errors()),
               lost(port.tx_errors()),
               lost(port.rx_no_mbuf())});
  }
  Lines lines = split(table.to_string(view.colour));
  if (most(kPorts, all) < all)
    lines.push_back(std::to_string(all - kPorts) + " more: shuntctl ports");
  return lines;
}

Lines Painter::drops() const {
  if (now.drops.drops().empty()) return {};
  std::vector<const v1::Drop*> sorted;
  for (const auto& drop : now.drops.drops()) sorted.push_back(&drop);
  std::stable_sort(sorted.begin(), sorted.end(), [](const v1::Drop* a, const v1::Drop* b) {
    return std::pair(a->rate(), a->packets()) > std::pair(b->rate(), b->packets());
  });
  Table table({kLeft, kRight, kRight, kLeft});
  table.header({"Drops", "Packets", "PPS", "Meaning"});
  const int all = now.drops.drops_size();
  for (int i = 0; i < most(kDrops, all); ++i) {
    const v1::Drop& drop = *sorted[static_cast<size_t>(i)];
    table.row({{drop.reason(), drop.rate() > 0 ? Tone::kWarning : Tone::kPlain},
               count(drop.packets(), view.exact),
               rate(drop.rate(), view.exact),
               {drop.meaning(), Tone::kFaint}});
  }
  return split(table.to_string(view.colour));
}

Lines Painter::events() const {
  if (now.events.empty()) return {};
  Table table({kLeft, kLeft, kLeft, kLeft});
  table.header({"Events", "Kind", "Subject", "Text"});
  const int all = static_cast<int>(now.events.size());
  const int shown = is_limited() ? std::min(kEvents, all) : std::min(kEventsUnlimited, all);
  for (int i = 0; i < shown; ++i) {
    const v1::Event& event = now.events[static_cast<size_t>(all - 1 - i)];
    const Tone tone = tone_of_event(event.kind());
    table.row({{local_time(event.time()), Tone::kFaint},
               {event.kind(), tone},
               event.subject(),
               event.text()});
  }
  return split(table.to_string(view.colour));
}

Lines services_title(const Sample& now, const View& view) {
  const size_t shown = static_cast<size_t>(now.services.services_size());
  if (shown == now.status.services()) return {};
  return {"services " + std::to_string(view.first_service) + ".." +
          std::to_string(view.first_service + shown - 1) + " of " +
          std::to_string(now.status.services())};
}

// All but the services, with an empty line before each part.
Lines below(const Painter& painter) {
  Lines lines;
  for (const Lines& part :
       {painter.workers(), painter.ports(), painter.drops(), painter.events()}) {
    if (part.empty()) continue;
    lines.emplace_back();
    append(lines, part);
  }
  return lines;
}

// Lines that services and their title may take; 0: any number.
size_t room_for_services(const Painter& painter) {
  const View& view = painter.view;
  if (view.lines == 0) return 0;
  const size_t others = painter.header().size() + painter.problems().size() + 1 +
                        below(painter).size() + (view.has_keys ? 1 : 0);
  return std::max(view.lines > others ? view.lines - others : 0, kFewestServices + 2);
}

}  // namespace

std::string cut(const std::string& line, size_t columns) {
  if (columns == 0) return line;
  size_t width = 0;
  bool coloured = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\033') {
      const size_t end = line.find('m', i);
      if (end == std::string::npos) break;
      coloured = line.compare(i, end - i + 1, "\033[0m") != 0;
      i = end;
      continue;
    }
    // A character's first byte.
    if ((static_cast<uint8_t>(line[i]) & 0xc0) == 0x80) continue;
    if (width++ == columns) return line.substr(0, i) + (coloured ? "\033[0m" : "");
  }
  return line;
}

size_t services_that_fit(const Sample& sample, const View& view) {
  const size_t room = room_for_services({sample, nullptr, view});
  // Its head and, where there are more, its title.
  return room == 0 ? 0 : std::max(room - 2, kFewestServices);
}

std::vector<std::string> picture_of(const Sample& now, const Sample* before, const View& view) {
  const Painter painter{now, before, view};
  Lines lines = painter.header();
  append(lines, painter.problems());
  lines.emplace_back();
  const Lines title = services_title(now, view);
  append(lines, title);
  const size_t room = room_for_services(painter);
  append(lines, painter.services(room == 0 ? 0 : room - title.size()));
  append(lines, below(painter));
  if (view.lines > 0 && lines.size() > view.lines - (view.has_keys ? 1 : 0))
    lines.resize(view.lines - (view.has_keys ? 1 : 0));
  if (view.has_keys) {
    while (lines.size() + 1 < view.lines) lines.emplace_back();
    lines.push_back(
        toned("q quit   r reals   space, b next and previous services", Tone::kFaint, view.colour));
  }
  for (std::string& line : lines) line = cut(line, view.columns);
  return lines;
}

}  // namespace shunt::shuntctl
