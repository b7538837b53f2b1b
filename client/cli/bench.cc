// How fast the server publishes, delivers and answers.
#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "base/mutex.h"
#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/explain.h"
#include "client/cli/histogram.h"
#include "client/cli/human.h"
#include "client/cli/json.h"
#include "client/cli/progress.h"
#include "client/cli/stop.h"

namespace nmq {
namespace cli {
namespace {

constexpr char kBenchEvent[] = "bench";
// What a payload of bench begins with: this, and when it was made, so that bench sub can say how late it comes.
constexpr char kMark[] = "nmqb";
constexpr size_t kStampBytes = sizeof(kMark) - 1 + 16;

std::string Payload(uint64_t bytes) {
  std::string payload = absl::StrFormat("%s%016x", kMark, absl::GetCurrentTimeNanos());
  payload.resize(bytes, 'x');
  return payload;
}

// How long ago it was made; negative if it does not say.
absl::Duration AgeOfPayload(absl::string_view payload) {
  uint64_t nanos = 0;
  if (payload.size() < kStampBytes || payload.substr(0, sizeof(kMark) - 1) != kMark ||
      !absl::SimpleHexAtoi(payload.substr(sizeof(kMark) - 1, 16), &nanos)) {
    return -absl::InfiniteDuration();
  }
  return absl::Now() - absl::FromUnixNanos(static_cast<int64_t>(nanos));
}

// What the clients of a run did, all together. Thread-safe.
class Tally {
 public:
  void Add(uint64_t messages, uint64_t bytes) {
    messages_ += messages;
    bytes_ += bytes;
  }
  void Merge(const Histogram& times) {
    MutexLock lock(&mu_);
    times_.Merge(times);
  }
  // The first one is kept.
  void Fail(const absl::Status& status) {
    MutexLock lock(&mu_);
    if (status_.ok()) status_ = status;
    failed_ = true;
  }

  uint64_t messages() const { return messages_; }
  uint64_t bytes() const { return bytes_; }
  bool failed() const { return failed_; }
  absl::Status status() const {
    MutexLock lock(&mu_);
    return status_;
  }
  Histogram times() const {
    MutexLock lock(&mu_);
    return times_;
  }

 private:
  std::atomic<uint64_t> messages_ = 0;
  std::atomic<uint64_t> bytes_ = 0;
  std::atomic<bool> failed_ = false;
  mutable Mutex mu_;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  Histogram times_ ABSL_GUARDED_BY(mu_);
};

class Bench {
 public:
  Bench(const Arguments& arguments, Output* out, Output* err) : arguments_(arguments), out_(out), err_(err) {}

  int Run() {
    const absl::Status connected = Connect();
    if (!connected.ok()) return cli::Fail(connected, arguments_, err_);
    switch (arguments_.command) {
      case Command::kBenchPub:
        Work([this](Client* client, uint64_t count) {
          bench().one_by_one ? PublishEach(client, count) : PublishAll(client, count);
        });
        break;
      case Command::kBenchSub:
        Hear();
        break;
      default:
        Request();
    }
    if (tally_.failed()) return cli::Fail(tally_.status(), arguments_, err_);
    Report();
    return Done(*out_, err_);
  }

 private:
  const Arguments::Bench& bench() const { return arguments_.bench; }

  absl::Status Connect() {
    for (uint64_t i = 0; i < bench().clients; ++i) {
      ClientOptions options = OptionsFor(arguments_);
      options.name = "bench";
      absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(std::move(options));
      if (!client.ok()) return client.status();
      clients_.push_back(*std::move(client));
    }
    return absl::OkStatus();
  }

  // Each client does its share on a thread of its own; waits for all, or for a signal.
  void Work(const std::function<void(Client*, uint64_t)>& share) {
    std::vector<std::thread> threads;
    std::atomic<uint64_t> running = clients_.size();
    start_ = absl::Now();
    for (size_t i = 0; i < clients_.size(); ++i) {
      const uint64_t count = bench().messages / clients_.size() + (i < bench().messages % clients_.size() ? 1 : 0);
      threads.emplace_back([this, &share, &running, count, client = clients_[i].get()] {
        share(client, count);
        if (--running == 0) stop_.Request();
      });
    }
    Watch();
    for (std::thread& thread : threads) thread.join();
    end_ = absl::Now();
  }

