// A journey that a worker recorded (dataplane/tap.h), step by step in an operator's words.
#include <algorithm>

#include "control/controller_state.h"
#include "control/debug/words.h"
#include "control/identity.h"
#include "dataplane/frame_flow.h"

namespace shunt::control {
namespace {

using dataplane::ChosenBy;
using dataplane::FrameFlow;
using dataplane::TapRecord;
using dataplane::Verdict;

std::string flags_text(uint8_t flags) {
  constexpr std::pair<uint8_t, const char*> kNames[] = {{0x02, "SYN"}, {0x01, "FIN"}, {0x04, "RST"},
                                                        {0x08, "PSH"}, {0x10, "ACK"}, {0x20, "URG"}};
  std::string text;
  for (const auto& [bit, name] : kNames) {
    if (flags & bit) text += (text.empty() ? "" : ",") + std::string(name);
  }
  return " [" + text + "]";
}

std::string protocol_text(uint8_t protocol) {
  switch (protocol) {
    case 1: return "icmp";
    case 4: return "ipip";
    case 6: return "tcp";
    case 17: return "udp";
    case 41: return "ipv6 in ip";
    case 47: return "gre";
    case 50: return "esp";
    case 51: return "ah";
    case 58: return "icmpv6";
    case 132: return "sctp";
  }
  return "ip protocol " + std::to_string(protocol);
}

std::string packet_text(const FrameFlow& frame) {
  if (!frame.is_ip) return "no IP packet";
  const dataplane::IpFlow& flow = frame.flow;
  std::string text = protocol_text(flow.protocol) + " ";
  text += frame.has_ports ? address_and_port(flow.source, flow.source_port.host()) + " -> " +
                                address_and_port(flow.destination, flow.destination_port.host())
                          : flow.source.to_string() + " -> " + flow.destination.to_string();
  return flow.protocol == 6 && frame.has_ports ? text + flags_text(frame.tcp_flags) : text;
}

MacAddress mac_at(const uint8_t* bytes) {
  MacAddress mac;
  std::copy_n(bytes, mac.bytes.size(), mac.bytes.begin());
  return mac;
}

void add_change(const std::string& what, const std::string& before, const std::string& after, std::string& text) {
  if (before != after) text += (text.empty() ? "" : ", ") + what + " " + before + " -> " + after;
}

// What the first frame that left has in place of what came.
std::string rewrite_text(const FrameFlow& in, const FrameFlow& out) {
  const auto end = [](const FrameFlow& frame, const IpAddress& address, Be16 port) {
    return frame.has_ports ? address_and_port(address, port.host()) : address.to_string();
  };
  std::string text;
  if (in.flow.protocol != out.flow.protocol || in.flow.source.family != out.flow.source.family) {
    return "wrapped: " + protocol_text(out.flow.protocol) + " " + out.flow.source.to_string() + " -> " +
           out.flow.destination.to_string() + ", " + std::to_string(out.ip_bytes - in.ip_bytes) + " bytes more";
  }
  add_change("source", end(in, in.flow.source, in.flow.source_port), end(out, out.flow.source, out.flow.source_port),
             text);
  add_change("destination", end(in, in.flow.destination, in.flow.destination_port),
             end(out, out.flow.destination, out.flow.destination_port), text);
  add_change("ttl", std::to_string(in.hops), std::to_string(out.hops), text);
  return text.empty() ? "nothing" : text;
}

std::string expiry_text(int32_t ms) { return std::to_string((std::max(ms, 0) + 500) / 1000) + " s"; }

std::string connection_text(const dataplane::Explanation& told) {
  const std::string state(name_of(told.connection->state));
  const char* direction = told.direction == dataplane::Direction::kReply ? ", as a reply" : "";
  return "known, " + state + direction;
}

class Steps {
 public:
  explicit Steps(TraceReport& report) : report_(report) {}
  void add(const char* name, std::string text) { report_.steps.push_back({name, std::move(text)}); }

