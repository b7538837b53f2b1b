// Raises an alert when a rule says so: a line on standard output, and ALERT/RAISED for whoever is in the room "oncall".
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/mutex.h"
#include "client/cpp/client.h"
#include "client/examples/json.h"
#include "client/examples/program.h"
#include "client/examples/rfc3339.h"
#include "client/examples/rules.h"

ABSL_FLAG(std::vector<std::string>, subscribe, std::vector<std::string>({"DB/**", "FS/**"}),
          "what to look at: QUEUE/EVENT, names or patterns, with commas between them");
ABSL_FLAG(std::vector<std::string>, on, std::vector<std::string>({"DB/DELETE"}),
          "alert on each of these events: QUEUE/EVENT, with commas between them; * stands for any");
ABSL_FLAG(std::vector<std::string>, rate, {},
          "alert on more than N events within a window: QUEUE/EVENT:N/WINDOW, such as DB/CREATE:100/10s");
ABSL_FLAG(uint64_t, larger, 0, "alert on payloads of more than so many bytes; 0: never");
ABSL_FLAG(std::vector<std::string>, silence, {},
          "alert when nothing came from a queue for so long: QUEUE:TIME, such as DB:30s");

namespace nmq {
namespace examples {
namespace {

// How exact silences are.
constexpr absl::Duration kTick = absl::Milliseconds(200);
// How long the last alerts may take on their way out.
constexpr absl::Duration kFlushTimeout = absl::Seconds(1);

absl::StatusOr<Rules> RulesFromFlags() {
  Rules rules;
  absl::Status status;
  for (const std::string& spec : absl::GetFlag(FLAGS_on)) status.Update(rules.AddEvent(spec));
  for (const std::string& spec : absl::GetFlag(FLAGS_rate)) status.Update(rules.AddRate(spec));
  if (absl::GetFlag(FLAGS_larger) > 0) rules.AddSize(absl::GetFlag(FLAGS_larger));
  for (const std::string& spec : absl::GetFlag(FLAGS_silence)) status.Update(rules.AddSilence(spec, absl::Now()));
  if (status.ok() && rules.empty()) status = absl::InvalidArgumentError("there is no rule");
  if (!status.ok()) return status;
  return rules;
}

// Thread-safe.
class Monitor {
 public:
  Monitor(Rules rules, Client* client)
      : rules_(std::move(rules)), publisher_(client->NewPublisher({.on_result = [](const BatchResult& result) {
          if (!result.status.ok()) Note(absl::StrCat("alerts not published: ", result.status.message()));
        }})) {}

  void OnMessage(const Message& message) {
    MutexLock lock(&mu_);
    for (const Alert& alert : rules_.OnMessage(message, absl::Now())) Raise(alert);
  }

  void OnTime() {
    MutexLock lock(&mu_);
    for (const Alert& alert : rules_.OnTime(absl::Now())) Raise(alert);
  }

  void Flush() { publisher_->Flush(kFlushTimeout); }

 private:
  void Raise(const Alert& alert) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const std::string time = Rfc3339(absl::Now());
    std::cout << absl::StrCat(time, " ALERT ", alert.text, "\n") << std::flush;
    Message message = MakeMessage(
        "ALERT", "RAISED", JsonObject().Text("rule", alert.rule).Text("text", alert.text).Text("time", time).str());
    message.set_content_type("application/json");
    message.mutable_audience()->add_rooms("oncall");
    const absl::Status added = publisher_->Add(std::move(message));
    if (!added.ok()) Note(absl::StrCat("alert not published: ", added.message()));
  }

  Mutex mu_;
  Rules rules_ ABSL_GUARDED_BY(mu_);
  const std::unique_ptr<Publisher> publisher_;
};

absl::Status Run(Rules rules, std::vector<EventPattern> patterns) {
  Stop stop;
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(ConnectionFlags());
  if (!client.ok()) return client.status();
  Monitor monitor(std::move(rules), client->get());
  absl::StatusOr<std::unique_ptr<Subscription>> subscription = (*client)->Subscribe(
      {.patterns = std::move(patterns)},
      {.on_message = [&](const Message& message) { monitor.OnMessage(message); },
       .on_gap = [](const Gap& gap) { Note(absl::StrCat("missed ", gap.count(), " events of ", gap.queue())); },
       .on_state = NoteState(&stop)});
  if (!subscription.ok()) return subscription.status();
  std::cout << "monitor ready" << std::endl;

  while (!stop.Wait(kTick)) monitor.OnTime();
  (*subscription)->Cancel();
  absl::Status end = (*subscription)->Wait();
  monitor.Flush();
  return end;
}

}  // namespace
}  // namespace examples
}  // namespace nmq

int main(int argc, char** argv) {
  using namespace nmq::examples;
  ParseFlags(argc, argv,
             "raises alerts: a line on standard output, and ALERT/RAISED to the room oncall.\n\n"
             "  monitor                                          on each DB/DELETE\n"
             "  monitor --rate=DB/CREATE:100/10s --larger=65536  and when it gets much\n"
             "  monitor --silence=DB:30s                         and when it gets silent");
  auto rules = RulesFromFlags();
  if (!rules.ok()) return FailUsage(rules.status().message());
  auto patterns = ParsePatterns(absl::GetFlag(FLAGS_subscribe));
  if (!patterns.ok()) return FailUsage(patterns.status().message());
  const absl::Status status = Run(*std::move(rules), *std::move(patterns));
  return status.ok() ? kDone : Fail(status);
}
