#include "tests/bench/nats/jetstream_publisher.h"

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/bench/harness/payload.h"
#include "tests/bench/nats/jetstream.h"

namespace nmq::bench {
namespace {

// Messages without an answer of PublishWay::kStream.
constexpr int64_t kStreamPending = 4000;

// One message after the other.
class SyncLink final : public StoreLink {
 public:
  SyncLink(JetStream stream, const PublisherSpec& spec, OnStored on_stored)
      : stream_(std::move(stream)), subject_(SubjectOf(spec.queue)), on_stored_(std::move(on_stored)) {}

  absl::Status Store(absl::string_view payload, int64_t now) override {
    jsErrCode error = jsErrCode(0);
    const natsStatus status = js_Publish(nullptr, stream_.context.get(), subject_.c_str(), payload.data(),
                                         static_cast<int>(payload.size()), nullptr, &error);
    if (status != NATS_OK) return FromJetStream(status, error, "publishing");
    on_stored_(absl::OkStatus(), now);
    return absl::OkStatus();
  }

  absl::Status Complete() override { return absl::OkStatus(); }

 private:
  const JetStream stream_;
  const std::string subject_;
  const OnStored on_stored_;
};

// Several on their way; the library waits when there are too many.
class AsyncLink final : public StoreLink {
 public:
  AsyncLink(const PublisherSpec& spec, OnStored on_stored)
      : subject_(SubjectOf(spec.queue)), on_stored_(std::move(on_stored)) {}

  absl::Status Open(const std::string& address, int64_t pending) {
    jsOptions options;
    jsOptions_Init(&options);
    options.PublishAsync.MaxPending = pending;
    options.PublishAsync.StallWait = kNatsPatience;
    options.PublishAsync.AckHandler = &AsyncLink::OnAck;
    options.PublishAsync.AckHandlerClosure = this;
    absl::StatusOr<JetStream> stream = OpenJetStream(address, {}, &options);
    if (!stream.ok()) return stream.status();
    stream_ = *std::move(stream);
    return absl::OkStatus();
  }

  absl::Status Store(absl::string_view payload, int64_t) override {
    const natsStatus status = js_PublishAsync(stream_.context.get(), subject_.c_str(), payload.data(),
                                              static_cast<int>(payload.size()), nullptr);
    if (status != NATS_OK) return FromNats(status, "publishing");
    absl::MutexLock lock(&mutex_);
    ++sent_;
    return absl::OkStatus();
  }

  absl::Status Complete() override {
    const auto all_answered = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return answered_ >= sent_; };
    absl::MutexLock lock(&mutex_);
    if (mutex_.AwaitWithTimeout(absl::Condition(&all_answered), absl::Milliseconds(kNatsPatience))) {
      return absl::OkStatus();
    }
    return absl::DeadlineExceededError(absl::StrCat("only ", answered_, " of ", sent_, " messages were answered"));
  }

 private:
  // On the library's thread.
  static void OnAck(jsCtx*, natsMsg* message, jsPubAck* answer, jsPubAckErr* refusal, void* link) {
    auto* const self = static_cast<AsyncLink*>(link);
    Stamp stamp;
    ReadStamp({natsMsg_GetData(message), static_cast<size_t>(natsMsg_GetDataLength(message))}, &stamp);
    self->on_stored_(answer != nullptr ? absl::OkStatus() : Refused(refusal), stamp.time);
    natsMsg_Destroy(message);
    absl::MutexLock lock(&self->mutex_);
    ++self->answered_;
  }

  static absl::Status Refused(const jsPubAckErr* refusal) {
    if (refusal == nullptr) return absl::UnavailableError("publishing: no answer");
    return FromJetStream(refusal->Err, refusal->ErrCode, "publishing");
  }

  const std::string subject_;
  const OnStored on_stored_;
  absl::Mutex mutex_;
  uint64_t sent_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t answered_ ABSL_GUARDED_BY(mutex_) = 0;
  // Goes first: its thread calls OnAck().
  JetStream stream_;
};

}  // namespace

StoreLinkOpener JetStreamLinks(const std::string& address) {
  return [address](const PublisherSpec& spec, OnStored on_stored) -> absl::StatusOr<std::unique_ptr<StoreLink>> {
    const bool unary = spec.way == PublishWay::kUnary;
    if (unary && spec.window == 1) {
      absl::StatusOr<JetStream> stream = OpenJetStream(address, {});
      if (!stream.ok()) return stream.status();
      return std::make_unique<SyncLink>(*std::move(stream), spec, std::move(on_stored));
    }
    auto link = std::make_unique<AsyncLink>(spec, std::move(on_stored));
    if (absl::Status status = link->Open(address, unary ? spec.window : kStreamPending); !status.ok()) return status;
    return link;
  };
}

}  // namespace nmq::bench
