#include "src/base/address.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace shunt {
namespace {

// How many of the addresses have the same lowest eight bits of their hash, at most: where tables begin to look.
uint32_t most_in_one_place(const std::vector<IpAddress>& addresses) {
  std::vector<uint32_t> places(256);
  for (const IpAddress& each : addresses) ++places[table_hash(each) & 255];
  return *std::max_element(places.begin(), places.end());
}

TEST(TableHash, SpreadsNeighboursOfBothFamilies) {
  for (const std::string network : {"10.0.0.", "2001:db8::", "2001:db8:1:2:3:4:5:", "fd00:0:0:1::"}) {
    std::vector<IpAddress> addresses;
    for (int i = 1; i < 250; ++i) addresses.push_back(*IpAddress::parse(network + std::to_string(i)));
    EXPECT_LE(most_in_one_place(addresses), 16u) << network;
  }
}

TEST(TableHash, SpreadsNetworksOfOneHostNumber) {
  for (const std::string tail : {".0.1", ":0:0:0:0:0:1"}) {
    std::vector<IpAddress> addresses;
    for (int i = 1; i < 250; ++i) {
      const std::string text = (tail[0] == '.' ? "10." + std::to_string(i) : "2001:" + std::to_string(i)) + tail;
      addresses.push_back(*IpAddress::parse(text));
    }
    EXPECT_LE(most_in_one_place(addresses), 16u) << tail;
  }
}

}  // namespace
}  // namespace shunt