  // Shows how far it is until the end.
  void Watch() {
    Progress progress(bench().messages, /*bytes=*/false, err_);
    while (!stop_.Wait(absl::Milliseconds(100)) && !tally_.failed()) progress.Set(tally_.messages());
    stopped_ = true;
  }

  Message NewMessage() const { return MakeMessage(arguments_.queue, kBenchEvent, Payload(bench().bytes)); }

  void PublishAll(Client* client, uint64_t count) {
    const std::unique_ptr<Publisher> publisher =
        client->NewPublisher({.give_up_after = absl::Seconds(3), .on_result = [this](const BatchResult& result) {
                                if (result.outcome == BatchOutcome::kAccepted) {
                                  tally_.Add(result.messages, result.messages * bench().bytes);
                                } else {
                                  tally_.Fail(result.status);
                                }
                              }});
    Message message = NewMessage();
    for (uint64_t i = 0; i < count && !stopped_ && !tally_.failed(); ++i) {
      message.set_payload(Payload(bench().bytes));
      if (const absl::Status added = publisher->Add(message); !added.ok()) return tally_.Fail(added);
    }
    publisher->Flush();
  }

  void PublishEach(Client* client, uint64_t count) {
    Histogram times;
    Message message = NewMessage();
    for (uint64_t i = 0; i < count && !stopped_ && !tally_.failed(); ++i) {
      const absl::Time start = absl::Now();
      const absl::StatusOr<PublishResult> result = client->Publish(message);
      if (!result.ok()) return tally_.Fail(result.status());
      times.Add(absl::Now() - start);
      tally_.Add(1, bench().bytes);
    }
    tally_.Merge(times);
  }

  void Hear() {
    std::vector<Histogram> times(clients_.size());
    std::vector<std::unique_ptr<Subscription>> subscriptions;
    std::atomic<int64_t> first_nanos = 0;
    // Each client hears all.
    const uint64_t wanted = bench().messages * clients_.size();
    for (size_t i = 0; i < clients_.size(); ++i) {
      SubscriptionHandler handler;
      handler.on_message = [this, wanted, own = &times[i], &first_nanos](const Message& message) {
        int64_t none = 0;
        first_nanos.compare_exchange_strong(none, absl::GetCurrentTimeNanos());
        const absl::Duration age = AgeOfPayload(message.payload());
        if (age >= absl::ZeroDuration()) own->Add(age);
        tally_.Add(1, message.payload().size());
        if (tally_.messages() >= wanted) stop_.Request();
      };
      auto subscription = clients_[i]->Subscribe({.patterns = {{arguments_.queue, kBenchEvent}}}, std::move(handler));
      if (!subscription.ok()) return tally_.Fail(subscription.status());
      subscriptions.push_back(*std::move(subscription));
    }
    if (!arguments_.json)
      err_->Tell(absl::StrCat("listening; in another terminal: ",
                              arguments_.asked.Command(absl::StrCat("bench pub ", arguments_.queue))));
    Progress progress(wanted, /*bytes=*/false, err_);
    while (!stop_.Wait(absl::Milliseconds(100))) progress.Set(tally_.messages());
    end_ = absl::Now();
    start_ = first_nanos == 0 ? end_ : absl::FromUnixNanos(first_nanos);
    for (const auto& subscription : subscriptions) subscription->Cancel();
    for (const auto& subscription : subscriptions) subscription->Wait().IgnoreError();
    subscriptions.clear();
    for (const Histogram& own : times) tally_.Merge(own);
  }

