#include "server/broker/publish_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "server/message/message_check.h"

namespace nmq::broker {

PublishStream::~PublishStream() {
  if (origin_.client != nullptr) origin_.client->StreamClosed(absl::ToInt64Microseconds(broker_->clock().Monotonic()));
}

absl::Status PublishStream::CheckOrigin(const IncomingBatch& batch) {
  if (origin_.name_space == nullptr) {
    auto origin = broker_->FindStreamOrigin(call_, batch.session, batch.name_space);
    if (!origin.ok()) return origin.status();
    origin_ = *std::move(origin);
    session_ = std::string(batch.session);
    if (origin_.client != nullptr) origin_.client->StreamOpened();
    FindBounds();
    return absl::OkStatus();
  }
  if (!batch.session.empty() && batch.session != session_) {
    return InvalidArgument("session", "differs from the one that this stream began with; open another stream");
  }
  if (!batch.name_space.empty() && batch.name_space != origin_.name_space->name()) {
    return InvalidArgument("namespace",
                           absl::StrCat(Quote(batch.name_space), " differs from ", Quote(origin_.name_space->name()),
                                        ", with which this stream began; open another stream"));
  }
  if (origin_.client != nullptr && origin_.client->gone()) {
    return broker_->FindStreamOrigin(call_, session_, /*name_space=*/"").status();
  }
  return absl::OkStatus();
}

absl::Status PublishStream::CheckAccess() {
  if (origin_.name_space == nullptr) return absl::OkStatus();
  const absl::Status status = broker_->AdmitAgain(&call_, origin_.client.get(), origin_.name_space->name());
  if (status.ok()) FindBounds();
  return status;
}

void PublishStream::FindBounds() {
  bounded_ = !broker_->MaySee(call_, Named(origin_.name_space->name(), kAllOfThem, kAllOfThem));
  admitted_queue_.clear();
}

absl::Status PublishStream::CheckRights(const IncomingBatch& batch) {
  if (!bounded_) return absl::OkStatus();
  Broker::Admitted admitted;
  for (size_t i = 0; i < batch.messages.size(); ++i) {
    const Incoming& message = batch.messages[i];
    if (message.audience == nullptr && message.queue == admitted_queue_) continue;
    Names names;
    AddMessage(message.queue, message.audience, &names);
    const absl::Status status = batch.messages.size() == 1
                                    ? broker_->Admit(call_, *origin_.name_space, names)
                                    : broker_->Admit(call_, *origin_.name_space, names, &admitted);
    // As of a queue that is not there.
    if (!status.ok() && batch.messages.size() > 1) return WithContext(status, absl::StrCat("messages[", i, "]"));
    if (!status.ok()) return status;
    if (message.audience == nullptr) admitted_queue_ = std::string(message.queue);
  }
  return absl::OkStatus();
}

absl::Status PublishStream::CheckBatch(size_t bytes, const IncomingBatch& batch) const {
  const Limits& limits = broker_->limits();
  if (batch.messages.empty()) return InvalidArgument("messages", "is empty");
  if (batch.messages.size() > limits.batch_messages) {
    return LimitExceeded("batch_messages", batch.messages.size(), limits.batch_messages);
  }
  if (bytes > limits.batch_bytes) return LimitExceeded("batch_bytes", bytes, limits.batch_bytes);
  for (size_t i = 0; i < batch.messages.size(); ++i) {
    absl::Status status = CheckMessage(limits, broker_->clock(), batch.messages[i], origin_.client != nullptr);
    if (!status.ok()) return WithContext(status, absl::StrCat("messages[", i, "]"));
  }
  return absl::OkStatus();
}

absl::Status PublishStream::Publish(absl::string_view bytes, google::protobuf::Arena* arena, Done done, Hold hold) {
  IncomingBatch batch;
  absl::Status status = ParseBatch(bytes, arena, &batch);
  if (status.ok()) status = broker_->CheckNotDraining();
  if (status.ok()) status = CheckOrigin(batch);
  if (!status.ok()) return status;
  auto finish = [origin = origin_, number = batch.number, messages = batch.messages.size(), size = bytes.size(),
                 count_matches = batch.count_matches,
                 done = std::move(done)](absl::StatusOr<Namespace::Published> published) {
    v1::PublishStreamResponse response;
    response.set_batch(number);
    if (published.ok()) {
      if (origin.client != nullptr) origin.client->counters().Published(messages - published->duplicates.size(), size);
      v1::AcceptedBatch* accepted = response.mutable_accepted();
      for (v1::SequenceRange& range : published->ranges) *accepted->add_ranges() = std::move(range);
      for (v1::Duplicate& duplicate : published->duplicates) *accepted->add_duplicates() = std::move(duplicate);
      accepted->set_storage(published->storage);
      if (count_matches) accepted->set_matched(published->matched);
    } else {
      origin.name_space->CountRefusal(published.status());
      ToProto(published.status(), response.mutable_refused());
    }
    done(response);
  };
  status = CheckBatch(bytes.size(), batch);
  if (status.ok()) status = CheckRights(batch);
  if (status.ok()) {
    status = broker_->CountPublishing(origin_, batch.messages.size(), bytes.size());
    if (!status.ok() && hold(RetryDelayOf(status))) return absl::OkStatus();
  }
  if (!status.ok()) {
    finish(status);
    return absl::OkStatus();
  }
  for (Incoming& message : batch.messages) {
    EncodeBody(arena, &message);
    if (call_.principal != nullptr) ScopeRequestId(arena, call_.principal->name, &message);
  }
  origin_.name_space->Publish(origin_.client.get(), batch.messages,
                              {.count_matches = batch.count_matches, .expected_last = {}}, std::move(finish));
  return absl::OkStatus();
}

}  // namespace nmq::broker
