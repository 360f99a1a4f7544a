#include "control/journal.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

namespace shunt::control {
namespace {

using testing::HasSubstr;

class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    char name[] = "/tmp/shunt-journal-XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  ~JournalTest() override { std::filesystem::remove_all(directory_); }

  Journal open() {
    auto journal = Journal::open(directory_);
    EXPECT_TRUE(journal) << journal.error().message;
    return std::move(*journal);
  }
  std::string file() const { return directory_ + "/desired-state.journal"; }
  size_t files_kept() const {
    size_t count = 0;
    for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator(directory_)) ++count;
    return count;
  }
  void flip_bit(size_t offset) const {
    std::fstream stream(file(), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(offset));
    const char byte = static_cast<char>(stream.get() ^ 0x10);
    stream.seekp(static_cast<std::streamoff>(offset));
    stream.put(byte);
  }

  std::string directory_;
};

// Contents that tell their revision and have different lengths.
std::string state_of(uint64_t revision) {
  return std::string(1000 + revision % 97 * 3000, static_cast<char>('a' + revision % 26)) +
         std::to_string(revision);
}

TEST_F(JournalTest, IsEmptyBeforeTheFirstWrite) {
  const auto entry = open().load();
  ASSERT_TRUE(entry);
  EXPECT_FALSE(entry->has_value());
}

TEST_F(JournalTest, ReturnsWhatWasWrittenLast) {
  const WallClock::time_point time{std::chrono::nanoseconds(123456789)};
  {
    Journal journal = open();
    ASSERT_TRUE(journal.write({1, 7, time, "first"}));
    ASSERT_TRUE(journal.write({2, 8, time, std::string("sec\0nd", 6)}));
  }
  const auto entry = open().load();
  ASSERT_TRUE(entry && *entry);
  EXPECT_EQ((*entry)->revision, 2u);
  EXPECT_EQ((*entry)->file_hash, 8u);
  EXPECT_EQ((*entry)->time, time);
  EXPECT_EQ((*entry)->state, std::string("sec\0nd", 6));
  EXPECT_EQ(files_kept(), 1u);
}

