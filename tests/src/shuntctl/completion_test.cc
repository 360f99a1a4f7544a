// The shell's completion: the hidden verb, and the script as bash runs it.
#include <gmock/gmock.h>

#include <sstream>

#include "tests/src/shuntctl/fake_daemon.h"

namespace shunt::shuntctl {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

FakeDaemon& with_names(FakeDaemon& daemon) {
  v1::ListServicesResponse page;
  for (const char* name : {"web", "dns"}) {
    auto& service = *page.add_services();
    service.set_name(name);
    service.add_reals()->set_name("10.0.1.1:80");
    service.add_reals()->set_name("10.0.1.2:80");
    auto& removed = *service.add_reals();
    removed.set_name("gone");
    removed.set_removed(true);
  }
  daemon.pages.push_back(page);
  return daemon;
}

// What bash offers after `line`, the cursor at its end.
std::vector<std::string> completions(const FakeDaemon& daemon, const std::string& line) {
  const std::string script = "source " SHUNT_COMPLETION_PATH "; shuntctl() { '" SHUNTCTL_PATH
                             "' \"$@\"; }; COMP_LINE='" + line +
                             "'; COMP_POINT=${#COMP_LINE}; _shuntctl; printf '%s\\n' \"${COMPREPLY[@]}\"";
  const Ended ended = run_command({"/bin/bash", "-c", script}, {{"SHUNT_SOCKET", daemon.socket()}});
  EXPECT_EQ(ended.err, "");
  std::vector<std::string> words;
  std::istringstream lines(ended.out);
  for (std::string word; std::getline(lines, word);) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

TEST(Complete, ListsLiveNames) {
  FakeDaemon daemon;
  with_names(daemon);
  EXPECT_EQ(daemon.ctl({"__complete", "services"}).out, "web\ndns\n");
  daemon.pages[0].mutable_services()->RemoveLast();
  EXPECT_EQ(daemon.ctl({"__complete", "reals", "web"}).out, "10.0.1.1:80\n10.0.1.2:80\n");
}

TEST(Complete, IsSilentAndQuickWithoutAnAnswer) {
  FakeDaemon daemon;
  daemon.delay = std::chrono::seconds(2);
  const auto start = std::chrono::steady_clock::now();
  const Ended ended = daemon.ctl({"__complete", "services"});
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(1500));
  EXPECT_NE(ended.exit, 0);
  EXPECT_EQ(ended.out + ended.err, "");
}

TEST(Complete, IsNotInTheHelp) {
  EXPECT_THAT(run_shuntctl({"--help"}).out, testing::Not(testing::HasSubstr("__complete")));
}

TEST(BashCompletion, OffersVerbsAndOptions) {
  FakeDaemon daemon;
  EXPECT_THAT(completions(daemon, "shuntctl re"), ElementsAre("real"));
  EXPECT_THAT(completions(daemon, "shuntctl real "), UnorderedElementsAre("add", "update", "remove", "set-weight", "drain", "clear"));
  EXPECT_THAT(completions(daemon, "shuntctl service list --st"), ElementsAre("--stats"));
  EXPECT_THAT(completions(daemon, "shuntctl -o "), UnorderedElementsAre("table", "json"));
  EXPECT_THAT(completions(daemon, "shuntctl status "), IsEmpty());
}

TEST(BashCompletion, OffersServicesAndThenTheirReals) {
  FakeDaemon daemon;
  with_names(daemon);
  EXPECT_THAT(completions(daemon, "shuntctl real drain "), UnorderedElementsAre("web", "dns"));
  EXPECT_THAT(completions(daemon, "shuntctl -o json service list w"), ElementsAre("web"));
  EXPECT_THAT(completions(daemon, "shuntctl conn list --service d"), ElementsAre("dns"));
  daemon.pages[0].mutable_services()->RemoveLast();
  EXPECT_THAT(completions(daemon, "shuntctl real drain web 10.0.1.2"), ElementsAre("10.0.1.2:80"));
  EXPECT_THAT(completions(daemon, "shuntctl conn list --service web --real "),
              UnorderedElementsAre("10.0.1.1:80", "10.0.1.2:80"));
}

TEST(BashCompletion, AfterAColonOnlyTheRestIsOffered) {
  FakeDaemon daemon;
  with_names(daemon);
  daemon.pages[0].mutable_services()->RemoveLast();
  EXPECT_THAT(completions(daemon, "shuntctl real drain web 10.0.1.2:8"), ElementsAre("80"));
}

TEST(BashCompletion, OffersIpv6RealsInTheirBrackets) {
  FakeDaemon daemon;
  v1::ListServicesResponse page;
  auto& service = *page.add_services();
  service.set_name("web");
  service.add_reals()->set_name("[2001:db8::1]:80");
  service.add_reals()->set_name("[2001:db8::2]:80");
  daemon.pages.push_back(page);
  EXPECT_THAT(completions(daemon, "shuntctl real drain web "),
              UnorderedElementsAre("[2001:db8::1]:80", "[2001:db8::2]:80"));
  // What stands before the last colon is already a finished word to readline.
  EXPECT_THAT(completions(daemon, "shuntctl real drain web [2001:db8::2"), ElementsAre("2]:80"));
  EXPECT_THAT(completions(daemon, "shuntctl conn list --service web --real [2001:db8::1]:"), ElementsAre("80"));
}

TEST(BashCompletion, OffersFiles) {
  FakeDaemon daemon;
  const ScratchFolder folder;
  folder.write("lb.yaml", "");
  EXPECT_THAT(completions(daemon, "shuntctl apply -f " + folder.path("lb")), ElementsAre(folder.path("lb.yaml")));
  EXPECT_THAT(completions(daemon, "shuntctl --ca " + folder.path("lb")), ElementsAre(folder.path("lb.yaml")));
  EXPECT_THAT(completions(daemon, "shuntctl import ipvsadm " + folder.path("lb")), ElementsAre(folder.path("lb.yaml")));
  EXPECT_THAT(completions(daemon, "shuntctl check " + folder.path("lb")), ElementsAre(folder.path("lb.yaml")));
}

}  // namespace
}  // namespace shunt::shuntctl
