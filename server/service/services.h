#ifndef NMQ_SERVER_SERVICE_SERVICES_H_
#define NMQ_SERVER_SERVICE_SERVICES_H_

#include <cstddef>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "server/service/service.h"

namespace nmq {

// The services of a server: started in the order in which they were added, stopped in the reverse order. Hurry and
// streams may be called from any thread, the others only from one.
class Services {
 public:
  // `clock` must outlive this.
  explicit Services(const Clock* clock) : clock_(clock) {}
  // Stops at once what still runs.
  ~Services();
  Services(const Services&) = delete;
  Services& operator=(const Services&) = delete;

  // `service` must outlive this. Before Start.
  void Add(Service* service) { services_.push_back(service); }

  // The first error ends it: those that have started are stopped again.
  absl::Status Start();
  // The open streams of all services.
  size_t streams() const;
  // Drains all services, gives their clients up to `grace` to leave, then stops them.
  void Stop(absl::Duration grace) ABSL_LOCKS_EXCLUDED(mu_);
  // Makes a Stop that is under way skip what is left of its grace.
  void Hurry() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void StopStarted();
  void WaitForStreams(absl::Duration grace) ABSL_LOCKS_EXCLUDED(mu_);

  const Clock* const clock_;
  std::vector<Service*> services_;
  size_t started_ = 0;
  Mutex mu_;  // a leaf: nothing is locked under it
  CondVar hurried_;
  bool hurry_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace nmq

#endif  // NMQ_SERVER_SERVICE_SERVICES_H_
