// Shows how many events there were: on a terminal as a table that is always fresh, else as lines.
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/flags/flag.h"
#include "base/mutex.h"
#include "client/cpp/client.h"
#include "client/examples/program.h"
#include "client/examples/totals.h"

ABSL_FLAG(std::vector<std::string>, subscribe, std::vector<std::string>({"DB/**", "FS/**"}),
          "what to count: QUEUE/EVENT, names or patterns, with commas between them");
ABSL_FLAG(bool, earliest, false, "count what the queues hold already, too");
ABSL_FLAG(uint64_t, count, 0, "end after so many events; 0: go on until the program is stopped");

namespace nmq {
namespace examples {
namespace {

constexpr absl::Duration kRefresh = absl::Seconds(1);

// Thread-safe.
class Counter {
 public:
  Counter(uint64_t limit, Stop* stop) : limit_(limit), stop_(stop) {}

  void OnMessage(const Message& message) {
    MutexLock lock(&mu_);
    if (IsFull()) return;
    totals_.Add(message.queue(), message.event(), message.payload().size());
    if (IsFull()) stop_->Request();
  }

  void OnGap(const Gap& gap) {
    MutexLock lock(&mu_);
    totals_.AddMissed(gap.count());
  }

  Totals totals() const {
    MutexLock lock(&mu_);
    return totals_;
  }

 private:
  bool IsFull() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return limit_ > 0 && totals_.events() >= limit_; }

  const uint64_t limit_;
  Stop* const stop_;
  mutable Mutex mu_;
  Totals totals_ ABSL_GUARDED_BY(mu_);
};

void Show(const Counter& counter, Stop* stop) {
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  uint64_t shown = 0;
  while (!stop->Wait(kRefresh)) {
    const Totals totals = counter.totals();
    if (terminal) {
      // To the top left, and nothing below.
      std::cout << "\x1b[H\x1b[2J" << totals.Table() << std::flush;
    } else if (totals.events() != shown) {
      std::cout << totals.Line() << std::endl;
    }
    shown = totals.events();
  }
  if (terminal) std::cout << "\x1b[H\x1b[2J";
  std::cout << counter.totals().Table() << std::flush;
}

absl::Status Run(std::vector<EventPattern> patterns) {
  Stop stop;
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(ConnectionFlags());
  if (!client.ok()) return client.status();

  SubscribeOptions options;
  options.patterns = std::move(patterns);
  if (absl::GetFlag(FLAGS_earliest)) options.start = StartEarliest();
  Counter counter(absl::GetFlag(FLAGS_count), &stop);
  absl::StatusOr<std::unique_ptr<Subscription>> subscription =
      (*client)->Subscribe(options, {.on_message = [&](const Message& message) { counter.OnMessage(message); },
                                     .on_gap = [&](const Gap& gap) { counter.OnGap(gap); },
                                     .on_state = NoteState(&stop)});
  if (!subscription.ok()) return subscription.status();
  std::cout << "counter ready" << std::endl;

  Show(counter, &stop);
  (*subscription)->Cancel();
  return (*subscription)->Wait();
}

}  // namespace
}  // namespace examples
}  // namespace nmq

int main(int argc, char** argv) {
  using namespace nmq::examples;
  ParseFlags(argc, argv,
             "shows how many events there were, by queue and event.\n\n"
             "  counter               a table on a terminal, a line a second (when there is news) elsewhere\n"
             "  counter --count=10    ends after ten events");
  auto patterns = ParsePatterns(absl::GetFlag(FLAGS_subscribe));
  if (!patterns.ok()) return FailUsage(patterns.status().message());
  const absl::Status status = Run(*std::move(patterns));
  return status.ok() ? kDone : Fail(status);
}
