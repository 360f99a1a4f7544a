// What is no YAML, or YAML that a configuration has no use for. Each case: a file, and all that is
// said of it.
#include "tests/config/yaml_case.h"

namespace shunt::config {
namespace {

const std::vector<YamlCase> kCases = {
    {"AnEmptyTextIsNoConfiguration",
     Purpose::kDesiredState,
     "",
     {"REQUIRED lb.yaml: the file is empty; write a configuration; config/examples has some to "
      "start from"}},
    {"CommentsAloneAreNoConfiguration",
     Purpose::kDesiredState,
     R"(# nothing
)",
     {"REQUIRED lb.yaml: the file is empty; write a configuration; config/examples has some to "
      "start from"}},
    {"ABareDocumentMarkIsNoConfiguration",
     Purpose::kDesiredState,
     R"(---
)",
     {"REQUIRED lb.yaml: the file is empty; write a configuration; config/examples has some to "
      "start from"}},
    {"ABrokenQuoteIsASyntaxErrorAtItsPlace",
     Purpose::kDesiredState,
     R"(services:
  - name: "web
)",
     {"MALFORMED lb.yaml:2:11: file: not YAML: the quote that opens here is not closed; close it"}},
    {"ATabInTheIndentationIsASyntaxError",
     Purpose::kDesiredState,
     R"(services:
	- name: web
)",
     {"MALFORMED lb.yaml:2:2: file: not YAML: illegal block entry; check the indentation, colons, "
      "quotes and brackets here and on the line before"}},
    {"AWrongIndentationIsASyntaxError",
     Purpose::kDesiredState,
     R"(services:
  - name: web
   port: 80
)",
     {"MALFORMED lb.yaml:3:4: file: not YAML: end of sequence not found; check the indentation, "
      "colons, quotes and brackets here and on the line before"}},
    {"ASecondDocumentIsRefused",
     Purpose::kDesiredState,
     R"(services: []
---
services: []
)",
     {"UNSUPPORTED lb.yaml:2:1: file: a second document starts here; keep one document in a file "
      "and remove the '---' line"}},
    {"AListAsKeyIsRefused",
     Purpose::kDesiredState,
     R"([a]: 1
)",
     {"MALFORMED lb.yaml:1:1: file: a key must be a plain word; write KEY: VALUE with one of the "
      "schema's field names as the key"}},
    {"ATagIsRefused",
     Purpose::kDesiredState,
     R"(services: !mine []
)",
     {"UNSUPPORTED lb.yaml:1:11: file: tag !mine is not supported; remove the tag; the schema "
      "knows each value's type"}},
    {"AnAliasInsideItsAnchorIsRefused",
     Purpose::kDesiredState,
     R"(services: &a
  - *a
)",
     {"MALFORMED lb.yaml:2:5: file: an alias stands inside its own anchor; write the value out"}},
    {"AnUndefinedAliasIsASyntaxError",
     Purpose::kDesiredState,
     R"(services: *none
)",
     {"MALFORMED lb.yaml:1:11: file: not YAML: the referenced anchor is not defined; check the "
      "indentation, colons, quotes and brackets here and on the line before"}},
    {"WhatTheParserQuotesIsMadeVisible",
     Purpose::kDesiredState,
     "services: \"\\\x01\"\n",
     {"MALFORMED lb.yaml:1:14: file: not YAML: unknown escape character: \\x01; check the "
      "indentation, colons, quotes and brackets here and on the line before"}},
    {"AnUnclosedBracketIsASyntaxError",
     Purpose::kDesiredState,
     R"(services: [
)",
     {"MALFORMED lb.yaml:2:1: file: not YAML: end of sequence flow not found; check the "
      "indentation, colons, quotes and brackets here and on the line before"}},
    {"AnUnclosedSingleQuoteIsASyntaxError",
     Purpose::kDesiredState,
     R"(services:
  - name: 'it''s
)",
     {"MALFORMED lb.yaml:2:11: file: not YAML: the quote that opens here is not closed; close it"}},
    {"AClosedLastQuoteIsNone",
     Purpose::kDesiredState,
     R"(services: []
timeouts: {udp: '5s'}
)",
     {}},
    {"AnEscapedLastQuoteIsNoEnd",
     Purpose::kDesiredState,
     R"(services:
  - name: "web\"
)",
     {"MALFORMED lb.yaml:2:11: file: not YAML: the quote that opens here is not closed; close it"}},
    {"ValuesNestDeeperThanAnySchema",
     Purpose::kDesiredState,
     R"(services: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
)",
     {"MALFORMED lb.yaml:1:74: file: values nest deeper than 64 levels; remove the surplus "
      "brackets or indentation"}},
    {"AnAliasIsItsAnchorsValue",
     Purpose::kDesiredState,
     R"(timeouts: &t {udp: 5s}
services:
  - name: web
    protocol: tcp
    address: 203.0.113.10
    port: 80
    timeouts: *t
)",
     {}},
    {"ACoreTagIsNoHarm",
     Purpose::kDesiredState,
     R"(services: !!seq []
)",
     {}},
};

class YamlTree : public YamlCaseTest {};

TEST_P(YamlTree, SaysExactlyThis) { check(GetParam()); }

INSTANTIATE_TEST_SUITE_P(, YamlTree, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace shunt::config
