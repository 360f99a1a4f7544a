#include "dataplane/setup/hugepages.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace shunt::dataplane {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

// A machine's /sys and mounts in a folder of its own.
class Hugepages : public testing::Test {
 protected:
  Hugepages() : root_(fs::path(testing::TempDir()) / ("hugepages" + std::to_string(getpid()))) {}
  ~Hugepages() override { fs::remove_all(root_); }

  void offer(unsigned page_kb, unsigned total, unsigned free) {
    const fs::path folder = root_ / "kernel/mm/hugepages" / ("hugepages-" + std::to_string(page_kb) + "kB");
    fs::create_directories(folder);
    std::ofstream(folder / "nr_hugepages") << total << "\n";
    std::ofstream(folder / "free_hugepages") << free << "\n";
  }
  void mount(const std::string& options) {
    fs::create_directories(root_);
    std::ofstream(root_ / "mounts", std::ios::app) << "hugetlbfs /dev/hugepages hugetlbfs " << options << " 0 0\n";
  }
  std::string outcome(uint32_t memory_mb) {
    const auto checked = check_huge_pages(read_huge_pages(root_, root_ / "mounts"), memory_mb);
    if (checked) return "enough";
    EXPECT_EQ(checked.error().code, ErrorCode::kNoMemory);
    return checked.error().message;
  }

  fs::path root_;
};

TEST_F(Hugepages, TooFewAreCountedWithTheCommandThatMendsIt) {
  offer(2048, 128, 100);
  mount("rw,relatime,pagesize=2M");
  EXPECT_EQ(outcome(200), "enough");
  const std::string said = outcome(202);
  EXPECT_THAT(said, HasSubstr("needs 101 pages of 2 MiB, 100 of 128 are free"));
  EXPECT_THAT(said, HasSubstr("echo 129 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"));
}

TEST_F(Hugepages, PagesOfAnUnmountedSizeDoNotCount) {
  offer(2048, 10, 10);
  offer(1048576, 4, 4);
  mount("rw,relatime,pagesize=2M");
  EXPECT_THAT(outcome(512), HasSubstr("needs 256 pages of 2 MiB, 10 of 10"));
  mount("rw,relatime,pagesize=1024M");
  EXPECT_EQ(outcome(4096), "enough");
}

TEST_F(Hugepages, WithoutAMountTheMountIsTheRemedy) {
  offer(2048, 64, 64);
  EXPECT_THAT(outcome(128), HasSubstr("no hugetlbfs is mounted; mkdir -p /dev/hugepages && mount -t hugetlbfs"));
  EXPECT_THAT(outcome(130), HasSubstr("echo 65 > "));
}

TEST_F(Hugepages, AKernelWithoutThemIsTold) { EXPECT_THAT(outcome(64), HasSubstr("this kernel has none")); }

TEST_F(Hugepages, OrdinaryMemoryIsComparedWithWhatIsAvailable) {
  fs::create_directories(root_);
  std::ofstream(root_ / "meminfo") << "MemTotal: 2048000 kB\nMemAvailable:     524288 kB\n";
  EXPECT_TRUE(check_ordinary_memory(512, root_ / "meminfo"));
  const auto checked = check_ordinary_memory(513, root_ / "meminfo");
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().message, HasSubstr("dpdk.memory_mb is 513, this machine has 512 MiB available"));
}

}  // namespace
}  // namespace shunt::dataplane
