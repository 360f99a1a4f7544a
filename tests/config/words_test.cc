#include "config/words.h"

#include <gtest/gtest.h>

namespace shunt::config {
namespace {

const std::vector<std::string> kFields = {"name", "protocol",     "address",
                                          "port", "health_check", "services"};

TEST(NearestWord, ForgivesALetterMoreLessOrOther) {
  EXPECT_EQ(nearest_word("adress", kFields), "address");
  EXPECT_EQ(nearest_word("addresss", kFields), "address");
  EXPECT_EQ(nearest_word("addrezs", kFields), "address");
}

TEST(NearestWord, ForgivesSwappedNeighbours) {
  EXPECT_EQ(nearest_word("prot", {"port", "pool"}), "port");
}

TEST(NearestWord, ForgivesCaseAndDashes) {
  EXPECT_EQ(nearest_word("Health-Check", kFields), "health_check");
  EXPECT_EQ(nearest_word("PORT", kFields), "port");
}

TEST(NearestWord, ForgivesAnAbbreviation) { EXPECT_EQ(nearest_word("proto", kFields), "protocol"); }

TEST(NearestWord, PrefersTheNearer) { EXPECT_EQ(nearest_word("nam", {"named", "name"}), "name"); }

TEST(NearestWord, GuessesNothingFarFetched) {
  EXPECT_EQ(nearest_word("backend", kFields), std::nullopt);
  EXPECT_EQ(nearest_word("", kFields), std::nullopt);
  EXPECT_EQ(nearest_word(std::string(1 << 20, 'a'), {std::string(1 << 20, 'a')}), std::nullopt);
}

TEST(InQuotes, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(in_quotes("a\x1b[31m\nb\x7f"), "\"a\\x1b[31m\\x0ab\\x7f\"");
  EXPECT_EQ(in_quotes("größe"), "\"größe\"");
}

TEST(InQuotes, CutsWhatIsLong) {
  EXPECT_EQ(in_quotes(std::string(65, 'a')), "\"" + std::string(64, 'a') + "...\"");
}

TEST(Listed, ReadsAsASentence) {
  EXPECT_EQ(listed({}, "or"), "");
  EXPECT_EQ(listed({"a"}, "or"), "a");
  EXPECT_EQ(listed({"a", "b"}, "or"), "a or b");
  EXPECT_EQ(listed({"a", "b", "c"}, "and"), "a, b and c");
}

}  // namespace
}  // namespace shunt::config
