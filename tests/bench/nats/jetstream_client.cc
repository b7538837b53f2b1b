#include "tests/bench/nats/jetstream_client.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "tests/bench/harness/payload.h"
#include "tests/bench/harness/tally.h"
#include "tests/bench/nats/jetstream.h"
#include "tests/bench/nats/jetstream_publisher.h"
#include "tests/bench/peers/consumer_threads.h"

namespace nmq::bench {
namespace {

constexpr char kDurable[] = "workers";
constexpr uint64_t kFetched = 256;
// Messages of all consumers together without an acknowledgement: those on their way and those of the next fetch.
constexpr int64_t kPendingPerConsumer = 2 * kFetched;
constexpr absl::Duration kPatience = absl::Minutes(2);

absl::string_view PayloadOf(natsMsg* message) {
  return {natsMsg_GetData(message), static_cast<size_t>(natsMsg_GetDataLength(message))};
}

// A connection that pulls for the durable consumer, which the first one makes.
struct Puller {
  JetStream stream;
  JetStreamSubscription subscription;
};

absl::StatusOr<Puller> OpenPuller(const std::string& address, const ConsumerSpec& spec) {
  absl::StatusOr<JetStream> stream = OpenJetStream(address, {});
  if (!stream.ok()) return stream.status();
  jsSubOptions options;
  jsSubOptions_Init(&options);
  options.Stream = spec.queue.c_str();
  options.Config.Durable = kDurable;
  options.Config.AckPolicy = js_AckExplicit;
  options.Config.MaxAckPending = kPendingPerConsumer * spec.consumers;
  natsSubscription* subscription = nullptr;
  jsErrCode error = jsErrCode(0);
  const natsStatus status = js_PullSubscribe(&subscription, stream->context.get(), SubjectOf(spec.queue).c_str(),
                                             kDurable, nullptr, &options, &error);
  if (status != NATS_OK) return FromJetStream(status, error, "subscribing");
  return Puller{*std::move(stream), JetStreamSubscription(subscription)};
}

// Fetches that many, or fewer, and acknowledges them.
absl::StatusOr<uint64_t> FetchOnce(const Puller& puller, uint64_t wanted, Tally* tally) {
  natsMsgList list = {};
  jsErrCode error = jsErrCode(0);
  natsStatus status =
      natsSubscription_Fetch(&list, puller.subscription.get(), static_cast<int>(wanted), kNatsPatience, &error);
  if (status != NATS_OK) return FromJetStream(status, error, "fetching");
  const uint64_t fetched = static_cast<uint64_t>(list.Count);
  for (int i = 0; i < list.Count && status == NATS_OK; ++i) {
    tally->Heard(PayloadOf(list.Msgs[i]));
    status = natsMsg_Ack(list.Msgs[i], nullptr);
  }
  natsMsgList_Destroy(&list);
  if (status != NATS_OK) return FromNats(status, "acknowledging");
  return fetched;
}

absl::Status PullAll(const Puller& puller, Share* share, Tally* tally) {
  while (const uint64_t wanted = share->Take(kFetched)) {
    const absl::StatusOr<uint64_t> fetched = FetchOnce(puller, wanted, tally);
    if (!fetched.ok()) return fetched.status();
    share->Return(wanted - *fetched);
  }
  return FromNats(natsConnection_FlushTimeout(puller.stream.connection.get(), kNatsPatience), "flushing");
}

// Waits until the server has noted every acknowledgement.
absl::Status AwaitFloor(const JetStream& stream, const ConsumerSpec& spec) {
  const absl::Time deadline = absl::Now() + absl::Milliseconds(kNatsPatience);
  while (absl::Now() < deadline) {
    jsConsumerInfo* info = nullptr;
    jsErrCode error = jsErrCode(0);
    const natsStatus status =
        js_GetConsumerInfo(&info, stream.context.get(), spec.queue.c_str(), kDurable, nullptr, &error);
    if (status != NATS_OK) return FromJetStream(status, error, "asking for the consumer");
    const bool all = info->AckFloor.Stream >= spec.messages && info->NumAckPending == 0;
    jsConsumerInfo_Destroy(info);
    if (all) return absl::OkStatus();
    absl::SleepFor(absl::Milliseconds(1));
  }
  return absl::DeadlineExceededError("the server has not noted all acknowledgements");
}

// What the ordered consumer's subscription hears.
class Reading {
 public:
  explicit Reading(uint64_t messages) : expected_(messages) {}