  void Request() {
    std::unique_ptr<Client> answerer;
    std::unique_ptr<Subscription> answers;
    if (!bench().others_answer) {
      absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(OptionsFor(arguments_));
      if (!client.ok()) return tally_.Fail(client.status());
      answerer = *std::move(client);
      SubscriptionHandler handler;
      handler.on_message = [to = answerer.get()](const Message& message) {
        if (!message.reply_to().empty()) to->Reply(message, message.payload()).IgnoreError();
      };
      auto subscription = answerer->Subscribe({.patterns = {{arguments_.queue, kBenchEvent}}}, std::move(handler));
      if (!subscription.ok()) return tally_.Fail(subscription.status());
      answers = *std::move(subscription);
    }
    Work([this](Client* client, uint64_t count) { AskEach(client, count); });
    if (answers != nullptr) {
      answers->Cancel();
      answers->Wait().IgnoreError();
    }
  }

  void AskEach(Client* client, uint64_t count) {
    Histogram times;
    const Message question = NewMessage();
    for (uint64_t i = 0; i < count && !stopped_ && !tally_.failed(); ++i) {
      const absl::Time start = absl::Now();
      const absl::StatusOr<RequestResult> result = client->Request(question, {.replies_max = 1});
      if (!result.ok()) return tally_.Fail(result.status());
      if (result->answers.empty()) return tally_.Fail(absl::DeadlineExceededError("nobody answered within 5s"));
      times.Add(absl::Now() - start);
      tally_.Add(1, bench().bytes);
    }
    tally_.Merge(times);
  }

  void Report() const {
    const double seconds = std::max(1e-6, absl::ToDoubleSeconds(end_ - start_));
    const double rate = static_cast<double>(tally_.messages()) / seconds;
    const double bytes = static_cast<double>(tally_.bytes()) / seconds;
    const Histogram times = tally_.times();
    if (arguments_.json) return ReportJson(seconds, rate, bytes, times);
    const char* const what = arguments_.command == Command::kBenchPub   ? "published"
                             : arguments_.command == Command::kBenchSub ? "heard"
                                                                        : "answered";
    out_->WriteLine(absl::StrCat(Count(tally_.messages()), " messages ", what, " in ", TimeText(end_ - start_), " by ",
                                 Count(bench().clients),
                                 bench().clients == 1 ? " client: " : " clients: ", Count(static_cast<uint64_t>(rate)),
                                 "/s, ", Bytes(static_cast<uint64_t>(bytes)), "/s"));
    if (times.count() == 0) return;
    out_->WriteLine(absl::StrCat("each took: least ", TimeText(times.least()), ", mean ", TimeText(times.mean()),
                                 ", p50 ", TimeText(times.Quantile(0.5)), ", p90 ", TimeText(times.Quantile(0.9)),
                                 ", p99 ", TimeText(times.Quantile(0.99)), ", p99.9 ", TimeText(times.Quantile(0.999)),
                                 ", most ", TimeText(times.most())));
    out_->Write(times.Bars(std::min<size_t>(80, out_->columns())));
  }

  void ReportJson(double seconds, double rate, double bytes, const Histogram& times) const {
    JsonWriter json;
    json.BeginObject().Key("messages").Integer(tally_.messages()).Key("seconds").Number(seconds);
    json.Key("messages_per_second").Number(rate).Key("bytes_per_second").Number(bytes);
    if (times.count() > 0) {
      json.Key("milliseconds").BeginObject().Key("least").Number(absl::ToDoubleMilliseconds(times.least()));
      json.Key("mean").Number(absl::ToDoubleMilliseconds(times.mean()));
      for (const auto& [name, part] : {std::pair("p50", 0.5), {"p90", 0.9}, {"p99", 0.99}, {"p99_9", 0.999}}) {
        json.Key(name).Number(absl::ToDoubleMilliseconds(times.Quantile(part)));
      }
      json.Key("most").Number(absl::ToDoubleMilliseconds(times.most())).EndObject();
    }
    out_->WriteLine(json.EndObject().json());
  }

  const Arguments& arguments_;
  Output* const out_;
  Output* const err_;
  Stop stop_;
  Tally tally_;
  std::atomic<bool> stopped_ = false;
  absl::Time start_;
  absl::Time end_;
  // The last, because their threads use the others.
  std::vector<std::unique_ptr<Client>> clients_;
};

}  // namespace

int RunBench(const Arguments& arguments, Output* out, Output* err) { return Bench(arguments, out, err).Run(); }

}  // namespace cli
}  // namespace nmq
