#include "absl/strings/str_cat.h"
#include "server/base/errors.h"
#include "server/broker/broker.h"
#include "server/broker/message_check.h"

namespace nmq::broker {

PublishStream::~PublishStream() {
  if (origin_.client != nullptr) origin_.client->StreamClosed(broker_->shared_.NowUs());
}

absl::Status PublishStream::CheckOrigin(const v1::PublishStreamRequest& request) {
  if (origin_.name_space == nullptr) {
    auto origin = broker_->FindOrigin(request.session(), request.namespace_());
    if (!origin.ok()) return origin.status();
    origin_ = *std::move(origin);
    session_ = request.session();
    name_space_ = request.namespace_();
    if (origin_.client != nullptr) origin_.client->StreamOpened();
    return absl::OkStatus();
  }
  if (!request.session().empty() && request.session() != session_) {
    return InvalidArgument("session", "differs from the one that this stream began with; open another stream");
  }
  if (!request.namespace_().empty() && request.namespace_() != origin_.name_space->name()) {
    return InvalidArgument(
        "namespace", absl::StrCat(Quote(request.namespace_()), " differs from ", Quote(origin_.name_space->name()),
                                  ", with which this stream began; open another stream"));
  }
  if (origin_.client != nullptr && origin_.client->gone()) return broker_->FindSession(session_).status();
  return absl::OkStatus();
}

absl::Status PublishStream::PublishBatch(v1::PublishStreamRequest* request, size_t bytes, v1::AcceptedBatch* accepted) {
  const Limits& limits = broker_->limits();
  if (request->messages().empty()) return InvalidArgument("messages", "is empty");
  if (static_cast<uint64_t>(request->messages_size()) > limits.batch_messages) {
    return LimitExceeded("batch_messages", request->messages_size(), limits.batch_messages);
  }
  if (bytes > limits.batch_bytes) return LimitExceeded("batch_bytes", bytes, limits.batch_bytes);
  for (int i = 0; i < request->messages_size(); ++i) {
    absl::Status status = CheckMessage(limits, request->messages(i), origin_.client != nullptr);
    if (!status.ok()) return WithContext(status, absl::StrCat("messages[", i, "]"));
  }
  const std::vector<v1::Message*> messages(request->mutable_messages()->pointer_begin(),
                                           request->mutable_messages()->pointer_end());
  auto published = origin_.name_space->Publish(origin_.client.get(), messages, request->count_matches());
  if (!published.ok()) return published.status();
  if (origin_.client != nullptr) origin_.client->counters().Published(request->messages_size(), bytes);
  for (v1::SequenceRange& range : published->ranges) *accepted->add_ranges() = std::move(range);
  if (request->count_matches()) accepted->set_matched(published->matched);
  return absl::OkStatus();
}

absl::Status PublishStream::Publish(v1::PublishStreamRequest* request, size_t bytes,
                                    v1::PublishStreamResponse* response) {
  absl::Status status = broker_->CheckNotDraining();
  if (status.ok()) status = CheckOrigin(*request);
  if (!status.ok()) return status;
  response->set_batch(request->batch());
  status = PublishBatch(request, bytes, response->mutable_accepted());
  if (status.ok()) return absl::OkStatus();
  if (status.code() == absl::StatusCode::kResourceExhausted) origin_.name_space->counters().Refused();
  ToProto(status, response->mutable_refused());
  return absl::OkStatus();
}

}  // namespace nmq::broker
