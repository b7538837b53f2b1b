#ifndef NMQ_SERVER_HOUSEKEEPING_HOUSEKEEPER_H_
#define NMQ_SERVER_HOUSEKEEPING_HOUSEKEEPER_H_

#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "server/service/service.h"

namespace nmq {

// A thread that runs tasks again and again, each with a period of its own. A task that takes long delays the others of
// its housekeeper, so what may wait for the disk has a housekeeper of its own.
class Housekeeper final : public Service {
 public:
  struct Task {
    std::string name;
    absl::Duration period;  // more than zero
    // Under no lock. One that takes longer than its period is run again when the others have had their turn.
    std::function<void()> run;
  };

  // `tasks` is not empty. `clock` must outlive this.
  Housekeeper(std::string name, std::vector<Task> tasks, const Clock* clock);
  ~Housekeeper() override;

  absl::string_view name() const override { return name_; }
  // The first run of each task is one period later.
  absl::Status Start() override;
  // Waits for the task that runs.
  void Stop() override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  // False once it is to stop.
  bool WaitFor(absl::Duration time) ABSL_LOCKS_EXCLUDED(mu_);

  const std::string name_;
  const std::vector<Task> tasks_;
  const Clock* const clock_;
  absl::Duration shortest_period_;
  std::vector<absl::Duration> due_;  // of each task; from Start on the thread's
  std::thread thread_;
  Mutex mu_;  // a leaf: nothing is locked under it
  CondVar changed_;
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace nmq

#endif  // NMQ_SERVER_HOUSEKEEPING_HOUSEKEEPER_H_
