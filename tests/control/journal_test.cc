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
    ASSERT_TRUE(journal.write({1, 7, time, "first", {}}));
    ASSERT_TRUE(journal.write({2, 8, time, std::string("sec\0nd", 6), {}}));
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
    ASSERT_TRUE(journal.write({3, 1, {}, "the state", {}}));
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
    ASSERT_TRUE(journal.write({3, 1, {}, "the state", {}}));
    std::filesystem::resize_file(file(), size);
    const auto entry = journal.load();
    ASSERT_FALSE(entry) << size;
    EXPECT_EQ(entry.error().code, ErrorCode::kInvalid);
  }
}

TEST_F(JournalTest, ReturnsTheEditsSinceTheState) {
  const WallClock::time_point later{std::chrono::seconds(9)};
  {
    Journal journal = open();
    EXPECT_FALSE(journal.can_append());
    ASSERT_TRUE(journal.write({3, 4, {}, "the state", {}}));
    ASSERT_TRUE(journal.can_append());
    ASSERT_TRUE(journal.append(4, {}, "one"));
    ASSERT_TRUE(journal.append(5, later, ""));
  }
  Journal journal = open();
  const auto entry = journal.load();
  ASSERT_TRUE(entry && *entry);
  EXPECT_EQ((*entry)->revision, 5u);
  EXPECT_EQ((*entry)->file_hash, 4u);
  EXPECT_EQ((*entry)->time, later);
  EXPECT_EQ((*entry)->state, "the state");
  EXPECT_EQ((*entry)->edits, (std::vector<std::string>{"one", ""}));
  // Another process goes on behind what is whole, never behind a torn end.
  ASSERT_TRUE(journal.can_append());
  ASSERT_TRUE(journal.append(6, later, "three"));
  EXPECT_EQ(journal.load()->value().edits, (std::vector<std::string>{"one", "", "three"}));
  std::filesystem::resize_file(file(), std::filesystem::file_size(file()) - 1);
  EXPECT_EQ(journal.load()->value().revision, 5u);
  EXPECT_FALSE(journal.can_append());
  ASSERT_TRUE(journal.write({6, 4, {}, "all", {}}));
  EXPECT_TRUE(journal.load()->value().edits.empty());
}

TEST_F(JournalTest, ATornEditIsLeftOutAndADamagedOneRefused) {
  const auto write = [&](Journal& journal) {
    ASSERT_TRUE(journal.write({3, 1, {}, "the state", {}}));
    ASSERT_TRUE(journal.append(4, {}, "first"));
    ASSERT_TRUE(journal.append(5, {}, "second"));
  };
  constexpr size_t kWhole = 64 + 9 + 64 + 5 + 64 + 6;
  Journal journal = open();
  for (size_t size = 64 + 9 + 64 + 5; size < kWhole; ++size) {
    write(journal);
    ASSERT_EQ(std::filesystem::file_size(file()), kWhole);
    std::filesystem::resize_file(file(), size);
    const auto entry = journal.load();
    ASSERT_TRUE(entry && *entry) << size;
    EXPECT_EQ((*entry)->revision, 4u);
  }
  for (const size_t offset : {size_t{64 + 9 + 3}, size_t{64 + 9 + 40}, size_t{64 + 9 + 64 + 2}, kWhole - 1}) {
    write(journal);
    flip_bit(offset);
    EXPECT_FALSE(journal.load()) << offset;
  }
}

TEST_F(JournalTest, EditsDoNotOutgrowTheState) {
  Journal journal = open();
  ASSERT_TRUE(journal.write({1, 1, {}, "the state", {}}));
  uint64_t revision = 1;
  while (journal.can_append()) ASSERT_TRUE(journal.append(++revision, {}, std::string(10000, 'x')));
  EXPECT_GT(revision, 20u);
  EXPECT_LT(std::filesystem::file_size(file()), 300000u);
}

TEST_F(JournalTest, SecondHolderOfTheDirectoryIsRefused) {
  Journal journal = open();
  const auto second = Journal::open(directory_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
}

TEST_F(JournalTest, AFailedWriteLeavesTheOldEntry) {
  Journal journal = open();
  ASSERT_TRUE(journal.write({5, 1, {}, "good", {}}));
  // A directory in the temporary file's place fails the write for root, too.
  std::filesystem::create_directory(directory_ + "/desired-state.journal.new");
  const auto written = journal.write({6, 1, {}, "never", {}});
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

// Writes revisions from `first` on, every eighth whole, the others as edits, and acknowledges each on `fd` until killed.
[[noreturn]] void write_until_killed(const std::string& directory, uint64_t first, int fd) {
  auto journal = Journal::open(directory);
  if (!journal) ::_exit(1);
  for (uint64_t revision = first;; ++revision) {
    const bool edit = revision % 8 != 0 && journal->can_append();
    const auto written = edit ? journal->append(revision, {}, state_of(revision))
                              : journal->write({revision, 5, {}, state_of(revision), {}});
    if (!written) ::_exit(2);
    if (::write(fd, &revision, sizeof revision) != sizeof revision) ::_exit(3);
  }
}

// What is loaded is one state and the edits after it, up to its revision.
void check_whole(const JournalEntry& entry) {
  ASSERT_EQ(entry.file_hash, 5u);
  const uint64_t base = entry.revision - entry.edits.size();
  ASSERT_EQ(entry.state, state_of(base));
  for (size_t i = 0; i < entry.edits.size(); ++i) ASSERT_EQ(entry.edits[i], state_of(base + i + 1));
}

// How long a write takes on this disk, microseconds.
long time_of_a_write() {
  char name[] = "/tmp/shunt-journal-XXXXXX";
  const std::string directory = ::mkdtemp(name);
  const auto begun = std::chrono::steady_clock::now();
  constexpr int kWrites = 5;
  {
    auto journal = Journal::open(directory);
    for (int i = 0; i < kWrites; ++i) EXPECT_TRUE(journal->write({1, 1, {}, state_of(40), {}}));
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
    check_whole(**entry);
  }
  EXPECT_GT(acknowledged, 50u);
}

}  // namespace
}  // namespace shunt::control
