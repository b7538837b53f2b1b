#ifndef NMQ_SERVER_GROUP_GROUP_RUNNER_H_
#define NMQ_SERVER_GROUP_GROUP_RUNNER_H_

#include <cstdint>
#include <memory>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "server/group/errands.h"

namespace nmq::broker {

class Group;

// The thread on which groups work: it gives a turn to each group that has something to do, or whose time has come.
// Thread-safe.
class GroupRunner {
 public:
  // `clock` must outlive the runner.
  explicit GroupRunner(const Clock* clock);
  ~GroupRunner();

  // Gives the group a turn, soon. Does nothing after Stop.
  void Post(std::shared_ptr<Group> group) ABSL_LOCKS_EXCLUDED(mu_);
  // Looks at the clock anew; for clocks that jump.
  void Tick() ABSL_LOCKS_EXCLUDED(mu_);
  // What groups have asked of the log.
  Errands* errands() { return &errands_; }
  // Waits until every group has had a turn that was posted or due before, has taken in what it asked the log for by
  // then, and has saved what came of that, whatever is posted later. Not on the runner's thread.
  void Flush() ABSL_LOCKS_EXCLUDED(mu_);
  // Ends the thread after the turn that it is in. The second call does nothing.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using Groups = std::vector<std::shared_ptr<Group>>;

  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  // Waits until every group has had a turn that was posted or due before.
  void AwaitTurns() ABSL_LOCKS_EXCLUDED(mu_);
  // Waits for groups that have something to do; false at the end.
  bool Wait(Groups* groups) ABSL_LOCKS_EXCLUDED(mu_);
  void SetTime(const std::shared_ptr<Group>& group, int64_t due_us);
  int64_t NowUs() const;

  const Clock* const clock_;
  Errands errands_;
  // For the thread only: when groups have something to do by themselves.
  std::set<std::pair<int64_t, std::shared_ptr<Group>>> times_;
  std::unordered_map<Group*, int64_t> time_of_;
  Mutex mu_;  // a leaf: nothing is locked under it
  CondVar changed_;
  Groups posted_ ABSL_GUARDED_BY(mu_);
  uint64_t begun_ ABSL_GUARDED_BY(mu_) = 0;   // rounds of turns
  uint64_t done_ ABSL_GUARDED_BY(mu_) = 0;    // rounds
  uint64_t wanted_ ABSL_GUARDED_BY(mu_) = 0;  // the round that is to come even if there is nothing to do
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_GROUP_GROUP_RUNNER_H_
