// What the main functions of the examples share: flags, signals, the connection, the last words.
#ifndef NMQ_CLIENT_EXAMPLES_PROGRAM_H_
#define NMQ_CLIENT_EXAMPLES_PROGRAM_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/cpp/options.h"

namespace nmq {
namespace examples {

enum ExitCode : int { kDone = 0, kFailed = 1, kUsage = 2 };

// Waits for the end: SIGINT, SIGTERM, or somebody in the program who says so. Takes the signals out of their usual
// course, for this thread and those that it starts later: make it before anything else. Request() is thread-safe, the
// rest is for one thread.
class Stop {
 public:
  Stop();
  ~Stop();
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;

  // Lets Wait() return true, now and from now on.
  void Request();
  // False if `timeout` passed before.
  bool Wait(absl::Duration timeout = absl::InfiniteDuration());
  // Readable when Wait() would return true at once.
  int fd() const { return signals_; }

 private:
  int signals_ = -1;
  bool stopped_ = false;
};

// Reads the flags and NMQ_SERVER and NMQ_NAMESPACE; --help prints `usage` and the flags. Ends the program if they make
// no sense.
void ParseFlags(int argc, char** argv, absl::string_view usage);

// As --server and --namespace say, under the program's name.
ClientOptions ConnectionFlags();

// Prints "NAME: why" on standard error and returns the code.
int Fail(const absl::Status& why);
int FailUsage(absl::string_view why);

// Prints one line "NAME: text" on standard error. Thread-safe.
void Note(absl::string_view text);

// For SubscriptionHandler::on_state: notes that the connection was lost or is back, and ends the program's waiting when
// the subscription is over.
std::function<void(SubscriptionState, const absl::Status&)> NoteState(Stop* stop);

// "DB/**" is the queue DB and every event.
absl::StatusOr<std::vector<EventPattern>> ParsePatterns(const std::vector<std::string>& patterns);

}  // namespace examples
}  // namespace nmq

#endif  // NMQ_CLIENT_EXAMPLES_PROGRAM_H_
