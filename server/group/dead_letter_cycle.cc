#include "server/group/dead_letter_cycle.h"

#include <algorithm>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"
#include "base/names.h"

namespace nmq::broker {

absl::Status CheckDeadLetterCycle(const std::vector<DeadLetterRoute>& routes, const DeadLetterRoute& added,
                                  const std::function<bool(absl::string_view queue)>* told) {
  absl::flat_hash_map<absl::string_view, std::vector<absl::string_view>> onward;
  for (const DeadLetterRoute& route : routes) onward[route.queue].push_back(route.dead_letter_queue);
  // From which queue each one was reached first.
  absl::flat_hash_map<absl::string_view, absl::string_view> reached_from;
  reached_from[added.dead_letter_queue] = added.queue;
  std::vector<absl::string_view> reached = {added.dead_letter_queue};
  for (size_t i = 0; i < reached.size() && reached[i] != added.queue; ++i) {
    const auto next = onward.find(reached[i]);
    if (next == onward.end()) continue;
    for (const absl::string_view queue : next->second) {
      if (reached_from.try_emplace(queue, reached[i]).second) reached.push_back(queue);
    }
  }
  const auto found = reached_from.find(added.queue);
  if (found == reached_from.end()) return absl::OkStatus();
  std::vector<absl::string_view> cycle = {added.queue};
  for (absl::string_view queue = found->second; queue != added.queue; queue = reached_from[queue]) {
    cycle.push_back(queue);
  }
  cycle.push_back(added.queue);
  std::reverse(cycle.begin(), cycle.end());
  const auto name = [told](std::string* out, absl::string_view queue) {
    const bool named = told == nullptr || (*told)(queue);
    out->append(named ? std::string(queue) : "...");
  };
  return FailedPrecondition(
      "DEAD_LETTER_CYCLE",
      absl::StrCat(
          "group.dead_letter_queue: dead letters would go round for ever: ", absl::StrJoin(cycle, " -> ", name),
          "; choose a queue whose groups do not lead back to ", Quote(added.queue)),
      {{"queue", std::string(added.queue)}, {"dead_letter_queue", std::string(added.dead_letter_queue)}});
}

}  // namespace nmq::broker