  // On the library's thread.
  static void OnMessage(natsConnection*, natsSubscription*, natsMsg* message, void* reading) {
    static_cast<Reading*>(reading)->Heard(PayloadOf(message));
    natsMsg_Destroy(message);
  }

  absl::Status Await() {
    absl::MutexLock lock(&mutex_);
    if (mutex_.AwaitWithTimeout(absl::Condition(&complete_), kPatience)) return absl::OkStatus();
    return absl::DeadlineExceededError(absl::StrCat("not all of ", expected_, " messages came"));
  }

  // When nothing comes any more.
  uint64_t messages() const { return messages_; }
  uint64_t wrong() const { return wrong_; }

 private:
  void Heard(absl::string_view payload) {
    Stamp stamp;
    if (!ReadStamp(payload, &stamp) || !order_.Heard(stamp)) ++wrong_;
    if (++messages_ != expected_) return;
    absl::MutexLock lock(&mutex_);
    complete_ = true;
  }

  const uint64_t expected_;
  // Only for the library's thread.
  OrderCheck order_{/*whole=*/true};
  uint64_t messages_ = 0;
  uint64_t wrong_ = 0;
  absl::Mutex mutex_;
  bool complete_ ABSL_GUARDED_BY(mutex_) = false;
};

class JetStreamClient final : public Client {
 public:
  explicit JetStreamClient(const std::string& address) : address_(address) {}

  absl::StatusOr<std::unique_ptr<SubscriberSet>> Subscribe(const SubscriberSpec&) override {
    return absl::UnimplementedError("JetStream only");
  }

  absl::StatusOr<std::unique_ptr<Publisher>> PublishPaced(const PaceSpec&) override {
    return absl::UnimplementedError("JetStream only");
  }

  absl::StatusOr<std::unique_ptr<Publisher>> Publish(const PublisherSpec& spec) override {
    return StartStoringPublisher(spec, JetStreamLinks(address_));
  }

  absl::StatusOr<Consumption> Consume(const ConsumerSpec& spec) override {
    std::vector<Puller> pullers;
    for (int i = 0; i < spec.consumers; ++i) {
      absl::StatusOr<Puller> puller = OpenPuller(address_, spec);
      if (!puller.ok()) return puller.status();
      pullers.push_back(*std::move(puller));
    }
    Tally tally(spec.messages);
    Share share(spec.messages);
    const int64_t start = Now();
    absl::Status status = RunInThreads(spec.consumers, [&](int i) { return PullAll(pullers[i], &share, &tally); });
    if (status.ok()) status = AwaitFloor(pullers.front().stream, spec);
    if (!status.ok()) return status;
    return Consumption{absl::Nanoseconds(Now() - start), tally.messages(), tally.wrong()};
  }

  absl::StatusOr<Consumption> ReadHistory(const HistorySpec& spec) override {
    absl::StatusOr<JetStream> stream = OpenJetStream(address_, {});
    if (!stream.ok()) return stream.status();
    jsSubOptions options;
    jsSubOptions_Init(&options);
    options.Stream = spec.queue.c_str();
    options.Ordered = true;
    Reading reading(spec.messages);
    natsSubscription* subscription = nullptr;
    jsErrCode error = jsErrCode(0);
    const int64_t start = Now();
    const natsStatus made = js_Subscribe(&subscription, stream->context.get(), SubjectOf(spec.queue).c_str(),
                                         &Reading::OnMessage, &reading, nullptr, &options, &error);
    if (made != NATS_OK) return FromJetStream(made, error, "subscribing");
    const JetStreamSubscription owned(subscription);
    absl::Status status = reading.Await();
    const absl::Duration time = absl::Nanoseconds(Now() - start);
    const natsStatus drained = natsSubscription_Drain(subscription);
    if (drained == NATS_OK) natsSubscription_WaitForDrainCompletion(subscription, kNatsPatience);
    if (!status.ok()) return status;
    return Consumption{time, reading.messages(), reading.wrong()};
  }

 private:
  const std::string address_;
};

}  // namespace

std::unique_ptr<Client> MakeJetStreamClient(const std::string& address) {
  return std::make_unique<JetStreamClient>(address);
}

}  // namespace nmq::bench
