// Keeps every event in a SQLite file. Killed and started again, it goes on where it ended; what it could not hear is in
// the log as a gap.
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cpp/client.h"
#include "client/examples/event_log.h"
#include "client/examples/program.h"

ABSL_FLAG(std::string, db, "log.db", "the SQLite file of the log; made if it is not there");
ABSL_FLAG(std::vector<std::string>, subscribe, std::vector<std::string>({"DB/**", "FS/**"}),
          "what to log: QUEUE/EVENT, names or patterns, with commas between them");

namespace nmq {
namespace examples {
namespace {

// Writes what is heard, until something cannot be written: going on after that would leave a hole that nobody sees.
// The subscription calls it on one thread.
class Writer {
 public:
  Writer(EventLog* log, Stop* stop) : log_(log), stop_(stop) {}

  SubscriptionHandler Handler() {
    return {.on_message = [this](const Message& message) { Write([&] { return log_->Append(message); }); },
            .on_gap =
                [this](const Gap& gap) {
                  Note(absl::StrCat("a gap in ", gap.queue(), " after ", gap.first() - 1, ": ",
                                    v1::GapReason_Name(gap.reason())));
                  Write([&] { return log_->AppendGap(gap, absl::Now()); });
                },
            .on_state = NoteState(stop_)};
  }

  // For when the subscription is over.
  const absl::Status& status() const { return status_; }

 private:
  template <typename Append>
  void Write(Append append) {
    if (!status_.ok()) return;
    status_ = append();
    if (!status_.ok()) stop_->Request();
  }

  EventLog* const log_;
  Stop* const stop_;
  absl::Status status_;
};

std::string Describe(const std::vector<v1::QueuePosition>& positions) {
  std::string text;
  for (const v1::QueuePosition& position : positions) {
    absl::StrAppend(&text, text.empty() ? "" : ",", position.queue(), ":", position.sequence());
  }
  return text.empty() ? "the-beginning" : text;
}

absl::Status Run(std::vector<EventPattern> patterns, EventLog* log) {
  Stop stop;
  absl::StatusOr<std::vector<v1::QueuePosition>> positions = log->Positions();
  if (!positions.ok()) return positions.status();
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(ConnectionFlags());
  if (!client.ok()) return client.status();

  SubscribeOptions options;
  options.patterns = std::move(patterns);
  options.start = positions->empty() ? StartEarliest() : StartAfter(*positions);
  Writer writer(log, &stop);
  absl::StatusOr<std::unique_ptr<Subscription>> subscription = (*client)->Subscribe(options, writer.Handler());
  if (!subscription.ok()) return subscription.status();
  std::cout << "logger ready db=" << absl::GetFlag(FLAGS_db) << " after=" << Describe(*positions) << std::endl;

  stop.Wait();
  (*subscription)->Cancel();
  absl::Status end = (*subscription)->Wait();
  return writer.status().ok() ? end : writer.status();
}

}  // namespace
}  // namespace examples
}  // namespace nmq

int main(int argc, char** argv) {
  using namespace nmq::examples;
  ParseFlags(argc, argv,
             "keeps every event in a SQLite file, with a summary.\n\n"
             "  logger --db=log.db\n"
             "  sqlite3 log.db 'SELECT * FROM summary'");
  auto patterns = ParsePatterns(absl::GetFlag(FLAGS_subscribe));
  if (!patterns.ok()) return FailUsage(patterns.status().message());
  auto log = EventLog::Open(absl::GetFlag(FLAGS_db));
  if (!log.ok()) return Fail(log.status());
  const absl::Status status = Run(*std::move(patterns), log->get());
  std::cout << "logged " << (*log)->events() << " events and " << (*log)->gaps() << " gaps" << std::endl;
  return status.ok() ? kDone : Fail(status);
}
