#include "client/cli/line_publisher.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "base/errors.h"
#include "client/cli/connection.h"
#include "client/cli/explain.h"
#include "client/cli/human.h"
#include "client/cli/input.h"
#include "client/cli/json.h"
#include "client/cli/message_template.h"
#include "client/cli/progress.h"

namespace nmq {
namespace cli {
namespace {

// How long what is on its way has when Ctrl-C ends it.
constexpr absl::Duration kLastWait = absl::Seconds(2);

// Whether only what the line says is wrong, and the next one may be right.
bool IsOfTheLine(const absl::Status& status) { return MetadataOf(status, "limit") == "payload_bytes"; }

// Messages by what became of them.
struct Counts {
  std::atomic<uint64_t> accepted = 0;
  std::atomic<uint64_t> refused = 0;
  std::atomic<uint64_t> unknown = 0;
};

class LinePublisher {
 public:
  LinePublisher(Client* client, const Arguments& arguments, int in, uint64_t bytes, Output* err)
      : client_(client),
        arguments_(arguments),
        err_(err),
        reader_(in),
        progress_(bytes, bytes > 0, err),
        bytes_(bytes),
        publisher_(client->NewPublisher(
            {.give_up_after = arguments.wait, .on_result = [this](const BatchResult& result) { OnBatch(result); }})) {}

  // Until the end of the input, or a signal.
  void Run(Stop* stop) {
    std::thread worker([this, stop] {
      AddLines();
      publisher_->Flush();
      ended_.Notify();
      stop->Request();
    });
    stop->Wait();
    if (!ended_.HasBeenNotified()) {
      interrupted_ = true;
      reader_.Stop();
      // The publisher waits for a server that is away.
      if (!ended_.WaitForNotificationWithTimeout(kLastWait)) client_->Disconnect().IgnoreError();
    }
    worker.join();
    progress_.Clear();
  }

  bool interrupted() const { return interrupted_; }
  const Counts& counts() const { return counts_; }
  // Why the library takes no more.
  const absl::Status& closed() const { return closed_; }

 private:
  void AddLines() {
    const v1::Message message = MakeTemplate(arguments_);
    std::string line;
    for (uint64_t count = 1; !ends_ && reader_.Next(&line); ++count) {
      v1::Message next = message;
      next.set_payload(std::move(line));
      SetTimes(arguments_, absl::Now(), &next);
      closed_ = publisher_->Add(next);
      if (!closed_.ok()) return;
      // The first one shows whether the others have a chance.
      if (count == 1) publisher_->Flush();
      progress_.Set(bytes_ > 0 ? reader_.done() : count);
    }
    if (reader_.too_long()) {
      closed_ = absl::ResourceExhaustedError(
          absl::StrCat("a line is longer than the ", Bytes(LineReader::kLineMax), " that any server takes"));
    }
  }

  // On the publisher's thread.
  void OnBatch(const BatchResult& result) {
    if (result.outcome == BatchOutcome::kAccepted) {
      counts_.accepted += result.messages;
      return;
    }
    const bool refused = result.outcome == BatchOutcome::kRefused;
    (refused ? counts_.refused : counts_.unknown) += result.messages;
    const bool ends = (refused || result.first_message == 0) && !IsOfTheLine(result.status);
    // Said once.
    if (interrupted_ || (ends && ends_.exchange(true))) return;
    if (ends) reader_.Stop();
    const uint64_t first = result.first_message + 1;
    const uint64_t last = result.first_message + result.messages;
    err_->Tell(absl::StrCat(first == last ? absl::StrCat("line ", first) : absl::StrCat("lines ", first, " to ", last),
                            refused ? " not published: " : " perhaps published: ",
                            Explain(result.status, arguments_.server, arguments_.asked),
                            !ends ? ""
                            : RetryDelayOf(result.status) > absl::ZeroDuration()
                                ? "; what follows is not tried"
                                : "; what follows would fail, too, and is not tried"));
  }

  Client* const client_;
  const Arguments& arguments_;
  Output* const err_;
  LineReader reader_;
  Progress progress_;
  const uint64_t bytes_;
  std::atomic<bool> ends_ = false;
  Counts counts_;
  std::atomic<bool> interrupted_ = false;
  absl::Notification ended_;
  absl::Status closed_;
  // The last, because its thread uses the others.
  std::unique_ptr<Publisher> publisher_;
};

std::string CountText(const Counts& counts, bool interrupted) {
  std::string text =
      absl::StrCat(Count(counts.accepted), counts.accepted == 1 ? " message" : " messages", " published");
  if (counts.refused > 0) absl::StrAppend(&text, ", ", Count(counts.refused), " refused");
  if (counts.unknown > 0) absl::StrAppend(&text, ", ", Count(counts.unknown), " unknown");
  return interrupted ? text + ", stopped before the end" : text;
}

std::string CountJson(const Counts& counts) {
  JsonWriter json;
  json.BeginObject().Key("accepted").Integer(counts.accepted.load()).Key("refused").Integer(counts.refused.load());
  return json.Key("unknown").Integer(counts.unknown.load()).EndObject().json();
}

}  // namespace

int PublishLines(Client* client, const Arguments& arguments, int in, uint64_t bytes, Stop* stop, Output* out,
                 Output* err) {
  LinePublisher lines(client, arguments, in, bytes, err);
  lines.Run(stop);
  const Counts& counts = lines.counts();
  out->WriteLine(arguments.json ? CountJson(counts) : CountText(counts, lines.interrupted()));
  // What was refused is told already.
  if (counts.refused > 0 || counts.unknown > 0) return kExitFailed;
  if (!lines.closed().ok() && !lines.interrupted()) return Fail(lines.closed(), arguments, err);
  return Done(*out, err);
}

}  // namespace cli
}  // namespace nmq
