// shuntctl doctor: what is bad comes first, each with what mends it; the exit status says whether anything is.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/src/shuntctl/fake_daemon.h"

namespace shunt::shuntctl {
namespace {

using testing::HasSubstr;
using testing::Not;

void add(FakeDaemon& daemon, v1::DoctorFinding::Grade grade, const std::string& check, const std::string& remedy) {
  auto& finding = *daemon.debug.examined.add_findings();
  finding.set_grade(grade);
  finding.set_check(check);
  finding.set_subject("subject");
  finding.set_text("text of " + check);
  finding.set_remedy(remedy);
}

TEST(DoctorVerb, WhatIsBadComesFirstWithWhatMendsIt) {
  FakeDaemon daemon;
  add(daemon, v1::DoctorFinding::GRADE_GOOD, "clock", "");
  add(daemon, v1::DoctorFinding::GRADE_HINT, "governor", "echo performance");
  add(daemon, v1::DoctorFinding::GRADE_BAD, "rp_filter", "sysctl -w x=2");
  const Ended ended = daemon.ctl({"doctor", "--watch", "300ms"});
  EXPECT_EQ(ended.exit, 1);
  EXPECT_EQ(daemon.debug.asked_doctor.watch_ms(), 300u);
  EXPECT_THAT(ended.out, HasSubstr("bad  rp_filter: subject: text of rp_filter\n      mend: sysctl -w x=2\n"));
  EXPECT_LT(ended.out.find("rp_filter"), ended.out.find("governor"));
  EXPECT_THAT(ended.out, Not(HasSubstr("text of clock")));
  EXPECT_THAT(ended.out, HasSubstr("1 of 3 are good; --all lists them"));
  EXPECT_THAT(daemon.ctl({"doctor", "--all"}).out, HasSubstr("good  clock: subject: text of clock"));
}

TEST(DoctorVerb, HintsAloneAreNoFailure) {
  FakeDaemon daemon;
  add(daemon, v1::DoctorFinding::GRADE_HINT, "governor", "echo performance");
  const Ended ended = daemon.ctl({"-o", "json", "doctor"});
  EXPECT_EQ(ended.exit, 0);
  EXPECT_EQ(nlohmann::json::parse(ended.out)["findings"][0]["check"], "governor");
}

TEST(DoctorVerb, WithoutADaemonItNamesTheOtherWay) {
  const Ended ended = run_shuntctl({"-s", "/nowhere/s.sock", "doctor"});
  EXPECT_EQ(ended.exit, 3);
  EXPECT_THAT(ended.err, HasSubstr("shuntd --doctor"));
  EXPECT_EQ(run_shuntctl({"doctor", "--watch", "soon"}).exit, 2);
}

}  // namespace
}  // namespace shunt::shuntctl
