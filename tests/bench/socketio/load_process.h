#ifndef NMQ_TESTS_BENCH_SOCKETIO_LOAD_PROCESS_H_
#define NMQ_TESTS_BENCH_SOCKETIO_LOAD_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/bench/socketio/json.h"

namespace nmq::bench {

// A child that answers requests: lines of JSON on its standard input and output. Thread-safe; one request at a time.
class LoadProcess {
 public:
  // The program, found by PATH if it has no slash, and its arguments. Its standard error is appended to the file `log`.
  static absl::StatusOr<std::shared_ptr<LoadProcess>> Start(const std::vector<std::string>& words,
                                                            const std::string& log);
  // Kills it.
  ~LoadProcess();
  LoadProcess(const LoadProcess&) = delete;
  LoadProcess& operator=(const LoadProcess&) = delete;

  pid_t pid() const { return pid_; }

  // Sends the request with an "id", and returns the answer with the same "id". UNAVAILABLE if the child has ended or
  // answers with an "error", DEADLINE_EXCEEDED if it does not answer in time.
  absl::StatusOr<JsonObject> Call(JsonObject request, absl::Duration patience);

 private:
  LoadProcess(pid_t pid, int input, int output) : pid_(pid), input_(input), output_(output) {}

  absl::Status Send(absl::string_view line, absl::Time deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<JsonObject> Receive(absl::Time deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Nothing can be said to the child any more, for this reason.
  absl::Status Break(absl::Status why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const pid_t pid_;
  // Ours of a pair of sockets, and of a pipe.
  const int input_;
  const int output_;
  absl::Mutex mutex_;
  absl::Status broken_ ABSL_GUARDED_BY(mutex_);
  int64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  // What was received and is no whole line yet.
  std::string received_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_SOCKETIO_LOAD_PROCESS_H_
