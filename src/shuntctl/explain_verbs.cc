// shuntctl explain: what would become of a packet, and why.
#include <google/protobuf/util/time_util.h>

#include <chrono>
#include <memory>

#include "shunt/v1/debug.grpc.pb.h"
#include "src/shuntctl/client.h"
#include "src/shuntctl/endpoint_argument.h"
#include "src/shuntctl/output/json.h"
#include "src/shuntctl/output/table.h"
#include "src/shuntctl/output/text.h"
#include "src/shuntctl/print.h"
#include "src/shuntctl/verbs.h"

namespace shunt::shuntctl {
namespace {

struct ExplainOptions {
  std::string client;
  std::string virtual_end;
  std::string protocol;
  std::string port;
};

// Reals that are listed; more of them are counted.
constexpr int kListedReals = 40;

std::string connection_line(const v1::ExplainedWorker& worker) {
  const v1::Connection& connection = worker.connection();
  const auto left =
      std::chrono::milliseconds(google::protobuf::util::TimeUtil::DurationToMilliseconds(connection.expires_in()));
  std::string text = "on worker " + std::to_string(worker.worker()) + ", " + printable(connection.state()) +
                     ", expires in " + expiry(left) + ", " + std::to_string(connection.in_packets()) + " packets in, " +
                     std::to_string(connection.out_packets()) + " out";
  if (worker.begins_anew()) text += "; a packet that opens ends it and begins another";
  return text;
}

std::string hop_text(const v1::ExplainedNextHop& hop) {
  const std::string whose = hop.neighbour().empty() ? "" : " of " + printable(hop.neighbour());
  switch (hop.state()) {
    case v1::ExplainedNextHop::STATE_REACHABLE:
      return printable(hop.mac()) + whose + " on port " + printable(hop.port()) + ", up to " +
             std::to_string(hop.mtu()) + " bytes";
    case v1::ExplainedNextHop::STATE_LINK_DOWN: return "port " + printable(hop.port()) + " has no link";
    case v1::ExplainedNextHop::STATE_UNRESOLVED:
      return "unresolved: the MAC address" + whose + " is not known on port " + printable(hop.port());
    case v1::ExplainedNextHop::STATE_NO_ROUTE: return "no route";
    default: return "";
  }
}

// Why a real is what it is, with how long it has been down.
std::string reason_of(const v1::ExplainedReal& real) {
  const auto now = std::chrono::system_clock::now();
  if (real.health() != v1::HEALTH_DOWN) return printable(real.reason());
  return "down for " + age_of(real.health_since(), now) +
         (real.last_check().empty() ? "" : ": " + printable(real.last_check()));
}

class ExplainText {
 public:
  explicit ExplainText(bool colour) : colour_(colour) {}

  void line(const char* name, const std::string& text, Tone tone = Tone::kPlain) {
    char padded[16];
    std::snprintf(padded, sizeof padded, "%-12s", name == last_ ? "" : name);
    last_ = name;
    text_ += toned(padded, Tone::kBold, colour_) + toned(text, tone, colour_) + "\n";
  }
  void worker(const v1::ExplainedWorker& worker, bool names_it) {
    const std::string who = names_it ? "worker " + std::to_string(worker.worker()) + ": " : "";
    if (worker.real().empty()) {
      line("real", who + "none", Tone::kBad);
      if (!worker.drop_reason().empty()) line("drop", who + printable(worker.drop_reason()), Tone::kBad);
      return;
    }
    line("real", who + printable(worker.real()) + ": " + printable(worker.why()));
    for (const auto& each : worker.rewrite()) line("request", who + printable(each));
    for (const auto& each : worker.reply_rewrite()) line("reply", who + printable(each));
    if (!worker.drop_reason().empty()) line("drop", who + printable(worker.drop_reason()), Tone::kBad);
  }
  const std::string& text() const { return text_; }

