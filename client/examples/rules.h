// When the monitor raises an alert.
#ifndef NMQ_CLIENT_EXAMPLES_RULES_H_
#define NMQ_CLIENT_EXAMPLES_RULES_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/cpp/options.h"

namespace nmq {
namespace examples {

struct Alert {
  // The rule as it was given: "DB/DELETE", "DB/CREATE:100/10s", "larger than 1000", "DB:30s".
  std::string rule;
  // For people.
  std::string text;
};

// Looks at the messages one by one; whoever calls says what time it is. Not thread-safe.
class Rules {
 public:
  // "QUEUE/EVENT": each such event. "*" stands for any queue or event.
  absl::Status AddEvent(absl::string_view spec);
  // "QUEUE/EVENT:N/WINDOW": more than N such events within the window, as in "DB/CREATE:100/10s". Once, until the rate
  // has been lower again.
  absl::Status AddRate(absl::string_view spec);
  // Payloads of more than so many bytes.
  void AddSize(uint64_t bytes);
  // "QUEUE:TIME": nothing from the queue for so long, as in "DB:30s". Once, until something comes.
  absl::Status AddSilence(absl::string_view spec, absl::Time now);

  bool empty() const { return events_.empty() && rates_.empty() && !size_.has_value() && silences_.empty(); }

  std::vector<Alert> OnMessage(const Message& message, absl::Time now);
  // What follows from the time alone.
  std::vector<Alert> OnTime(absl::Time now);

 private:
  struct Name {
    std::string queue;
    std::string event;
    bool Matches(const Message& message) const;
  };
  struct Event {
    std::string spec;
    Name name;
  };
  struct Rate {
    std::string spec;
    Name name;
    uint64_t events = 0;
    absl::Duration window;
    // The last ones, at most events + 1.
    std::deque<absl::Time> times = {};
    bool raised = false;
    bool Exceeds(absl::Time now);
  };
  struct Silence {
    std::string spec;
    std::string queue;
    absl::Duration limit;
    absl::Time last;
    bool raised = false;
  };

  static absl::StatusOr<Name> ParseName(absl::string_view spec);

  std::vector<Event> events_;
  std::vector<Rate> rates_;
  std::optional<uint64_t> size_;
  std::vector<Silence> silences_;
};

}  // namespace examples
}  // namespace nmq

#endif  // NMQ_CLIENT_EXAMPLES_RULES_H_
