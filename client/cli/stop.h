// Waiting for the end: a signal, a key, or somebody who says so.
#ifndef NMQ_CLIENT_CLI_STOP_H_
#define NMQ_CLIENT_CLI_STOP_H_

#include "absl/time/time.h"

namespace nmq {
namespace cli {

// Takes SIGINT and SIGTERM out of their usual course, for this thread and those that it starts later: so it must exist
// before any other thread does. One at a time. Request() is thread-safe, the rest is for one thread.
class Stop {
 public:
  Stop();
  ~Stop();
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;

  // Lets Wait() return true, now and from now on.
  void Request();

  // Waits for a signal or Request(); false if `timeout` passed before.
  bool Wait(absl::Duration timeout = absl::InfiniteDuration());

  // From now on the key `q` ends Wait(), too, if standard input is a terminal. The destructor puts it back.
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