 private:
  TraceReport& report_;
};

const char* chosen_text(ChosenBy by) {
  switch (by) {
    case ChosenBy::kNobody: return "";
    case ChosenBy::kTemplate: return "persistence: the client's earlier connections went there";
    case ChosenBy::kScheduler: return "";
    case ChosenBy::kSorry: return "no other real may take it: one that says sorry";
  }
  return "";
}

}  // namespace

std::string Controller::State::real_name(RealId id) const {
  if (id == dataplane::kNoReal || id.index >= slots.real_slots()) return "";
  const RealSlot& slot = slots.real(id);
  return slots.service(slot.service).name + "/" + slot.name;
}

// Service, connection and real: what was decided, and why.
void Controller::State::add_decisions(const TapRecord& record, TraceReport& report) const {
  Steps steps(report);
  const dataplane::Explanation& told = record.told;
  const bool is_new = record.after && (!told.connection || told.begins_anew);
  const bool is_known = told.connection && !is_new;
  const dataplane::ServiceId id = is_known ? told.connection->service : told.service;
  if (id != dataplane::kNoService && id.index < slots.service_slots()) report.service = slots.service(id).name;
  const auto index = live.find_service(report.service);
  if (!is_known) {
    const IpAddress& address = told.flow.destination;
    const ExplainQuery query{static_cast<Protocol>(told.flow.protocol),
                             told.flow.source,
                             told.flow.source_port.host(),
                             address,
                             told.flow.destination_port.host(),
                             ""};
    const bool is_found = index && !report.service.empty();
    steps.add("service", is_found ? report.service + ": " + found_by(live.desired().services[*index], query)
                                  : std::string("none has this address and port"));
  }
  if (told.connection) {
    steps.add("connection", connection_text(told) + (told.begins_anew ? "; it ends, another begins" : ""));
  } else {
    steps.add("connection", record.after ? "a new one" : "none");
  }
  report.real = real_name(record.real);
  if (is_known) {
    steps.add("real", report.real + ": its connection's");
  } else if (record.real != dataplane::kNoReal) {
    std::string why = chosen_text(told.choice.by);
    if (told.choice.by == ChosenBy::kScheduler && index) why = rule_of(live.desired().services[*index]);
    steps.add("real", report.real + (why.empty() ? "" : ": " + why));
  }
  if (!record.after) return;
  const std::string before = is_known ? std::string(name_of(told.connection->state)) : "(new)";
  steps.add("state", before + " -> " + std::string(name_of(record.after->state)) + ", expires in " +
                         expiry_text(record.after->expires_in_ms));
}

// Where it went.
void Controller::State::add_end(const TapRecord& record, const FrameFlow& in, TraceReport& report) const {
  Steps steps(report);
  if (record.is_dropped) {
    report.outcome = record.frames_out > 0 ? "answered" : "dropped";
    report.drop_reason = name_of(record.reason);
    steps.add("drop", report.drop_reason + ": " + std::string(meaning_of(record.reason)));
    if (record.frames_out > 0) steps.add("tx", "an answer leaves by port " + port_name(record.out_port));
    return;
  }
  if (record.frames_out > 0) {
    report.outcome = "sent";
    const FrameFlow out = dataplane::flow_of_frame({record.out_head.data(), record.out_kept});
    steps.add("rewrite", rewrite_text(in, out));
    steps.add("next hop", mac_at(record.out_head.data()).to_string() + " on port " + port_name(record.out_port));
    steps.add("tx",
              "port " + port_name(record.out_port) + ", " + std::to_string(record.out_bytes) + " bytes" +
                  (record.frames_out > 1 ? " and " + std::to_string(record.frames_out - 1) + " frames more" : ""));
    return;
  }
  switch (record.verdict) {
    case Verdict::kKernel:
      report.outcome = "kernel";
      steps.add("kernel", "to Linux, by the kernel port of " + port_name(record.port));
      return;
    case Verdict::kHandOff:
      report.outcome = "handed off";
      steps.add("hand-off", "to worker " + std::to_string(record.owner) + ", whose connection it is");
      return;
    case Verdict::kWait:
      report.outcome = "waits";
      steps.add("wait", "for the MAC address of its next hop");
      return;
    case Verdict::kHold:
      report.outcome = "waits";
      steps.add("wait", "a fragment, for its datagram's first one");
      return;
    case Verdict::kPieces:
    case Verdict::kAnswer:
    case Verdict::kDrop:
    case Verdict::kUndecidedIpv4:
    case Verdict::kUndecidedIpv6:
    case Verdict::kIcmpErrorIpv4:
    case Verdict::kIcmpErrorIpv6:
      report.outcome = "gone";
      steps.add("end", "nothing left the worker for it at once");
      return;
  }
}

TraceReport Controller::State::trace_report(const TapRecord& record, WallClock::time_point time) const {
  TraceReport report;
  const FrameFlow in = dataplane::flow_of_frame({record.bytes.data(), record.kept_bytes});
  report.time = time;
  report.worker = record.worker;
  report.port = port_name(record.port);
  report.packet = packet_text(in);
  Steps steps(report);
  const std::string where = record.handed_off
                                ? "handed over to worker " + std::to_string(record.worker) + ", or made to wait before"
                                : "queue " + std::to_string(record.worker) + " of port " + report.port;
  steps.add("rx", where + ", " + std::to_string(record.frame_bytes) + " bytes");
  steps.add("parse", report.packet);
  if (record.has_flow) add_decisions(record, report);
  add_end(record, in, report);
  return report;
}

}  // namespace shunt::control
