// Waiting for the end, or for keys: a signal, or somebody who says so.
#ifndef NMQ_CLIENT_CLI_STOP_H_
#define NMQ_CLIENT_CLI_STOP_H_

#include <string>

#include "absl/time/time.h"

namespace nmq {
namespace cli {

// Takes SIGINT, SIGTERM and SIGHUP out of their usual course, for this thread and those that it starts later: so it
// must exist before any other thread does. One at a time. Request() is thread-safe, the rest is for one thread.
class Stop {
 public:
  Stop();
  ~Stop();
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;

  // Lets Wait() return true, now and from now on.
  void Request();

  // Waits for a signal or Request(); false if `timeout` passed before. With `keys` also false as soon as some were
  // pressed, which are appended.
  bool Wait(absl::Duration timeout = absl::InfiniteDuration(), std::string* keys = nullptr);

  // From now on keys are heard one by one, if standard input is a terminal. The destructor puts it back.
  void WatchKeys();

 private:
  struct Terminal;

  int signals_ = -1;
  int requests_ = -1;
  bool stopped_ = false;
  Terminal* terminal_ = nullptr;
};

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_STOP_H_
