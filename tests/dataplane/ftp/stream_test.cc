#include "dataplane/ftp/stream.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace shunt::dataplane {
namespace {

// What a reader says of a text, a letter for each event: a(rgument begins), l(ine), t(oo long), p(assive), s(ecure),
// e(ncrypts).
std::string events(std::string_view text, bool of_client) {
  FtpReader reader;
  std::string said;
  for (const char byte : text) {
    switch (reader.read(static_cast<uint8_t>(byte), of_client)) {
      case FtpEvent::kNone: break;
      case FtpEvent::kArgument: said += 'a'; break;
      case FtpEvent::kLine: said += 'l'; break;
      case FtpEvent::kTooLong: said += 't'; break;
      case FtpEvent::kAsksPassive: said += 'p'; break;
      case FtpEvent::kAsksEncryption: said += 's'; break;
      case FtpEvent::kEncrypts: said += 'e'; break;
    }
  }
  return said;
}

TEST(FtpReader, KnowsTheLinesThatNameEndpoints) {
  EXPECT_EQ(events("USER x\r\nPORT 1,2,3,4,5,6\r\nEPRT |1|1.2.3.4|5|\r\nPASV\r\nEPSV 2\r\nAUTH TLS\r\nLPRT 4\r\nQUIT\r\n", true), "alalppsal");
  EXPECT_EQ(events("220 hi\r\n227 ok (1,2,3,4,5,6)\r\n229 ok (|||7|)\r\n234 go\r\n", false), "alale");
}

TEST(FtpReader, EachEndHasItsOwn) {
  EXPECT_EQ(events("227 ok\r\n229 ok\r\n234 ok\r\n", true), "");
  EXPECT_EQ(events("PORT 1\r\nEPRT 1\r\nPASV\r\n", false), "");
}

TEST(FtpReader, CaseBlanksAndLineEndsDoNotMatter) {
  EXPECT_EQ(events("port 1\nPoRt\t1\r\n \t ePrT 1\r\npasv\n", true), "alalalp");
}

TEST(FtpReader, WordsWithinLinesAreNone) {
  EXPECT_EQ(events("STOR PORT 1,2,3,4,5,6\r\nPORTS 1\r\nXPORT 1\r\n", true), "");
  EXPECT_EQ(events("150 227 ok\r\n2270 ok\r\n227-more\r\n", false), "");
  EXPECT_EQ(events("PORT\r\nPASV\r\n", true), "p") << "a line without its argument ends like others";
}

// ABOR comes behind Telnet's Interrupt Process and Synch (RFC 959 section 4.1.3).
TEST(FtpReader, TelnetsCommandsAreNoPartOfALine) {
  EXPECT_EQ(events("\xff\xf4\xff\xf2PORT 1\r\n", true), "al");
  EXPECT_EQ(events("\xff\xfb\x01PO\xff\xfe\x22RT 1\r\n", true), "al");
}

TEST(FtpReader, ArgumentWithoutEndIsGivenUp) {
  const std::string most(kMostArgument, '1');
  EXPECT_EQ(events("PORT " + most + "1\r\nPASV\r\n", true), "atp");
  EXPECT_EQ(events("PORT " + most + "\nPASV\r\n", true), "atp");
  EXPECT_EQ(events("PORT " + most.substr(1) + "\nPASV\r\n", true), "alp");
}

std::vector<uint8_t> text_of(size_t bytes) { return std::vector<uint8_t>(bytes, 'n'); }

// 1000..1010 became 15 bytes, 1020..1030 became 4; both are on their way.
FtpStream two_changes() {
  FtpStream stream;
  stream.begin(1000);
  stream.next = 2000;
  stream.add(1000, 1010, 1000, text_of(15));
  stream.add(1020, 1030, 1000, text_of(4));
  return stream;
}

TEST(FtpStream, NumbersAreShiftedByWhatWasChangedBefore) {
  const FtpStream stream = two_changes();
  for (const auto& [number, told] : std::vector<std::pair<uint32_t, uint32_t>>{
           {990, 990}, {1000, 1000}, {1005, 1000}, {1010, 1015}, {1019, 1024}, {1020, 1025}, {1029, 1025}, {1030, 1029}, {1500, 1499}}) {
    EXPECT_EQ(stream.to_receiver(number), told) << number;
  }
}

TEST(FtpStream, AcknowledgementsAreNeverMoreThanWasHeard) {
  const FtpStream stream = two_changes();
  for (const auto& [heard, said] : std::vector<std::pair<uint32_t, uint32_t>>{
           {990, 990}, {1000, 1000}, {1001, 1000}, {1014, 1000}, {1015, 1010}, {1025, 1020}, {1026, 1020}, {1029, 1030}, {1499, 1500}}) {
    EXPECT_EQ(stream.acknowledged(heard), said) << heard;
  }
  EXPECT_EQ(stream.to_sender(1001, true), 1010u) << "a selective one's beginning: nothing of the change is claimed";
}

TEST(FtpStream, NumbersWrapAround) {
  FtpStream stream;
  stream.begin(0xfffffff0);
  stream.next = 0x20;
  stream.add(0xfffffff8, 0x8, 0xfffffff0, text_of(20));
  EXPECT_EQ(stream.to_receiver(0xfffffff8), 0xfffffff8u);
  EXPECT_EQ(stream.to_receiver(0x0), 0xfffffff8u);
  EXPECT_EQ(stream.to_receiver(0x8), 0xcu);
  EXPECT_EQ(stream.to_sender(0xc), 0x8u);
  EXPECT_EQ(stream.to_sender(0x4), 0xfffffff8u);
}

TEST(FtpStream, ChangesAreForgottenWhenTheirReceiverHasThem) {
  FtpStream stream = two_changes();
  stream.hear(1014);
  EXPECT_EQ(stream.change_count, 2u);
  stream.hear(1015);
  EXPECT_EQ(stream.change_count, 1u);
  EXPECT_EQ(stream.to_receiver(1015), 1020u) << "numbers stay what they were";
  EXPECT_EQ(stream.to_receiver(1500), 1499u);
  stream.hear(4000);
  EXPECT_EQ(stream.change_count, 1u) << "nobody has what was not sent yet";
  stream.hear(1029);
  EXPECT_EQ(stream.change_count, 0u);
  EXPECT_EQ(stream.to_receiver(1500), 1499u);
  EXPECT_EQ(stream.acknowledged(1499), 1500u);
}

TEST(FtpStream, KeptBytesAreAcknowledgedWithAllBeforeThem) {
  FtpStream stream;
  stream.begin(1000);
  stream.next = 1010;
  stream.add(1000, 1010, 1006, text_of(15));
  EXPECT_EQ(stream.acknowledged(999), 999u);
  EXPECT_EQ(stream.acknowledged(1000), 1006u);
  EXPECT_EQ(stream.acknowledged(1014), 1006u);
  EXPECT_EQ(stream.acknowledged(1015), 1010u);
}

}  // namespace
}  // namespace shunt::dataplane
