// The Call-ID of SIP messages: what Linux takes for one (each row was played through its ip_vs_pe_sip, kernel 6.1).
#include "dataplane/sip.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace shunt::dataplane {
namespace sip_test {

std::string found_in(std::string_view message) {
  const auto* begin = reinterpret_cast<const uint8_t*>(message.data());
  const auto id = call_id_in({begin, message.size()});
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}
std::string found_behind_first_line(std::string_view headers) {
  return found_in("INVITE sip:bob@example.com SIP/2.0\r\n" + std::string(headers));
}

TEST(CallId, IsFoundInEverySpelling) {
  for (const char* headers :
       {"Call-ID: a@x\r\n", "call-id: a@x\r\n", "CALL-ID: a@x\r\n", "i: a@x\r\n", "I: a@x\r\n", "Call-ID:a@x\r\n",
        "Call-ID  :   a@x\r\n", "Call-ID:\r\n a@x\r\n", "Call-ID:\ta@x\r\n", "Call-ID: a@x\n", "Call-ID: a@x\r",
        "Via: x\r\nCall-ID: a@x\r\nCall-ID: b@x\r\n", "Call-ID: a@\r\nCall-ID: a@x\r\n",
        "\r\n\r\nCall-ID: a@x\r\n", "\r\n\r\n\r\nCall-ID: a@x\r\n"}) {
    EXPECT_EQ(found_behind_first_line(headers), "a@x") << headers;
  }
}

TEST(CallId, HasAllCharactersOfAWord) {
  EXPECT_EQ(found_behind_first_line("Call-ID: a\r\n"), "a") << "a host is not needed";
  EXPECT_EQ(found_behind_first_line("Call-ID: a!%*_+`'~()<>:\\\"/[]?{}-.@x\r\n"), "a!%*_+`'~()<>:\\\"/[]?{}-.@x");
  EXPECT_EQ(found_behind_first_line("Call-ID: a\xe9@x\r\n"), "a\xe9@x") << "Latin-1's letters";
  EXPECT_EQ(found_behind_first_line("Call-ID: a\xd7@x\r\n"), "") << "a mark";
}

TEST(CallId, IsNotFoundWhereLinuxFindsNone) {
  for (const char* headers :
       {"", "Call-ID: \r\n", "Call-ID: @x\r\n", "Call-ID: a@\r\n", "Call-ID: a@x \r\n", "Call-ID: a,b@x\r\n",
        "Call-ID a@x\r\n", "Call-IDs: a@x\r\n", "Via: x\r\n Call-ID: a@x\r\n", "id: a@x\r\n", "i9: a@x\r\n",
        "Call-ID: \r\nCall-ID: a@x\r\n", "Call-ID a@x\r\nCall-ID: a@x\r\n", "Call-ID: a@x", "Call-ID", "i", "Call-ID:",
        "Call-ID: "}) {
    EXPECT_EQ(found_behind_first_line(headers), "") << headers;
  }
  EXPECT_EQ(found_in("Call-ID: a@x\r\n"), "") << "the first line is no header";
  EXPECT_EQ(found_in("x\r\rCall-ID: a@x\r\n"), "");
  EXPECT_EQ(found_in("x\n\nCall-ID: a@x\n\n"), "");
}

TEST(CallId, IsOfAtMost255Bytes) {
  const std::string longest(253, 'a');
  EXPECT_EQ(found_behind_first_line("Call-ID: " + longest + "@x\r\n"), longest + "@x");
  EXPECT_EQ(found_behind_first_line("Call-ID: a" + longest + "@x\r\n"), "");
}

// Reads nothing beyond the end, and always comes to one: run under the sanitizers.
TEST(CallId, IsLookedForInAnyBytes) {
  std::minstd_rand random(3);
  const std::string_view letters = "\r\n \t:@iIaCcLl-DdXx\xff";
  for (int round = 0; round < 20000; ++round) {
    std::string message;
    for (uint32_t length = random() % 60; length > 0; --length) {
      if (random() % 8 == 0) message += "Call-ID";
      message += letters[random() % letters.size()];
    }
    const std::string exact(message);  // no terminator of ours behind it that would help
    EXPECT_LE(found_in(std::string_view(exact.data(), exact.size())).size(), exact.size());
  }
}

}  // namespace sip_test
}  // namespace shunt::dataplane
