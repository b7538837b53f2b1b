#include "tests/bench/workloads/choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace nmq::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<System> SystemsOf(const std::vector<std::string>& names) {
  std::vector<System> systems;
  for (const std::string& name : names) systems.push_back({.name = name, .start = nullptr});
  systems.push_back({.name = "variation", .start = nullptr, .on_request = true});
  return systems;
}

std::vector<Case> CasesOf(const std::vector<std::string>& names) {
  std::vector<Case> cases;
  for (const std::string& name : names) cases.push_back({.name = name});
  return cases;
}

template <typename Named>
std::vector<std::string> NamesOf(const absl::StatusOr<std::vector<Named>>& chosen) {
  std::vector<std::string> names;
  EXPECT_TRUE(chosen.ok()) << chosen.status();
  if (chosen.ok()) {
    for (const Named& one : *chosen) names.push_back(one.name);
  }
  return names;
}

TEST(ChooseSystems, WithoutNamesAllButVariations) {
  EXPECT_THAT(NamesOf(ChooseSystems(SystemsOf({"nmq", "nats"}), {})), ElementsAre("nmq", "nats"));
}

TEST(ChooseSystems, NamesChooseInTheirOrderVariationsToo) {
  EXPECT_THAT(NamesOf(ChooseSystems(SystemsOf({"nmq", "nats", "redis"}), {"variation", "nats", "nmq"})),
              ElementsAre("variation", "nats", "nmq"));
}

TEST(ChooseSystems, UnknownNameIsAnErrorThatNamesTheOthers) {
  const auto chosen = ChooseSystems(SystemsOf({"nmq"}), {"nmq", "rabbit"});
  EXPECT_EQ(chosen.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(chosen.status().message(), HasSubstr("there is no rabbit; there are nmq, variation"));
}

TEST(ThreadsIn, AreTheNumbersThatNamesEndWith) {
  EXPECT_THAT(ThreadsIn({"nmq-http2/2", "nats", "nmq/1", "nmq/2"}), ElementsAre(2, 1));
  EXPECT_THAT(ThreadsIn({"nmq", "nmq/", "nmq/0", "nmq/-1", "nmq/two"}), IsEmpty());
}

TEST(ChooseCases, NameOfACaseIsThatCase) {
  EXPECT_THAT(NamesOf(ChooseCases(CasesOf({"W3/1000", "W3/1000/own", "W3/paced"}), {"W3/1000"})),
              ElementsAre("W3/1000"));
}

TEST(ChooseCases, OtherNameIsAllBelowIt) {
  const std::vector<Case> all = CasesOf({"W1/1/128", "W1/10/128", "W1/10/16", "W10/1", "W2/2000x10"});
  EXPECT_THAT(NamesOf(ChooseCases(all, {"W1/10"})), ElementsAre("W1/10/128", "W1/10/16"));
  EXPECT_THAT(NamesOf(ChooseCases(all, {"W2", "W1"})), ElementsAre("W2/2000x10", "W1/1/128", "W1/10/128", "W1/10/16"));
  EXPECT_THAT(NamesOf(ChooseCases(all, {})), ElementsAre("W1/1/128", "W1/10/128", "W1/10/16", "W10/1", "W2/2000x10"));
}

TEST(ChooseCases, NameOfNothingIsAnError) {
  EXPECT_EQ(ChooseCases(CasesOf({"W1/1"}), {"W9"}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(CheckFileLimit, CaseWithMoreConnectionsThanFilesIsAnErrorThatSaysWhatToDo) {
  const std::vector<Case> cases = {{.name = "W3/1000/own", .connections = 3434}};
  EXPECT_TRUE(CheckFileLimit(cases, 3634).ok());
  const absl::Status status = CheckFileLimit(cases, 3633);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  for (const char* const said : {"W3/1000/own", "3434", "3634", "3633", "ulimit -Hn", "--only"}) {
    EXPECT_THAT(status.message(), HasSubstr(said));
  }
}

}  // namespace
}  // namespace nmq::bench
