#include "tests/bench/workloads/choice.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace nmq::bench {
namespace {

// What a process has open beside its connections.
constexpr uint64_t kOtherFiles = 200;

template <typename Named>
absl::Status NoSuch(absl::string_view flag, const std::string& name, const std::vector<Named>& all) {
  return absl::InvalidArgumentError(
      absl::StrCat(flag, ": there is no ", name, "; there are ",
                   absl::StrJoin(all, ", ", [](std::string* out, const Named& one) { out->append(one.name); })));
}

std::vector<Case> CasesOf(const std::vector<Case>& all, const std::function<bool(const Case&)>& chosen) {
  std::vector<Case> cases;
  std::copy_if(all.begin(), all.end(), std::back_inserter(cases), chosen);
  return cases;
}

}  // namespace

absl::StatusOr<std::vector<System>> ChooseSystems(const std::vector<System>& all,
                                                  const std::vector<std::string>& names) {
  std::vector<System> systems;
  if (names.empty()) {
    std::copy_if(all.begin(), all.end(), std::back_inserter(systems),
                 [](const System& system) { return !system.on_request; });
  }
  for (const std::string& name : names) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const System& system) { return system.name == name; });
    if (found == all.end()) return NoSuch("--systems", name, all);
    systems.push_back(*found);
  }
  return systems;
}

std::vector<int> ThreadsIn(const std::vector<std::string>& names) {
  std::vector<int> all;
  for (const std::string& name : names) {
    const size_t slash = name.rfind('/');
    int threads;
    if (slash == std::string::npos || !absl::SimpleAtoi(name.substr(slash + 1), &threads) || threads < 1) continue;
    if (std::find(all.begin(), all.end(), threads) == all.end()) all.push_back(threads);
  }
  return all;
}

absl::StatusOr<std::vector<Case>> ChooseCases(const std::vector<Case>& all, const std::vector<std::string>& names) {
  if (names.empty()) return all;
  std::vector<Case> cases;
  for (const std::string& name : names) {
    std::vector<Case> found = CasesOf(all, [&](const Case& one) { return one.name == name; });
    if (found.empty()) {
      found = CasesOf(all, [&](const Case& one) { return absl::StartsWith(one.name, absl::StrCat(name, "/")); });
    }
    if (found.empty()) return NoSuch("--only", name, all);
    cases.insert(cases.end(), found.begin(), found.end());
  }
  return cases;
}

absl::Status CheckFileLimit(const std::vector<Case>& cases, uint64_t files) {
  for (const Case& one : cases) {
    const uint64_t needed = static_cast<uint64_t>(one.connections) + kOtherFiles;
    if (needed <= files) continue;
    return absl::ResourceExhaustedError(absl::StrCat(one.name, " has ", one.connections, " connections, for which ",
                                                     needed, " open files are needed; the limit is ", files,
                                                     ": raise it (ulimit -Hn), or choose other cases with --only"));
  }
  return absl::OkStatus();
}

}  // namespace nmq::bench
