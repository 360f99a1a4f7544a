#include "dataplane/tcp_state.h"

#include <gmock/gmock.h>

#include <sstream>
#include <string>

namespace shunt::dataplane {
namespace {

constexpr const char* kShort = "NO ES SS SR FW TW CL CW LA LI SA";

ConnectionState state_of(const std::string& abbreviation) {
  std::istringstream names(kShort);
  std::string name;
  for (uint8_t index = 0; names >> name; ++index) {
    if (name == abbreviation) return static_cast<ConnectionState>(index);
  }
  ADD_FAILURE() << "no state " << abbreviation;
  return ConnectionState::kNone;
}

// The tables as IPVS's sheet prints them: a row per flag, a column per state.
struct Sheet {
  const char* name;
  Direction direction;
  bool no_output;
  const char* syn;
  const char* fin;
  const char* ack;
  const char* rst;
};

// clang-format off
constexpr Sheet kSheets[] = {
    {"input", Direction::kRequest, 0,
     "SR ES ES SR SR SR SR SR SR SR SR",
     "CL CW SS TW TW TW CL CW LA LI TW",
     "ES ES SS ES FW TW CL CW CL LI ES",
     "CL CL CL SR CL CL CL CL LA LI SR"},
    {"output", Direction::kReply, false,
     "SS ES SS SR SS SS SS SS SS LI SR",
     "TW FW SS TW FW TW CL TW LA LI TW",
     "ES ES SS ES FW TW CL CW LA ES ES",
     "CL CL SS CL CL TW CL CL CL CL CL"},
    {"input only", Direction::kRequest, true,
     "SR ES ES SR SR SR SR SR SR SR SR",
     "CL FW SS TW FW TW CL CW LA LI TW",
     "ES ES SS ES FW TW CL CW CL LI ES",
     "CL CL CL SR CL CL CL CL LA LI CL"},
    {"output after input only", Direction::kReply, true,
     "SS ES SS SR SS SS SS SS SS LI SR",
     "TW FW SS TW FW TW CL TW LA LI TW",
     "ES ES SS ES FW TW CL CW LA ES ES",
     "CL CL SS CL CL TW CL CL CL CL CL"},
};
// clang-format on

// For times of attack (sysctl secure_tcp).
// clang-format off
constexpr Sheet kSecureSheets[] = {
    {"input", Direction::kRequest, false,
     "SR ES ES SR SR SR SR SR SR SR SA",
     "CL CW SS TW TW TW CL CW LA LI SA",
     "ES ES SS SR FW TW CL CW CL LI SA",
     "CL CL CL SR CL CL CL CL LA LI CL"},
    {"output", Direction::kReply, false,
     "SS ES SS SA SS SS SS SS SS LI SA",
     "TW FW SS TW FW TW CL TW LA LI TW",
     "ES ES SS ES FW TW CL CW LA ES ES",
     "CL CL SS CL CL TW CL CL CL CL CL"},
    {"input only", Direction::kRequest, true,
     "SA ES ES SR SA SA SA SA SA SA SA",
     "CL FW SS TW FW TW CL CW LA LI TW",
     "ES ES SS ES FW TW CL CW CL LI ES",
     "CL CL CL SR CL CL CL CL LA LI CL"},
};
// clang-format on

void expect_row(const Sheet& sheet, const char* row, uint8_t flags, const char* flag_name,
                const tcp_state::After& after = tcp_state::kAfter) {
  std::istringstream nows(kShort), nexts(row);
  std::string now, next;
  int columns = 0;
  while (nows >> now && nexts >> next) {
    EXPECT_EQ(next_tcp_state(state_of(now), sheet.direction, sheet.no_output ? kConnectionNoOutput : 0, flags,
                             after),
              state_of(next))
        << sheet.name << ": " << flag_name << " in " << now << " should lead to " << next;
    ++columns;
  }
  EXPECT_EQ(columns, 11);
}

TEST(TcpState, EveryTransitionIsTheSheets) {
  for (const Sheet& sheet : kSheets) {
    expect_row(sheet, sheet.syn, kTcpSyn, "syn");
    expect_row(sheet, sheet.fin, kTcpFin, "fin");
    expect_row(sheet, sheet.ack, kTcpAck, "ack");
    expect_row(sheet, sheet.rst, kTcpRst, "rst");
  }
}

TEST(TcpState, EveryTransitionInTimesOfAttackIsTheSheets) {
  for (const Sheet& sheet : kSecureSheets) {
    expect_row(sheet, sheet.syn, kTcpSyn, "syn", tcp_state::kSecureAfter);
    expect_row(sheet, sheet.fin, kTcpFin, "fin", tcp_state::kSecureAfter);
    expect_row(sheet, sheet.ack, kTcpAck, "ack", tcp_state::kSecureAfter);
    expect_row(sheet, sheet.rst, kTcpRst, "rst", tcp_state::kSecureAfter);
    expect_row(sheet, kShort, 0, "none", tcp_state::kSecureAfter);
  }
}

TEST(TcpState, RstCountsBeforeSynBeforeFinBeforeAck) {
  const Sheet& input = kSheets[0];
  expect_row(input, input.rst, kTcpRst | kTcpSyn | kTcpFin | kTcpAck, "rst+syn+fin+ack");
  expect_row(input, input.syn, kTcpSyn | kTcpFin | kTcpAck, "syn+fin+ack");
  expect_row(input, input.fin, kTcpFin | kTcpAck, "fin+ack");
}

TEST(TcpState, OtherFlagsDecideNothing) {
  const Sheet& input = kSheets[0];
  expect_row(input, input.ack, kTcpAck | kTcpPsh | 0xe0, "ack+psh+urg+ece+cwr");
}

TEST(TcpState, PacketWithoutAnyFlagKeepsTheState) {
  for (const Sheet& sheet : kSheets) {
    expect_row(sheet, kShort, 0, "none");
    expect_row(sheet, kShort, kTcpPsh, "psh");
  }
}

TEST(TcpState, UdpHasOneStateWhateverItsBytesLookLike) {
  for (int flags = 0; flags < 256; ++flags) {
    EXPECT_EQ(next_tcp_state(ConnectionState::kUdp, Direction::kRequest, 0,
                             static_cast<uint8_t>(flags)),
              ConnectionState::kUdp);
  }
}

// The short way of the packet path and the tables agree, and the short way is taken by what it is for.
TEST(TcpState, WhatKeepsTheStateIsWhatTheTablesSay) {
  for (size_t state = 0; state < tcp_state::kStates; ++state) {
    for (int flags = 0; flags < 256; ++flags) {
      const auto now = static_cast<ConnectionState>(state);
      const auto bits = static_cast<uint8_t>(flags);
      if (!keeps_state(now, bits)) continue;
      EXPECT_EQ(next_tcp_state(now, Direction::kRequest, 0, bits), now) << flags;
      EXPECT_EQ(next_tcp_state(now, Direction::kRequest, kConnectionNoOutput, bits), now) << flags;
      EXPECT_EQ(next_tcp_state(now, Direction::kReply, 0, bits), now) << flags;
      EXPECT_EQ(next_tcp_state(now, Direction::kRequest, 0, bits, tcp_state::kSecureAfter), now) << flags;
    }
  }
  EXPECT_TRUE(keeps_state(ConnectionState::kEstablished, kTcpAck | kTcpPsh));
  EXPECT_TRUE(keeps_state(ConnectionState::kUdp, 0));
  EXPECT_FALSE(keeps_state(ConnectionState::kEstablished, kTcpAck | kTcpFin));
  EXPECT_FALSE(keeps_state(ConnectionState::kSynRecv, kTcpAck));
}

TEST(TcpState, HandshakeAndEstablishedAreActive) {
  for (const char* active : {"SS", "SR", "SA", "ES"}) EXPECT_TRUE(is_active(state_of(active)));
  for (const char* inactive : {"NO", "FW", "TW", "CL", "CW", "LA", "LI"}) {
    EXPECT_FALSE(is_active(state_of(inactive))) << inactive;
  }
}

// IPVS's connections begin inactive and UDP has no transition that would change it.
TEST(TcpState, UdpIsInactive) { EXPECT_FALSE(is_active(ConnectionState::kUdp)); }

}  // namespace
}  // namespace shunt::dataplane