 private:
  bool colour_;
  const char* last_ = "";
  std::string text_;
};

void add_service_lines(const v1::ExplainResponse& told, ExplainText& out) {
  if (!told.snat_rule().empty()) {
    out.line("snat", "rule " + printable(told.snat_rule()));
    return;
  }
  if (!told.has_service()) {
    out.line("service", "none", Tone::kWarning);
    return;
  }
  const v1::ExplainedService& service = told.service();
  out.line("service", printable(service.name()) + ": " + printable(service.found_by()) + "; scheduler " +
                          word(service.scheduler()) + ", method " + word(service.method()));
  for (const auto& other : service.passed_over()) out.line("passed over", printable(other));
  if (!service.access().empty()) out.line("access", printable(service.access()));
}

void add_worker_lines(const v1::ExplainResponse& told, ExplainText& out) {
  const v1::ExplainedWorker* with = nullptr;
  int handling = 0;
  bool differ = false;
  const v1::ExplainedWorker* first = nullptr;
  for (const auto& worker : told.workers()) {
    if (worker.has_connection()) with = &worker;
    if (!worker.handles()) continue;
    ++handling;
    if (first == nullptr) first = &worker;
    differ |= worker.real() != first->real();
  }
  const bool is_forwarded = told.has_service() || !told.snat_rule().empty();
  if (is_forwarded) {
    out.line("connection", with == nullptr ? "none yet" : connection_line(*with));
  }
  if (first == nullptr || !is_forwarded) return;
  if (told.workers_size() > 1) {
    const std::string who = handling > 1 ? "any of " + std::to_string(handling) : std::to_string(first->worker());
    out.line("worker", who + ": " + printable(first->why_handles()));
  }
  if (!differ) return out.worker(*first, false);
  for (const auto& worker : told.workers()) {
    if (worker.handles()) out.worker(worker, true);
  }
}

std::string reals_table(const v1::ExplainResponse& told, bool colour) {
  Table table({Align::kLeft, Align::kLeft, Align::kRight, Align::kRight, Align::kRight, Align::kLeft, Align::kLeft});
  table.header({"", "real", "weight", "active", "inactive", "next hop", "why"});
  int listed = 0;
  // Those that are chosen, then as they are configured, as many as a person reads.
  for (const bool chosen : {true, false}) {
    for (const auto& real : told.reals()) {
      if (real.chosen() != chosen || listed++ >= kListedReals) continue;
      const Tone tone = chosen ? Tone::kGood : real.may_be_chosen() ? Tone::kPlain : Tone::kFaint;
      const std::string end = endpoint(real.address(), real.port());
      const std::string name = real.name() == end ? end : printable(real.name()) + " (" + end + ")";
      table.row({chosen ? "->" : "",
                 {name, tone},
                 std::to_string(real.weight()),
                 std::to_string(real.active_connections()),
                 std::to_string(real.inactive_connections()),
                 hop_text(real.next_hop()),
                 {reason_of(real), tone}});
    }
  }
  std::string text = table.to_string(colour);
  if (listed > kListedReals) text += "... and " + std::to_string(listed - kListedReals) + " more; -o json has all\n";
  return text;
}

std::string explain_text(const v1::ExplainRequest& asked, const v1::ExplainResponse& told, bool colour) {
  ExplainText out(colour);
  const bool is_dropped = std::any_of(told.workers().begin(), told.workers().end(), [](const auto& worker) {
    return worker.handles() && !worker.drop_reason().empty();
  });
  out.line("verdict", printable(told.verdict()), is_dropped ? Tone::kBad : Tone::kPlain);
  out.line("packet", word(asked.protocol()) + " " + endpoint(asked.client(), asked.client_port()) + " -> " +
                         endpoint(asked.virtual_(), asked.virtual_port()) + ", coming in on port " +
                         printable(told.ingress_port()) +
                         (told.ingress_assumed() ? " (which leads to the client; --port names another)" : ""));
  add_service_lines(told, out);
  add_worker_lines(told, out);
  return out.text() + (told.reals().empty() ? "" : "\n" + reals_table(told, colour));
}

Outcome wrong_end(const char* what, const std::string& text) {
  return Failure{ExitCode::kUsage,
                 "USAGE",
                 std::string(what) + " " + printable(text) +
                     ": needs an address and a port, such as 192.0.2.10:80 or [2001:db8::10]:80",
                 {}};
}

Outcome explain_packet(const Settings& settings, const ExplainOptions& options) {
  const auto client_end = Endpoint::parse(options.client);
  if (!client_end) return wrong_end("source", options.client);
  const auto virtual_end = Endpoint::parse(options.virtual_end);
  if (!virtual_end) return wrong_end("destination", options.virtual_end);
  v1::ExplainRequest request;
  request.set_client(client_end->address);
  request.set_client_port(client_end->port);
  request.set_virtual_(virtual_end->address);
  request.set_virtual_port(virtual_end->port);
  request.set_protocol(options.protocol == "udp"    ? v1::PROTOCOL_UDP
                       : options.protocol == "sctp" ? v1::PROTOCOL_SCTP
                                                    : v1::PROTOCOL_TCP);
  request.set_ingress_port(options.port);
  Client client(settings);
  v1::ExplainResponse response;
  if (auto failure = client.call(&v1::Debug::Stub::Explain, request, &response)) return *failure;
  if (settings.json) print_json(response);
  else print(explain_text(request, response, settings.colour));
  return {};
}

}  // namespace

void add_explain_verbs(CLI::App& app, Command& command) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App* explain = app.add_subcommand(
      "explain", "What would become of a packet that came now: its service, connection, real and next hop, and why");
  explain->add_option("SOURCE", options->client, "ADDRESS:PORT of the client; [ADDRESS]:PORT for IPv6")->required();
  explain->add_option("DESTINATION", options->virtual_end, "ADDRESS:PORT that it sends to")->required();
  explain->add_option("PROTOCOL", options->protocol, "tcp, udp or sctp (default: tcp)")
      ->check(CLI::IsMember({"tcp", "udp", "sctp"}));
  explain
      ->add_option("--port", options->port, "The port that it comes in on (default: the one that leads to the client)")
      ->type_name("NAME");
  explain->callback([&command, options] {
    command.action = [options](const Settings& settings) { return explain_packet(settings, *options); };
  });
}

}  // namespace shunt::shuntctl
