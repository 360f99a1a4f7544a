// A stream in whatever pieces, with losses and repetitions, between two ends that keep to TCP: the receiver must get every
// byte of what it is to see, the same each time, and the sender must hear of all that arrived and of no more.
#include <map>
#include <random>

#include "tests/dataplane/ftp/rig.h"

namespace shunt::dataplane {
namespace {

using namespace test;

struct Segment {
  uint32_t sequence;
  uint32_t acknowledgement;
  uint8_t flags;
  std::string data;
};

class FtpDelivery : public FtpRig {
 protected:
  static Segment segment_of(const Bytes& frame) {
    const auto number = [&](size_t at) {
      return uint32_t{frame[at]} << 24 | uint32_t{frame[at + 1]} << 16 | uint32_t{frame[at + 2]} << 8 | frame[at + 3];
    };
    const size_t l4 = l4_place();
    const size_t data = l4 + (frame[l4 + 12] >> 4) * 4u;
    return {number(l4 + 4), number(l4 + 8), frame[l4 + 13], {frame.begin() + static_cast<long>(data), frame.end()}};
  }

  // Sends `said`, of the client or of the real, until all of it is acknowledged. What the receiver got.
  std::string deliver(const std::string& said, bool of_client, uint32_t seed) {
    std::mt19937 random(seed);
    const auto below = [&](uint32_t most) { return static_cast<uint32_t>(random() % most); };
    const bool is_lossy = seed % 3 != 0;
    const bool waits = seed % 2 == 0;  // as Nagle has it: no new segment before all is acknowledged
    const uint32_t longest = 1 + below(40);
    const uint32_t begin = of_client ? kClient : kReal;
    const uint32_t peer = of_client ? kReal : kClient;
    uint32_t acknowledged = 0, sent = 0, delivered = 0;
    std::map<uint32_t, char> got;

    const auto hear = [&](const Segment& segment) {
      EXPECT_EQ(segment.sequence, peer);
      const uint32_t heard = segment.acknowledgement - begin;
      if (static_cast<int32_t>(heard) < 0) return;
      EXPECT_LE(heard, sent) << "acknowledges what was not sent";
      acknowledged = std::max(acknowledged, heard);
    };
    const auto receive = [&](const Segment& segment) {
      for (size_t i = 0; i < segment.data.size(); ++i) {
        const uint32_t place = segment.sequence - begin + static_cast<uint32_t>(i);
        if (static_cast<int32_t>(place - delivered) < 0) continue;  // it has that, and does not look
        const auto [at, is_new] = got.emplace(place, segment.data[i]);
        EXPECT_EQ(is_new ? segment.data[i] : at->second, segment.data[i]) << "another byte than before at " << place;
      }
      // RFC 9293 section 3.10.7.4: of a segment that says nothing, where it is awaited, nothing is acknowledged.
      if (segment.data.empty() && segment.sequence == begin + delivered) return;
      while (got.contains(delivered)) ++delivered;
      const auto flags = static_cast<uint8_t>(kTcpAck);
      const Outcome outcome = of_client ? answer(from_real(flags, peer, begin + delivered)) : send(client(flags, peer, begin + delivered));
      if (outcome.sent.size() != 1) return ADD_FAILURE() << outcome.summary(), void();
      EXPECT_EQ(checksum_errors(outcome.sent[0].bytes), "");
      if (!is_lossy || below(4) != 0) hear(segment_of(outcome.sent[0].bytes));
    };

    for (int step = 0; acknowledged < said.size(); ++step) {
      if (step == 20000) return ADD_FAILURE() << "no end: " << acknowledged << " of " << said.size() << " acknowledged", "";
      lb->worker().ftp.controls[0].asked_passive |= !of_client;
      const bool repeats = sent == said.size() || (waits && acknowledged < sent) || below(5) == 0;
      // The same piece again, perhaps less or more of it.
      const uint32_t from = repeats ? acknowledged : sent;
      const uint32_t most = repeats ? sent : static_cast<uint32_t>(said.size());
      if (from == most) continue;
      const uint32_t to = std::min(most, from + 1 + below(longest));
      sent = std::max(sent, to);
      if (is_lossy && below(4) == 0) continue;  // before us
      const std::string data = said.substr(from, to - from);
      const Outcome outcome = of_client ? send(client(kTcpAck, begin + from, peer).payload(data))
                                        : answer(from_real(kTcpAck, begin + from, peer).payload(data));
      for (const DropReason reason : outcome.dropped) EXPECT_EQ(reason, DropReason::kFtpUnread);
      for (const Outcome::Frame& frame : outcome.sent) {
        EXPECT_EQ(checksum_errors(frame.bytes), "") << describe(frame.bytes);
        const bool is_back = frame.port == (of_client ? kOutside : kInside);
        if (is_lossy && below(4) == 0) continue;
        if (is_back) hear(segment_of(frame.bytes));
        else receive(segment_of(frame.bytes));
      }
    }
    std::string text;
    for (uint32_t place = 0; got.contains(place); ++place) text += got[place];
    EXPECT_EQ(text.size(), got.size()) << "a hole";
    return text;
  }
};

TEST_P(FtpDelivery, ClientsLinesInWhateverPieces) {
  for (uint32_t seed = 0; seed < 300 && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    serve(seed % 4 < 2 ? Method::kFullnat : Method::kNat);
    shake_hands();
    std::string said, heard;
    const auto both = [&](const std::string& text) { said += text, heard += text; };
    both("USER somebody\r\nPASS pORT EPRT \xff\xff PORT 1,2,3,4,5,6\r\n");
    for (uint16_t i = 0; i < 6; ++i) {
      const auto port = static_cast<uint16_t>(kClientData + i);
      const auto told = static_cast<uint16_t>(1024 + i);  // by turn
      const bool is_extended = is_v6() || i % 2 == 1;
      const auto line = [&](const std::string& address, uint16_t at_port) {
        return is_extended ? extended_active(address, at_port) : active_command(address, at_port);
      };
      said += line(at("198.51.100.7"), port);
      heard += is_nat() ? line(at("198.51.100.7"), port) : line(at("10.0.0.100"), told);
      both("TYPE I\r\nSTOR a file\nP\nPO\nRETR x\r\n");
    }
    both("PORT\r\nQUIT\r\n");
    EXPECT_EQ(deliver(said, true, seed), heard);
    EXPECT_EQ(expected(), 1u);
    EXPECT_EQ(counters().ftp_expected.read(), 6u);
  }
}

TEST_P(FtpDelivery, RealsLinesInWhateverPieces) {
  for (uint32_t seed = 0; seed < 300 && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    serve(seed % 4 < 2 ? Method::kFullnat : Method::kNat);
    // Served: every port that is said becomes another, of more digits.
    lb->add_service(Protocol::kTcp, at("203.0.113.10"), 1025, method);
    lb->publish();
    shake_hands();
    std::string said, heard;
    const auto both = [&](const std::string& text) { said += text, heard += text; };
    both("220 ready\r\n200-227 (no)\r\n 22\r\n");
    for (uint16_t i = 0; i < 6; ++i) {
      const bool is_taken = i % 2 == 1;
      const auto port = static_cast<uint16_t>(is_taken ? 1025 : kRealData + i);
      const auto told = static_cast<uint16_t>(is_taken ? 1025 + 4099 : port);
      const std::string begins = "229 Entering Extended Passive Mode (|||";
      if (is_v6() || i % 3 == 0) {
        said += begins + std::to_string(port) + "|)\r\n";
        heard += begins + std::to_string(told) + "|)\r\n";
      } else {
        said += passive_answer(port);
        heard += told_passive(told);
      }
      both("150 here\r\n226 done\n2\n22\n22 7 \r\n");
    }
    both("221 bye\r\n");
    EXPECT_EQ(deliver(said, false, seed), heard);
    EXPECT_EQ(counters().ftp_expected.read(), 6u);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, FtpDelivery, kBothFamilies, family_name);

}  // namespace
}  // namespace shunt::dataplane
