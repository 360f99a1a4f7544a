// Several workers: whatever packets come where, a data connection's meet on one, and only there is one made.
#include "tests/dataplane/ftp/rig.h"

#include <set>

namespace shunt::dataplane {
namespace {

using namespace test;

constexpr uint32_t kWorkers = 3;

class FtpWorkers : public FtpRig {
 protected:
  // Sends to one worker and follows the packet to where it ends, `end`.
  Outcome follow(const PacketBuilder& packet, uint16_t port, uint32_t worker, uint32_t& end) {
    Outcome outcome = lb->send(packet, port, worker);
    end = worker;
    if (outcome.handed_to.empty()) return outcome;
    end = outcome.handed_to[0];
    return lb->serve_inbox(end);
  }
  Outcome follow(const PacketBuilder& packet, uint16_t port, uint32_t worker) {
    uint32_t end;
    return follow(packet, port, worker, end);
  }
  // A control connection of the client's port, all of whose packets come to worker `arrival`, or where that sends them.
  void open_control(uint16_t port, uint32_t arrival) {
    uint32_t end;
    ASSERT_EQ(follow(client(kTcpSyn, kClient - 1, 0, port), kOutside, arrival, end).summary(), "sent 1");
    const auto copy = lb->copy_of(client(0, 0, 0, port), end);
    ASSERT_TRUE(copy);
    local = copy->reply.destination_port.host();
    const std::string address = told_client();
    if (is_nat()) local = port;
    ASSERT_EQ(follow(comes_inside(21, address, local).tcp(kTcpSyn | kTcpAck, kReal - 1, kClient), kInside, arrival).summary(), "sent 0");
    ASSERT_EQ(follow(client(kTcpAck, kClient, kReal, port), kOutside, arrival).summary(), "sent 1");
    control_port = port;
  }
  // Requests of a fullnat service are the worker's that the client reaches: with network cards that spread by its ports.
  uint32_t arrival_of(uint16_t from_port, uint16_t port, uint32_t any) {
    if (is_nat()) return any;
    IpFlow flow = {ip(at("198.51.100.7")), ip(at("203.0.113.10")), Be16::from_host(from_port), Be16::from_host(port), kIpProtocolTcp};
    if (is_v6()) {
      FlowKey6 key;
      key.source = flow.source.bytes;
      key.destination = flow.destination.bytes;
      key.source_port = flow.source_port;
      key.destination_port = flow.destination_port;
      key.protocol = flow.protocol;
      return lb->steering().owner_of(key);
    }
    return lb->steering().owner_of(FlowKey{flow.source.v4(), flow.destination.v4(), flow.source_port, flow.destination_port, flow.protocol});
  }
  uint64_t opened() {
    uint64_t all = 0;
    for (uint32_t i = 0; i < kWorkers; ++i) all += counters(i).ftp_opened.read();
    return all;
  }
  static Bytes payload_of(const Bytes& frame) {
    const size_t l4 = l4_place();
    return {frame.begin() + static_cast<long>(l4 + (frame[l4 + 12] >> 4) * 4u), frame.end()};
  }
  uint16_t control_port = 0;
};

TEST_P(FtpWorkers, PassiveConnectionMeetsOnOne) {
  for (const Method how : {Method::kNat, Method::kFullnat}) {
    SCOPED_TRACE(name_of(how));
    serve(how, kWorkers);
    for (uint16_t i = 0; i < 24; ++i) {
      const auto port = static_cast<uint16_t>(kClientPort + i);
      const auto real_port = static_cast<uint16_t>(kRealData + i);
      open_control(port, arrival_of(port, 21, i % kWorkers));
      if (HasFatalFailure()) return;
      const std::string asks = passive_command();
      ASSERT_EQ(follow(client(kTcpAck, kClient, kReal, port).payload(asks), kOutside, arrival_of(port, 21, 0)).summary(), "sent 1");
      ASSERT_EQ(follow(comes_inside(21, told_client(), local).tcp(kTcpAck, kReal, kClient).payload(passive_answer(real_port)), kInside, 1).summary(),
                "sent 0");
      const auto data_port = static_cast<uint16_t>(50000 + i);
      for (uint32_t worker = 0; worker < kWorkers; ++worker) {
        const uint32_t arrival = arrival_of(data_port, real_port, worker);
        uint32_t end;
        const Outcome outcome = follow(comes_outside(data_port, real_port).tcp(kTcpSyn, 500), kOutside, arrival, end);
        ASSERT_EQ(outcome.summary(), "sent 1") << i << " at " << arrival;
        const auto copy = lb->copy_of(comes_outside(data_port, real_port).tcp(0), end);
        ASSERT_TRUE(copy);
        const uint16_t seen = copy->reply.destination_port.host();
        expect_sent(follow(comes_inside(real_port, told_client(), seen).tcp(kTcpSyn | kTcpAck, 900, 501), kInside, worker), kOutside,
                    leaves_outside(real_port, data_port).tcp(kTcpSyn | kTcpAck, 900, 501));
        expect_sent(follow(comes_outside(data_port, real_port).tcp(kTcpAck, 501, 901), kOutside, arrival), kInside,
                    leaves_inside(told_client(), seen, real_port).tcp(kTcpAck, 501, 901));
      }
      EXPECT_EQ(opened(), i + 1u);
    }
  }
}

TEST_P(FtpWorkers, ActiveConnectionMeetsOnOne) {
  for (const Method how : {Method::kNat, Method::kFullnat}) {
    SCOPED_TRACE(name_of(how));
    serve(how, kWorkers);
    uint32_t from_data_port = 0;
    for (uint16_t i = 0; i < 24; ++i) {
      const auto port = static_cast<uint16_t>(kClientPort + i);
      const auto data_port = static_cast<uint16_t>(kClientData + i);
      open_control(port, arrival_of(port, 21, i % kWorkers));
      if (HasFatalFailure()) return;
      const Outcome line = follow(client(kTcpAck, kClient, kReal, port).payload(extended_active(at("198.51.100.7"), data_port)), kOutside,
                                  arrival_of(port, 21, 0));
      ASSERT_EQ(line.summary(), "sent 1");
      const Bytes text = payload_of(line.sent[0].bytes);
      const std::string told(text.begin(), text.end());
      const size_t last = told.rfind('|'), before = told.rfind('|', last - 1);
      const auto to_port = static_cast<uint16_t>(std::stoi(told.substr(before + 1)));
      // The real's packets come to any worker, the client's where cards bring them.
      uint32_t end;
      const Outcome syn = follow(comes_inside(20, told_client(), to_port).tcp(kTcpSyn, 900), kInside, i % kWorkers, end);
      ASSERT_EQ(syn.summary(), "sent 0") << i;
      const Bytes& frame = syn.sent[0].bytes;
      EXPECT_EQ(checksum_errors(frame), "");
      const auto seen = static_cast<uint16_t>(frame[l4_place()] << 8 | frame[l4_place() + 1]);
      expect_sent(syn, kOutside, leaves_outside(seen, data_port).tcp(kTcpSyn, 900));
      if (seen == 20) ++from_data_port;
      for (uint32_t worker = 0; worker < kWorkers; ++worker) {
        expect_sent(follow(comes_outside(data_port, seen).tcp(kTcpSyn | kTcpAck, 500, 901), kOutside, worker), kInside,
                    leaves_inside(told_client(), to_port, 20).tcp(kTcpSyn | kTcpAck, 500, 901));
        expect_sent(follow(comes_inside(20, told_client(), to_port).tcp(kTcpAck, 901, 501), kInside, worker), kOutside,
                    leaves_outside(seen, data_port).tcp(kTcpAck, 901, 501));
      }
      // The client reaches it without being handed over, where cards spread.
      EXPECT_EQ(is_nat() ? end : arrival_of(data_port, seen, 0), end);
      EXPECT_EQ(opened(), i + 1u);
    }
    EXPECT_GE(from_data_port, is_nat() ? 24u : 1u);
  }
}

// A real that ended a data connection cannot begin another one like it for a minute.
TEST_P(FtpWorkers, NoneTellsARealThePortThatAnotherTold) {
  serve(Method::kFullnat, kWorkers);
  // Wherever their searches for local ports begin.
  for (uint32_t worker = 0; worker < kWorkers; ++worker) lb->worker(worker).local_port_search.first_turn = kWorkers - worker;
  std::set<Bytes> told;
  for (uint16_t i = 0; i < 24; ++i) {
    const auto port = static_cast<uint16_t>(kClientPort + i);
    open_control(port, arrival_of(port, 21, 0));
    if (HasFatalFailure()) return;
    const std::string line = extended_active(at("198.51.100.7"), static_cast<uint16_t>(kClientData + i));
    const Outcome outcome = follow(client(kTcpAck, kClient, kReal, port).payload(line), kOutside, arrival_of(port, 21, 0));
    ASSERT_EQ(outcome.summary(), "sent 1");
    EXPECT_TRUE(told.insert(payload_of(outcome.sent[0].bytes)).second) << i;
    // It came, and is not expected any more.
    lb->advance(1000 * 3600);
    for (uint32_t worker = 1; worker < kWorkers; ++worker) lb->advance(1000 * 3600, worker);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, FtpWorkers, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
