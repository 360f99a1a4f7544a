// The rules of access lists. Each case: a file, and all that is said of it.
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

const std::string kLists = R"(access_lists:
  - name: abusers
    prefixes: [10.0.0.0/8, "2001:db8:f::/48"]
  - name: partners
    prefixes: [10.1.0.0/16, 192.0.2.7]
)";

const std::vector<YamlCase> kCases = {
    {"AllOfIt", Purpose::kDesiredState,
     kLists + kWeb + "    access: {allow: [198.51.100.0/24], deny: [198.51.100.9], allow_lists: [partners], deny_lists: [abusers], "
                     "on_denied: reset}\n",
     {}},
    {"ListsOfBothFamiliesServeEither", Purpose::kDesiredState,
     kLists + kWeb6 + "    access: {deny_lists: [abusers], on_denied: prohibited}\n", {}},
    {"AListThatNobodyNames", Purpose::kDesiredState, kLists, {}},
    {"SaysSomething", Purpose::kDesiredState, kWeb + "    access: {on_denied: reset}\n",
     {"REQUIRED lb.yaml:6:13: service web: access names nobody to allow or to deny; give allow, deny, allow_lists or "
      "deny_lists, or remove it"}},
    {"PrefixesHaveNoHostBits", Purpose::kDesiredState, kWeb + "    access: {deny: [10.0.0.1/8]}\n",
     {"MALFORMED lb.yaml:6:21: service web: prefix \"10.0.0.1/8\" has bits beyond its length; write 10.0.0.0/8"}},
    {"PrefixesAreReadable", Purpose::kDesiredState, "access_lists:\n  - name: a\n    prefixes: [10.0.0.0/33]\n",
     {"MALFORMED lb.yaml:3:16: access list a: prefix \"10.0.0.0/33\" is not a prefix; write it as in 192.0.2.0/24, "
      "2001:db8::/32, 0.0.0.0/0 or ::/0"}},
    {"EachOnce", Purpose::kDesiredState,
     "access_lists:\n  - name: a\n    prefixes: [10.0.0.0/8, 192.0.2.1, 192.0.2.1/32]\n",
     {"DUPLICATE lb.yaml:3:39: access list a: prefix 192.0.2.1/32 stands in the list already, as "
      "access_lists[0].prefixes[1]; remove one of the two"}},
    {"ListsHaveNamesOfTheirOwn", Purpose::kDesiredState, "access_lists:\n  - name: a\n  - name: a\n",
     {"DUPLICATE lb.yaml:3:11: access list a: name \"a\" is another access list's; give each list its own name"}},
    {"NothingIsAllowedAndDenied", Purpose::kDesiredState,
     kLists + kWeb + "    access: {allow: [10.0.0.0/8], deny_lists: [abusers]}\n",
     {"CONFLICT lb.yaml:11:13: service web: prefix 10.0.0.0/8 is allowed by access.allow and denied by access list "
      "abusers; remove it from one of the two"}},
    {"NoListIsBoth", Purpose::kDesiredState,
     kLists + kWeb + "    access: {allow_lists: [partners], deny_lists: [partners]}\n",
     {"CONFLICT lb.yaml:11:13: service web: prefix 10.1.0.0/16 is allowed by access list partners and denied by access "
      "list partners; remove it from one of the two"}},
    {"ListsAreNamedOnce", Purpose::kDesiredState, kLists + kWeb + "    access: {deny_lists: [abusers, abusers]}\n",
     {"DUPLICATE lb.yaml:11:36: service web: list \"abusers\" is named twice; remove one of the two"}},
    {"ListsAreThere", Purpose::kDesiredState, kLists + kWeb + "    access: {deny_lists: [abuser]}\n",
     {"UNKNOWN_REFERENCE lb.yaml:11:27: service web: there is no access list \"abuser\"; did you mean abusers?"}},
    {"TheFamilyIsTheVips", Purpose::kDesiredState, kWeb + "    access: {deny: [\"2001:db8::/32\"]}\n",
     {"CONFLICT lb.yaml:6:21: service web: prefix 2001:db8::/32 is IPv6 but the VIP, 203.0.113.10, is IPv4; remove it; "
      "no IPv6 client reaches the service"}},
    {"SomebodyIsAllowed", Purpose::kDesiredState, kLists + kWeb6 + "    access: {allow_lists: [partners]}\n",
     {"CONFLICT lb.yaml:11:13: service web: there is no IPv6 prefix to allow, so that nobody could reach the service; "
      "allow one, or deny 0.0.0.0/0 or ::/0 to say so"}},
    // A list that names nobody today may name somebody tomorrow.
    {"AListToDenyMayBeEmpty", Purpose::kDesiredState,
     kLists + kWeb6 + "    access: {deny_lists: [partners], on_denied: drop}\n", {}},
};

class ValidateAccess : public YamlCaseTest {};

TEST_P(ValidateAccess, SaysExactlyThis) { check(GetParam()); }

INSTANTIATE_TEST_SUITE_P(, ValidateAccess, testing::ValuesIn(kCases), case_name);

std::string list_of(int count) {
  std::string yaml = "access_lists:\n  - name: many\n    prefixes:\n";
  for (int i = 0; i < count; ++i) {
    yaml += "      - 10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255) + "\n";
  }
  return yaml;
}

TEST(AccessLists, MayHaveAHundredThousandPrefixesAndNotMore) {
  const std::string use = kWeb + "    access: {deny_lists: [many]}\n";
  EXPECT_THAT(messages(load_yaml_text(list_of(100'000) + use, "lb.yaml", Purpose::kDesiredState).problems), testing::IsEmpty());
  EXPECT_THAT(messages(load_yaml_text(list_of(100'001), "lb.yaml", Purpose::kDesiredState).problems),
              testing::ElementsAre("OUT_OF_RANGE lb.yaml:4:7: access list many: 100001 prefixes of a list exceed 100000; join "
                                   "neighbouring prefixes to shorter ones"));
}

}  // namespace
}  // namespace shunt::config
