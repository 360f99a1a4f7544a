#include "src/base/address_range.h"

#include <gmock/gmock.h>

namespace shunt {
namespace {

using testing::ElementsAre;

std::vector<std::string> expanded(const std::string& text) {
  std::vector<std::string> result;
  for (const IpAddress& address : addresses_of({AddressRange::parse(text).value()})) result.push_back(address.to_string());
  return result;
}

TEST(AddressRange, IsAnAddressARangeOrAPrefix) {
  EXPECT_THAT(expanded("203.0.113.5"), ElementsAre("203.0.113.5"));
  EXPECT_THAT(expanded("203.0.113.254-203.0.114.1"),
              ElementsAre("203.0.113.254", "203.0.113.255", "203.0.114.0", "203.0.114.1"));
  EXPECT_THAT(expanded("203.0.113.4/30"), ElementsAre("203.0.113.4", "203.0.113.5", "203.0.113.6", "203.0.113.7"));
  EXPECT_THAT(expanded("2001:db8::fffe-2001:db8::1:0"), ElementsAre("2001:db8::fffe", "2001:db8::ffff", "2001:db8::1:0"));
}

TEST(AddressRange, RefusesWhatIsNone) {
  for (const char* text : {"", "-", "/", "web", "203.0.113.5-", "203.0.113.5-203.0.113.4", "203.0.113.5-2001:db8::1",
                           "203.0.113.5/28", "203.0.113.0/33", "2001:db8::1/64", "203.0.113.5-6"}) {
    EXPECT_FALSE(AddressRange::parse(text)) << text;
  }
}

TEST(AddressRange, IsWrittenAsItIsRead) {
  for (const char* text : {"203.0.113.5", "203.0.113.16/28", "203.0.113.16-203.0.113.30", "0.0.0.0/0", "2001:db8::/64",
                           "2001:db8::1-2001:db8::2", "::/0"}) {
    EXPECT_EQ(AddressRange::parse(text)->to_string(), text);
  }
  EXPECT_EQ(AddressRange::parse("203.0.113.16-203.0.113.31")->to_string(), "203.0.113.16/28");
}

TEST(AddressRange, IsTheFewestPrefixes) {
  const auto prefixes = [](const char* text) {
    std::vector<std::string> texts;
    for (const Prefix& prefix : prefixes_of(AddressRange::parse(text).value())) texts.push_back(prefix.to_string());
    return texts;
  };
  EXPECT_THAT(prefixes("10.0.0.1-10.0.0.6"), ElementsAre("10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/31", "10.0.0.6/32"));
  EXPECT_THAT(prefixes("10.0.0.0-10.0.1.255"), ElementsAre("10.0.0.0/23"));
  EXPECT_THAT(prefixes("255.255.255.254-255.255.255.255"), ElementsAre("255.255.255.254/31"));
  for (const char* all : {"0.0.0.0/0", "::/0"}) EXPECT_THAT(prefixes(all), ElementsAre(all));
  EXPECT_THAT(prefixes("::1-::3"), ElementsAre("::1/128", "::2/127"));
}

TEST(AddressRange, CountsAndOverlaps) {
  EXPECT_EQ(AddressRange::parse("203.0.113.0/24")->count(), 256u);
  EXPECT_EQ(AddressRange::parse("::/0")->count(), UINT64_MAX);
  const auto range = *AddressRange::parse("203.0.113.8-203.0.113.11");
  EXPECT_TRUE(range.contains(*IpAddress::parse("203.0.113.11")));
  EXPECT_FALSE(range.contains(*IpAddress::parse("203.0.113.12")));
  EXPECT_FALSE(range.contains(*IpAddress::parse("::")));
  EXPECT_TRUE(range.overlaps(*AddressRange::parse("203.0.113.11-203.0.113.20")));
  EXPECT_FALSE(range.overlaps(*AddressRange::parse("203.0.113.12/30")));
  EXPECT_FALSE(range.overlaps(*AddressRange::parse("::/0")));
}

}  // namespace
}  // namespace shunt
