// shuntctl events: what is shown, and how a watch goes on.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>

#include "tests/src/shuntctl/fake_daemon.h"

namespace shunt::shuntctl {
namespace {

using testing::HasSubstr;
using testing::Not;

template <typename Message>
Message message_of(const char* text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

TEST(Events, ShowKindSubjectAndText) {
  FakeDaemon daemon;
  daemon.events = {message_of<v1::Event>(R"(sequence: 41 time { seconds: 1700000000 } kind: "real_down"
      subject: "real web/10.0.1.1:80" text: "connect: connection refused")"),
                   message_of<v1::Event>(R"(sequence: 44 kind: "applied" subject: "revision 9")")};
  const Ended ended = daemon.ctl({"events", "--after", "40"});
  EXPECT_EQ(ended.exit, 0);
  EXPECT_THAT(ended.out, HasSubstr("2023-11-14 22:13:20 41       real_down     real web/10.0.1.1:80     connect: "
                                   "connection refused\n"));
  EXPECT_EQ(daemon.asked_events.after_sequence(), 40U);
  EXPECT_FALSE(daemon.asked_events.follow());
}

TEST(Events, ALongSubjectMovesTheTextOfThoseAfterItToo) {
  FakeDaemon daemon;
  daemon.events = {message_of<v1::Event>(
                       R"(sequence: 1 kind: "real_up" subject: "real web/[2001:db8:1::11]:443" text: "up")"),
                   message_of<v1::Event>(R"(sequence: 2 kind: "real_up" subject: "real web/a" text: "up")")};
  EXPECT_THAT(daemon.ctl({"events"}).out, HasSubstr("real_up       real web/[2001:db8:1::11]:443 up\n"));
  EXPECT_THAT(daemon.ctl({"events"}).out, HasSubstr("real_up       real web/a                    up\n"));
}

TEST(Events, WatchFollowsAndEndsWithTheDaemonsReason) {
  FakeDaemon daemon;
  daemon.refuse = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the daemon is stopping");
  const Ended ended = daemon.ctl({"events", "--watch"});
  EXPECT_TRUE(daemon.asked_events.follow());
  EXPECT_EQ(ended.exit, 3);
  EXPECT_EQ(ended.err, "shuntctl: the daemon is stopping\n");
}

TEST(Events, WatchGoesOnWhereItBrokeOff) {
  FakeDaemon daemon;
  daemon.refuse = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the daemon is stopping");
  daemon.events = {message_of<v1::Event>(R"(sequence: 7 kind: "applied" subject: "revision 9" life: "abc")")};
  daemon.events_again = {
      message_of<v1::Event>(R"(sequence: 2 kind: "resync" subject: "events" text: "started anew" life: "def")")};
  const Ended ended = daemon.ctl({"events", "--watch"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(daemon.watches, 2);
  EXPECT_EQ(daemon.asked_events.after_sequence(), 7U);
  EXPECT_EQ(daemon.asked_events.life(), "abc");
  EXPECT_THAT(ended.err, HasSubstr("the daemon is stopping; waiting for it to come back"));
  EXPECT_THAT(ended.out, HasSubstr("resync        events                   started anew"));
}

TEST(Events, AWatchWithATimeoutOrARefusalDoesNotGoOn) {
  for (const auto code : {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::PERMISSION_DENIED}) {
    FakeDaemon daemon;
    daemon.refuse = grpc::Status(code, "no");
    daemon.events = {message_of<v1::Event>(R"(sequence: 7 kind: "applied" life: "abc")")};
    daemon.events_again = daemon.events;
    const bool is_away = code == grpc::StatusCode::UNAVAILABLE;
    const Ended ended = is_away ? daemon.ctl({"events", "--watch", "--timeout", "60s"}) : daemon.ctl({"events", "--watch"});
    EXPECT_EQ(ended.exit, is_away ? 3 : 6);
    EXPECT_EQ(daemon.watches, 1);
  }
}

TEST(Events, APlaceHasALifeOrNone) {
  FakeDaemon daemon;
  EXPECT_EQ(daemon.ctl({"events", "--after", "0123abcd:12"}).exit, 0);
  EXPECT_EQ(daemon.asked_events.life(), "0123abcd");
  EXPECT_EQ(daemon.asked_events.after_sequence(), 12U);
  EXPECT_EQ(daemon.ctl({"events", "--new"}).exit, 0);
  EXPECT_TRUE(daemon.asked_events.from_now());
  for (const char* wrong : {"twelve", ":12", "abc:", "abc:12x", "-1"}) {
    EXPECT_EQ(daemon.ctl({"events", std::string("--after=") + wrong}).exit, 2) << wrong;
  }
  EXPECT_EQ(daemon.ctl({"events", "--new", "--after", "3"}).exit, 2);
}

}  // namespace
}  // namespace shunt::shuntctl
