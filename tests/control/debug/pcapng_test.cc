// What is written is what tcpdump reads.
#include "control/debug/pcapng.h"

#include <gmock/gmock.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace shunt::control {
namespace {

using testing::HasSubstr;

// A UDP datagram 192.0.2.1:4000 -> 192.0.2.2:53 in an Ethernet frame.
std::vector<uint8_t> a_frame() {
  return {2,  0,    0,    0,   0, 1, 2, 0,   0, 0, 0, 2,    8,    0, 0x45, 0, 0,  32, 0, 0,   0,   0,   64,
          17, 0xf6, 0xc9, 192, 0, 2, 1, 192, 0, 2, 2, 0x0f, 0xa0, 0, 53,   0, 12, 0,  0, 'a', 'b', 'c', 'd'};
}

CapturedFrame captured(bool is_in, const std::string& comment) {
  CapturedFrame frame;
  frame.time = WallClock::time_point(std::chrono::seconds(1'700'000'000)) + std::chrono::microseconds(123456);
  frame.port = 4;
  frame.is_in = is_in;
  frame.bytes = a_frame();
  frame.frame_bytes = 1000;
  frame.comment = comment;
  return frame;
}

// Type and body of each block; the lengths on both sides are compared.
std::vector<std::pair<uint32_t, std::string>> blocks_of(const std::string& file) {
  std::vector<std::pair<uint32_t, std::string>> blocks;
  for (size_t at = 0; at < file.size();) {
    uint32_t type = 0, length = 0, again = 0;
    std::memcpy(&type, file.data() + at, 4);
    std::memcpy(&length, file.data() + at + 4, 4);
    if (length < 12 || length % 4 != 0 || at + length > file.size()) {
      ADD_FAILURE() << "a block of " << length << " bytes at " << at;
      return blocks;
    }
    std::memcpy(&again, file.data() + at + length - 4, 4);
    EXPECT_EQ(length, again);
    blocks.emplace_back(type, file.substr(at + 8, length - 12));
    at += length;
  }
  return blocks;
}

TEST(Pcapng, HasASectionItsInterfacesAndTheFrames) {
  const PcapngWriter writer({{3, "outside"}, {4, "inside"}}, 1664);
  const auto blocks = blocks_of(writer.begin() + writer.frame(captured(true, "real web/r1")) + writer.end(7, {}));
  ASSERT_EQ(blocks.size(), 5u);
  EXPECT_EQ(blocks[0].first, 0x0a0d0d0au);
  EXPECT_THAT(blocks[1].second, HasSubstr("outside"));
  EXPECT_THAT(blocks[2].second, HasSubstr("inside"));
  EXPECT_EQ(blocks[3].first, 6u);
  EXPECT_EQ(blocks[3].second[0], 1) << "the second interface";
  EXPECT_THAT(blocks[3].second, HasSubstr("real web/r1"));
  EXPECT_EQ(blocks[4].first, 5u);
}

TEST(Pcapng, TcpdumpReadsIt) {
  if (std::system("command -v tcpdump >/dev/null") != 0) GTEST_SKIP() << "no tcpdump; scripts/setup installs it";
  char name[] = "/tmp/shunt-pcapng-XXXXXX";
  const std::string folder = mkdtemp(name);
  const std::string path = folder + "/f.pcapng";
  const PcapngWriter writer({{3, "outside"}, {4, "inside"}}, 1664);
  std::ofstream(path) << writer.begin() << writer.frame(captured(true, "x")) << writer.frame(captured(false, ""))
                      << writer.end(0, WallClock::now());
  FILE* tcpdump = popen(("tcpdump -nn -tt -r " + path + " 2>&1").c_str(), "r");
  std::string said;
  char buffer[512];
  while (std::fgets(buffer, sizeof buffer, tcpdump) != nullptr) said += buffer;
  EXPECT_EQ(pclose(tcpdump), 0) << said;
  EXPECT_THAT(said, HasSubstr("1700000000.123456"));
  EXPECT_THAT(said, HasSubstr("IP 192.0.2.1.4000 > 192.0.2.2.53"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace shunt::control
