#include "dataplane/sctp_state.h"

#include <gmock/gmock.h>

#include <sstream>
#include <string>

namespace shunt::dataplane {
namespace {

constexpr const char* kShort = "NO I1 IN CS CR CW CO CE ES SS SR SA RJ CL";

ConnectionState state_of(const std::string& abbreviation) {
  std::istringstream names(kShort);
  std::string name;
  for (size_t index = static_cast<size_t>(ConnectionState::kSctpNone); names >> name; ++index) {
    if (name == abbreviation) return static_cast<ConnectionState>(index);
  }
  ADD_FAILURE() << "no state " << abbreviation;
  return ConnectionState::kSctpNone;
}

// The tables as IPVS prints them: a row per event, a column per state.
struct Sheet {
  const char* name;
  Direction direction;
  bool no_output;
  std::array<const char*, kSctpEvents> rows;
};

// clang-format off
constexpr Sheet kSheets[] = {
    {"input", Direction::kRequest, false,
     {"ES I1 IN CS CR CW CO CE ES SS SR SA RJ CL",  // data
      "I1 IN IN CS CR CW CO CE ES SS SR SA IN IN",  // init
      "CW CW CW CS CR CO CO CE ES SS SR SA RJ CL",  // init ack
      "CR IN IN CR CR CW CO CE ES SS SR SA RJ CL",  // cookie echo
      "ES I1 IN CS CR CW CO ES ES SS SR SA RJ CL",  // cookie ack
      "SR I1 IN CS CR CW CO CE SR SS SR SA RJ CL",  // shutdown
      "CL IN IN CS CR CW CO CE ES CL SR CL RJ CL",  // shutdown ack
      "CL CL CL CS CR CW CO CE ES SS SR CL RJ CL",  // shutdown complete
      "CL I1 IN CS CR CW CO CL ES SS SR SA RJ CL",  // error
      "CL CL CL CL CL RJ CL CL CL CL CL CL CL CL"}},  // abort
    {"output", Direction::kReply, false,
     {"ES I1 IN CS CR CW CO CE ES SS SR SA RJ CL",  // data
      "CW CW CW CW CW CW CW CW ES CW CW CW CW CW",  // init
      "CS CS CS CS CR CW CO CE ES SS SR SA RJ CL",  // init ack
      "CE CE CE CE CE CE CE CE ES SS SR SA RJ CL",  // cookie echo
      "ES ES ES ES ES ES ES ES ES SS SR SA RJ CL",  // cookie ack
      "SS SS SS SS SS SS SS SS SS SS SR SA RJ CL",  // shutdown
      "SA SA SA SA SA CW CO CE ES SA SA SA RJ CL",  // shutdown ack
      "CL I1 IN CS CR CW CO CE ES SS SR SA RJ CL",  // shutdown complete
      "CL CL CL CL CL CW CO CE ES SS SR SA RJ CL",  // error
      "CL RJ CL CL CL CL CL CL CL CL CL CL CL CL"}},  // abort
    {"input only", Direction::kRequest, true,
     {"ES I1 IN CS CR ES CO CE ES SS SR SA RJ CL",  // data
      "I1 IN IN IN IN IN CO CE ES SS SR SA IN IN",  // init
      "CE CE CE CE CE CE CO CE ES SS SR SA RJ CL",  // init ack
      "ES ES ES ES ES ES CO CE ES SS SR SA RJ CL",  // cookie echo
      "ES I1 IN ES ES CW ES ES ES SS SR SA RJ CL",  // cookie ack
      "SR I1 IN CS CR CW CO CE SR SS SR SA RJ CL",  // shutdown
      "CL IN IN CS CR CW CO CE CL CL SR CL RJ CL",  // shutdown ack
      "CL CL CL CL CL CW CO CE ES SS CL CL RJ CL",  // shutdown complete
      "CL I1 IN CS CR CW CO CE ES SS SR SA RJ CL",  // error
      "CL CL CL CL CL RJ CL CL CL CL CL CL CL CL"}},  // abort
    {"output after input only", Direction::kReply, true,
     {"ES I1 IN CS CR CW CO CE ES SS SR SA RJ CL",  // data
      "CW CW CW CW CW CW CW CW ES CW CW CW CW CW",  // init
      "CS CS CS CS CR CW CO CE ES SS SR SA RJ CL",  // init ack
      "CE CE CE CE CE CE CE CE ES SS SR SA RJ CL",  // cookie echo
      "ES ES ES ES ES ES ES ES ES SS SR SA RJ CL",  // cookie ack
      "SS SS SS SS SS SS SS SS SS SS SR SA RJ CL",  // shutdown
      "SA SA SA SA SA CW CO CE ES SA SA SA RJ CL",  // shutdown ack
      "CL I1 IN CS CR CW CO CE ES SS SR SA RJ CL",  // shutdown complete
      "CL CL CL CL CL CW CO CE ES SS SR SA RJ CL",  // error
      "CL RJ CL CL CL CL CL CL CL CL CL CL CL CL"}},  // abort
};
// clang-format on

TEST(SctpState, EveryTransitionIsTheSheets) {
  for (const Sheet& sheet : kSheets) {
    for (size_t event = 0; event < kSctpEvents; ++event) {
      std::istringstream nows(kShort), nexts(sheet.rows[event]);
      std::string now, next;
      int columns = 0;
      while (nows >> now && nexts >> next) {
        EXPECT_EQ(next_sctp_state(state_of(now), sheet.direction, sheet.no_output ? kConnectionNoOutput : 0,
                                  flags_of(static_cast<SctpEvent>(event))),
                  state_of(next))
            << sheet.name << ": event " << event << " in " << now << " should lead to " << next;
        ++columns;
      }
      EXPECT_EQ(columns, 14);
    }
  }
}

TEST(SctpState, EventsAreTheChunkTypesOfRfc9260) {
  using enum SctpEvent;
  const SctpEvent by_type[] = {kData,     kInit,        kInitAck, kData,       kData,      kData, kAbort, kShutdown,
                               kShutdownAck, kError, kCookieEcho, kCookieAck, kData, kData,  kShutdownComplete};
  for (int type = 0; type < 256; ++type) {
    EXPECT_EQ(sctp_event_of(static_cast<uint8_t>(type)), type < 15 ? by_type[type] : kData) << type;
  }
}

// Packet::tcp_flags carries the event: what admission takes for a SYN is INIT alone, and nothing is taken for an RST.
TEST(SctpState, FlagsCarryEveryEvent) {
  for (size_t i = 0; i < kSctpEvents; ++i) {
    const auto event = static_cast<SctpEvent>(i);
    const uint8_t flags = flags_of(event);
    EXPECT_EQ(sctp_event_in(flags), event);
    EXPECT_EQ((flags & (kTcpSyn | kTcpRst | kTcpAck)) == kTcpSyn, event == SctpEvent::kInit) << i;
    EXPECT_EQ((flags & kTcpSyn) != 0, event == SctpEvent::kInit) << i;
    EXPECT_EQ(keeps_state(ConnectionState::kSctpEstablished, flags), event == SctpEvent::kData) << i;
  }
}

TEST(SctpState, WhatKeepsTheStateIsWhatTheTablesSay) {
  for (size_t state = static_cast<size_t>(ConnectionState::kSctpNone);
       state <= static_cast<size_t>(ConnectionState::kSctpClosed); ++state) {
    const auto now = static_cast<ConnectionState>(state);
    for (size_t event = 0; event < kSctpEvents; ++event) {
      const uint8_t flags = flags_of(static_cast<SctpEvent>(event));
      if (!keeps_state(now, flags)) continue;
      for (const Direction direction : {Direction::kRequest, Direction::kReply}) {
        for (const uint8_t no_output : {uint8_t{0}, kConnectionNoOutput}) {
          EXPECT_EQ(next_sctp_state(now, direction, no_output, flags), now);
        }
      }
    }
  }
}

TEST(SctpState, OnlyEstablishedIsActive) {
  for (size_t state = static_cast<size_t>(ConnectionState::kSctpNone);
       state <= static_cast<size_t>(ConnectionState::kSctpClosed); ++state) {
    const auto now = static_cast<ConnectionState>(state);
    EXPECT_EQ(is_active(now), now == ConnectionState::kSctpEstablished);
    EXPECT_TRUE(is_sctp(now));
  }
  EXPECT_FALSE(is_sctp(ConnectionState::kUdp));
  EXPECT_FALSE(is_sctp(ConnectionState::kIcmp));
}

TEST(SctpState, TimeoutsAndNamesAreIpvss) {
  struct Fact {
    const char* name;
    uint32_t seconds;
  };
  constexpr Fact kFacts[] = {
      {"NONE", 2},     {"INIT1", 4},     {"INIT", 61},         {"C-SENT", 61}, {"C-REPLIED", 61},
      {"C-WAIT", 61},  {"COOKIE", 61},   {"C-ECHOED", 61},     {"ESTABLISHED", 900},
      {"S-SENT", 61},  {"S-RECEIVED", 61}, {"S-ACK-SENT", 61}, {"REJECTED", 4}, {"CLOSED", 61}};
  for (size_t i = 0; i < std::size(kFacts); ++i) {
    const size_t state = static_cast<size_t>(ConnectionState::kSctpNone) + i;
    EXPECT_EQ(name_of(static_cast<ConnectionState>(state)), kFacts[i].name);
    EXPECT_EQ(kDefaultTimeoutsMs[state], kFacts[i].seconds * 1000) << kFacts[i].name;
  }
}

}  // namespace
}  // namespace shunt::dataplane
