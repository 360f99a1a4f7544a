#include "dataplane/ftp/endpoint.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace shunt::dataplane {
namespace {

std::span<const uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// "10.0.0.7 51213, of 4..19"; "none".
std::string found_in(FtpLine line, std::string_view text) {
  const auto found = find_endpoint(line, bytes_of(text));
  if (!found) return "none";
  const std::string address = line == FtpLine::kExtendedPassive ? "" : found->endpoint.address.to_string() + " ";
  return address + std::to_string(found->endpoint.port.host()) + " of " + std::to_string(found->begin) + ".." + std::to_string(found->end);
}

std::string written(FtpLine line, char delimiter, const char* address, uint16_t port) {
  uint8_t text[kMostEndpointBytes];
  const uint32_t bytes = write_endpoint(line, delimiter, {IpAddress::parse(address).value(), Be16::from_host(port)}, text);
  return {text, text + bytes};
}

TEST(FtpEndpoint, PortNamesAddressAndPort) {
  EXPECT_EQ(found_in(FtpLine::kPort, "10,0,0,7,200,13\r\n"), "10.0.0.7 51213 of 0..15");
  EXPECT_EQ(found_in(FtpLine::kPort, "  10,0,0,7,0,1 \r\n"), "10.0.0.7 1 of 2..14");
  EXPECT_EQ(found_in(FtpLine::kPort, "255,255,255,255,255,255\n"), "255.255.255.255 65535 of 0..23");
}

TEST(FtpEndpoint, PortThatTwoMayReadDifferentlyNamesNothing) {
  for (const char* text : {"", "\r\n", "10,0,0,7,200\r\n", "10,0,0,7,200,13,1\r\n", "10,0,0,7,200,256\r\n", "10,0,0,7,200,13x\r\n",
                           "010,0,0,7,200,13\r\n", "10,0,0,7,00,13\r\n", "10.0.0.7,200,13\r\n", "10,0,0,7,200,\r\n", "10,0,0,7,200,-1\r\n",
                           "10, 0,0,7,200,13\r\n", "x10,0,0,7,200,13\r\n", "10,0,0,7,200,99999999999999\r\n", "10,0,0,7,200,13\r\n1"}) {
    EXPECT_EQ(found_in(FtpLine::kPort, text), "none") << text;
  }
}

TEST(FtpEndpoint, ExtendedPortNamesEitherFamily) {
  EXPECT_EQ(found_in(FtpLine::kEprt, "|1|10.0.0.7|51213|\r\n"), "10.0.0.7 51213 of 0..18");
  EXPECT_EQ(found_in(FtpLine::kEprt, "|2|2001:db8::7|51213|\r\n"), "2001:db8::7 51213 of 0..21");
  EXPECT_EQ(found_in(FtpLine::kEprt, " !2!::1!1!\n"), "::1 1 of 1..10");
  EXPECT_EQ(find_endpoint(FtpLine::kEprt, bytes_of("!2!::1!1!\n"))->delimiter, '!');
}

TEST(FtpEndpoint, ExtendedPortThatIsNoneNamesNothing) {
  for (const char* text : {"", "|", "|1", "|1|10.0.0.7|51213\r\n", "|3|10.0.0.7|51213|\r\n", "|0|10.0.0.7|51213|\r\n", "|1|::1|51213|\r\n",
                           "|2|10.0.0.7|51213|\r\n", "|1|010.0.0.7|51213|\r\n", "|1|10.0.0.7|65536|\r\n", "|1|10.0.0.7|051|\r\n",
                           "|1|10.0.0.7|51213|x\r\n", "1110.0.0.715121311\r\n", "|1|10.0.0.7||\r\n", "|1||51213|\r\n",
                           "|2|2001:db8::7%eth0|51213|\r\n", "|2|2001:0db8:0000:0000:0000:0000:0000:00000000000000007|51213|\r\n"}) {
    EXPECT_EQ(found_in(FtpLine::kEprt, text), "none") << text;
  }
}

// Of what servers write around the numbers nothing is promised (RFC 1123 section 4.1.2.6).
TEST(FtpEndpoint, PassiveAnswersNumbersAreFoundInAnyText) {
  EXPECT_EQ(found_in(FtpLine::kPassive, "Entering Passive Mode (10,0,0,1,200,13).\r\n"), "10.0.0.1 51213 of 23..38");
  EXPECT_EQ(found_in(FtpLine::kPassive, "=10,0,0,1,200,13\r\n"), "10.0.0.1 51213 of 1..16");
  EXPECT_EQ(found_in(FtpLine::kPassive, "Entering Passive Mode.\r\n"), "none");
  EXPECT_EQ(found_in(FtpLine::kPassive, "Entering Passive Mode (10,0,0,1,200).\r\n"), "none");
}

TEST(FtpEndpoint, ExtendedPassiveAnswerNamesAPort) {
  EXPECT_EQ(found_in(FtpLine::kExtendedPassive, "Entering Extended Passive Mode (|||51213|)\r\n"), "51213 of 35..40");
  EXPECT_EQ(found_in(FtpLine::kExtendedPassive, "ok (!!!21!).\r\n"), "21 of 7..9");
  for (const char* text : {"Entering Extended Passive Mode\r\n", "(||51213|)\r\n", "(|||51213)\r\n", "(|||65536|)\r\n", "(||||)\r\n", "("}) {
    EXPECT_EQ(found_in(FtpLine::kExtendedPassive, text), "none") << text;
  }
}

TEST(FtpEndpoint, IsWrittenAsItsLineHasIt) {
  EXPECT_EQ(written(FtpLine::kPort, ',', "203.0.113.10", 51213), "203,0,113,10,200,13");
  EXPECT_EQ(written(FtpLine::kPassive, ',', "1.2.3.4", 1), "1,2,3,4,0,1");
  EXPECT_EQ(written(FtpLine::kEprt, '|', "1.2.3.4", 65535), "|1|1.2.3.4|65535|");
  EXPECT_EQ(written(FtpLine::kEprt, '!', "2001:db8::7", 1), "!2!2001:db8::7!1!");
  EXPECT_EQ(written(FtpLine::kExtendedPassive, '|', "1.2.3.4", 10240), "10240");
  EXPECT_EQ(written(FtpLine::kEprt, '|', "2001:db8:1111:2222:3333:4444:5555:6666", 65535).size(), 48u);
}

TEST(FtpEndpoint, DisarmedLineIsAsLongAndNamesNobody) {
  std::string text = "10,0,0,7,200,13\r\n";
  disarm({reinterpret_cast<uint8_t*>(text.data()), text.size()});
  EXPECT_EQ(text, "00,0,0,0,000,00\r\n");
}

}  // namespace
}  // namespace shunt::dataplane