TEST_F(JournalTest, RefusesAnyFlippedBitAndKeepsTheFileAside) {
  for (const size_t offset : {0ul, 9ul, 17ul, 33ul, 41ul, 50ul, 63ul, 64ul, 70ul}) {
    Journal journal = open();
    ASSERT_TRUE(journal.write({3, 1, {}, "the state"}));
    flip_bit(offset);
    const size_t before = files_kept();
    const auto entry = journal.load();
    ASSERT_FALSE(entry) << "offset " << offset;
    EXPECT_EQ(entry.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(entry.error().message, HasSubstr(file() + ".damaged-"));
    EXPECT_EQ(files_kept(), before);
    const auto after = journal.load();
    ASSERT_TRUE(after);
    EXPECT_FALSE(after->has_value());
  }
}

TEST_F(JournalTest, RefusesATruncatedFile) {
  for (const uintmax_t size : {0ul, 10ul, 64ul, 68ul}) {
    Journal journal = open();
    ASSERT_TRUE(journal.write({3, 1, {}, "the state"}));
    std::filesystem::resize_file(file(), size);
    const auto entry = journal.load();
    ASSERT_FALSE(entry) << size;
    EXPECT_EQ(entry.error().code, ErrorCode::kInvalid);
  }
}

TEST_F(JournalTest, RefusesABiggerFile) {
  Journal journal = open();
  ASSERT_TRUE(journal.write({3, 1, {}, "the state"}));
  std::ofstream(file(), std::ios::app) << "more";
  EXPECT_FALSE(journal.load());
}

TEST_F(JournalTest, SecondHolderOfTheDirectoryIsRefused) {
  Journal journal = open();
  const auto second = Journal::open(directory_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
}

TEST_F(JournalTest, AFailedWriteLeavesTheOldEntry) {
  Journal journal = open();
  ASSERT_TRUE(journal.write({5, 1, {}, "good"}));
  // A directory in the temporary file's place fails the write for root, too.
  std::filesystem::create_directory(directory_ + "/desired-state.journal.new");
  const auto written = journal.write({6, 1, {}, "never"});
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message, HasSubstr("desired-state.journal.new"));
  const auto entry = journal.load();
  ASSERT_TRUE(entry && *entry);
  EXPECT_EQ((*entry)->revision, 5u);
}

TEST_F(JournalTest, OpenSaysWhyThereIsNoDirectory) {
  std::ofstream(directory_ + "/file") << "x";
  const auto journal = Journal::open(directory_ + "/file/below");
  ASSERT_FALSE(journal);
  EXPECT_THAT(journal.error().message, HasSubstr("/file/below"));
}

TEST_F(JournalTest, ContentHashTellsContentsApart) {
  EXPECT_EQ(content_hash("abc"), content_hash("abc"));
  EXPECT_NE(content_hash("abc"), content_hash("abd"));
  EXPECT_NE(content_hash(""), content_hash(std::string(1, '\0')));
  EXPECT_NE(content_hash("12345678"), content_hash("123456780"));
}

// Writes revisions from `first` on and acknowledges each on `fd` until killed.
[[noreturn]] void write_until_killed(const std::string& directory, uint64_t first, int fd) {
  auto journal = Journal::open(directory);
  if (!journal) ::_exit(1);
  for (uint64_t revision = first;; ++revision) {
    if (!journal->write({revision, revision * 3, {}, state_of(revision)})) ::_exit(2);
    if (::write(fd, &revision, sizeof revision) != sizeof revision) ::_exit(3);
  }
}

// How long a write takes on this disk, microseconds.
long time_of_a_write() {
  char name[] = "/tmp/shunt-journal-XXXXXX";
  const std::string directory = ::mkdtemp(name);
  const auto begun = std::chrono::steady_clock::now();
  constexpr int kWrites = 5;
  {
    auto journal = Journal::open(directory);
    for (int i = 0; i < kWrites; ++i) EXPECT_TRUE(journal->write({1, 1, {}, state_of(40)}));
  }
  const auto took = std::chrono::steady_clock::now() - begun;
  std::filesystem::remove_all(directory);
  return std::chrono::duration_cast<std::chrono::microseconds>(took).count() / kWrites + 1;
}

TEST_F(JournalTest, SurvivesKillAtAnyMoment) {
  std::mt19937 random(1);
  const long write_us = time_of_a_write();
  uint64_t acknowledged = 0;
  uint64_t loaded = 0;
  for (int round = 0; round < 120; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) write_until_killed(directory_, loaded + 1, ends[1]);
    ::close(ends[1]);
    // After none, one or two whole writes, anywhere in the next.
    uint64_t revision;
    for (unsigned whole = random() % 3; whole > 0; --whole) {
      ASSERT_EQ(::read(ends[0], &revision, sizeof revision), ssize_t{sizeof revision});
      acknowledged = revision;
    }
    ::usleep(static_cast<useconds_t>(random() % (2 * write_us)));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "writer ended by itself: " << WEXITSTATUS(status);
    while (::read(ends[0], &revision, sizeof revision) == sizeof revision) acknowledged = revision;
    ::close(ends[0]);

    const auto entry = open().load();
    ASSERT_TRUE(entry) << entry.error().message;
    if (acknowledged == 0 && !entry->has_value()) continue;
    ASSERT_TRUE(entry->has_value());
    // The last write may have ended without its acknowledgement; never more than that one.
    const uint64_t at_most = std::max(loaded, acknowledged) + 1;
    loaded = (*entry)->revision;
    ASSERT_GE(loaded, acknowledged);
    ASSERT_LE(loaded, at_most);
    ASSERT_EQ((*entry)->file_hash, loaded * 3);
    ASSERT_EQ((*entry)->state, state_of(loaded));
  }
  EXPECT_GT(acknowledged, 50u);
}

}  // namespace
}  // namespace shunt::control
