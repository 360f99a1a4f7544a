#include "control/history/history.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "control/history/record.h"

namespace shunt::control {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class HistoryTest : public testing::Test {
 protected:
  HistoryTest() {
    char name[] = "/tmp/shunt-history-XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  ~HistoryTest() override { std::filesystem::remove_all(directory_); }

  // As a start finds it, the journal being at `state_revision`.
  History open(uint64_t state_revision) {
    damage_.clear();
    auto history = History::open(directory_, damage_);
    EXPECT_TRUE(history) << history.error().message;
    history->begin(state_revision);
    return std::move(*history);
  }
  static Revision change_of_state(uint64_t revision) {
    return {revision, WallClock::time_point(std::chrono::seconds(revision)), {Origin::kApi, "ops", "apply"}, 1,
            {{Change::Kind::kChanged, "service web", {"scheduler: rr -> wlc"}}}, true, 0};
  }
  static WayBack way_back_of(uint64_t revision) { return {"state before " + std::to_string(revision), {"new"}, {"a", "b"}}; }
  void append(History& history, uint64_t revision) const {
    ASSERT_TRUE(history.append(change_of_state(revision), way_back_of(revision)));
  }
  static std::vector<uint64_t> numbers(const History& history) {
    std::vector<uint64_t> result;
    for (const Revision& each : history.revisions()) result.push_back(each.revision);
    return result;
  }
  void flip_bit(const std::string& path, size_t offset) const {
    std::fstream stream(path, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(offset));
    const char byte = static_cast<char>(stream.get() ^ 0x10);
    stream.seekp(static_cast<std::streamoff>(offset));
    stream.put(byte);
  }

  std::string directory_;
  std::vector<std::string> damage_;
};

TEST_F(HistoryTest, TellsAfterARestartWhatWasAppended) {
  {
    History history = open(0);
    append(history, 1);
    append(history, 2);
    ASSERT_TRUE(history.append({3, {}, {Origin::kItself, "", ""}, 1, {}, false, 0}, {}));
    append(history, 4);
  }
  const History history = open(4);
  EXPECT_THAT(damage_, IsEmpty());
  EXPECT_THAT(numbers(history), ElementsAre(1, 2, 3, 4));
  Revision expected = change_of_state(2);
  expected.from = 1;
  EXPECT_EQ(history.revisions()[1], expected);
  EXPECT_EQ(history.revisions()[3].from, 2u) << "the override's revision changed no state";
  EXPECT_THAT(*history.way_to(1), ElementsAre(4, 2));
  EXPECT_THAT(*history.way_to(3), ElementsAre(4));
  EXPECT_THAT(*history.way_to(4), IsEmpty());
  EXPECT_EQ(*History::read(history.file_of(4)), way_back_of(4));
  const auto none = history.way_to(9);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
}

TEST_F(HistoryTest, WhatTheJournalDoesNotKnowNeverWas) {
  {
    History history = open(0);
    append(history, 1);
    append(history, 2);
  }
  // Killed before the journal took revision 2.
  History history = open(1);
  EXPECT_THAT(numbers(history), ElementsAre(1));
  append(history, 2);
  history.forget(2);
  EXPECT_THAT(numbers(history), ElementsAre(1));
  append(history, 2);
  EXPECT_THAT(*history.way_to(1), ElementsAre(2));
}

TEST_F(HistoryTest, ADamagedFileIsToldAndTheRestGoesOn) {
  {
    History history = open(0);
    for (uint64_t revision = 1; revision <= 4; ++revision) append(history, revision);
  }
  const std::string second = open(4).file_of(2);
  // Of the header, of its checksum, of what is listed.
  for (const size_t offset : {size_t{3}, size_t{50}, kRecordHeaderBytes + 5}) {
    const std::string kept = directory_ + "/kept";
    std::filesystem::copy_file(second, kept, std::filesystem::copy_options::overwrite_existing);
    flip_bit(second, offset);
    const History history = open(4);
    ASSERT_THAT(damage_, ElementsAre(HasSubstr(second))) << offset;
    EXPECT_THAT(damage_[0], HasSubstr("can no longer be brought back"));
    EXPECT_THAT(numbers(history), ElementsAre(1, 3, 4));
    EXPECT_THAT(*history.way_to(3), ElementsAre(4));
    const auto lost = history.way_to(1);
    ASSERT_FALSE(lost) << "the way leads through revision 2";
    EXPECT_THAT(lost.error().message, HasSubstr("revision 1"));
    std::filesystem::rename(kept, second);
  }
  std::filesystem::resize_file(second, 20);
  open(4);
  EXPECT_THAT(damage_, ElementsAre(HasSubstr("shorter than its header")));
}

TEST_F(HistoryTest, ADamagedWayBackIsSeenWhenItIsTaken) {
  History history = open(0);
  append(history, 1);
  append(history, 2);
  flip_bit(history.file_of(2), std::filesystem::file_size(history.file_of(2)) - 1);
  const auto way_back = History::read(history.file_of(2));
  ASSERT_FALSE(way_back);
  EXPECT_THAT(way_back.error().message, HasSubstr("its checksum is wrong"));
}

TEST_F(HistoryTest, AGapEndsTheWay) {
  {
    History history = open(0);
    append(history, 1);
    append(history, 2);
  }
  // The history could not be written for revision 3.
  History history = open(3);
  EXPECT_FALSE(history.way_to(1));
  EXPECT_FALSE(history.way_to(2));
  append(history, 4);
  EXPECT_FALSE(history.way_to(2));
  EXPECT_TRUE(history.way_to(4));
  // One that cannot be written is such a gap, unless it was not to be.
  std::filesystem::rename(directory_ + "/history", directory_ + "/away");
  EXPECT_FALSE(history.append(change_of_state(5), {}));
  history.forget(5);
  EXPECT_TRUE(history.way_to(4));
  EXPECT_FALSE(history.append(change_of_state(5), {}));
  std::filesystem::rename(directory_ + "/away", directory_ + "/history");
  append(history, 6);
  EXPECT_FALSE(history.way_to(4));
  EXPECT_TRUE(history.way_to(6));
}

TEST_F(HistoryTest, IsBoundedInRevisionsAndBytes) {
  History history = open(0);
  for (uint64_t revision = 1; revision <= History::kMaxRevisions + 5; ++revision) append(history, revision);
  EXPECT_THAT(history.revisions(), SizeIs(History::kMaxRevisions));
  EXPECT_EQ(history.revisions().front().revision, 6u);
  EXPECT_TRUE(history.way_to(6));
  const std::string half(History::kMaxBytes / 2, 'x');
  ASSERT_TRUE(history.append(change_of_state(200), {half, {}, {}}));
  EXPECT_GT(history.revisions().size(), 2u);
  ASSERT_TRUE(history.append(change_of_state(201), {half, {}, {}}));
  EXPECT_THAT(numbers(history), ElementsAre(201));
  size_t files = 0;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator(directory_ + "/history")) ++files;
  EXPECT_EQ(files, 1u);
}

TEST_F(HistoryTest, AKillAtAnyMomentLeavesAWayBack) {
  uint64_t done = 0;
  for (int life = 0; life < 15; ++life) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      std::vector<std::string> damage;
      auto history = History::open(directory_, damage);
      if (!history || !damage.empty()) _exit(1);
      history->begin(done);
      for (uint64_t revision = done + 1;; ++revision) {
        if (!history->append(change_of_state(revision), {std::string(50000, 'x'), {}, {}})) _exit(1);
        // Here the journal takes it.
        if (::write(pipe[1], &revision, sizeof revision) != sizeof revision) _exit(1);
      }
    }
    ::close(pipe[1]);
    // It writes; then it is killed in the middle of something.
    ASSERT_EQ(::read(pipe[0], &done, sizeof done), static_cast<ssize_t>(sizeof done));
    ::usleep(static_cast<useconds_t>(700 * life));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "damage, or it could not be written";
    for (uint64_t revision; ::read(pipe[0], &revision, sizeof revision) == sizeof revision;) done = revision;
    ::close(pipe[0]);
    const History history = open(done);
    EXPECT_THAT(damage_, IsEmpty());
    ASSERT_EQ(history.newest(), done);
    EXPECT_TRUE(history.way_to(history.revisions().front().revision));
  }
}

}  // namespace
}  // namespace shunt::control
