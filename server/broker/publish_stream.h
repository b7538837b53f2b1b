#ifndef NMQ_SERVER_BROKER_PUBLISH_STREAM_H_
#define NMQ_SERVER_BROKER_PUBLISH_STREAM_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/arena.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/broker/broker.h"
#include "server/call/call.h"
#include "server/message/incoming.h"

namespace nmq::broker {

// The state of one PublishStream call. Used by one thread at a time; the broker must outlive it.
class PublishStream {
 public:
  PublishStream(Broker* broker, Call call) : broker_(broker), call_(std::move(call)) {}
  ~PublishStream();
  PublishStream(const PublishStream&) = delete;
  PublishStream& operator=(const PublishStream&) = delete;

  // Publishes one batch, an encoded nmq.v1.PublishStreamRequest. What it has to decode it makes in `arena`, which may
  // be reset afterwards. An error is one of the stream itself, and ends it; then `done` is not called. Otherwise it is,
  // once, before Publish returns or later on another thread; a refused batch is in the response.
  using Done = std::function<void(const v1::PublishStreamResponse&)>;
  // Asked about a batch that is faster than the publisher or its namespace may be: whether it will be published again
  // after this time. Then nothing was done with it, and `done` is not called; if not, it is refused.
  using Hold = absl::FunctionRef<bool(absl::Duration wait)>;
  absl::Status Publish(
      absl::string_view bytes, google::protobuf::Arena* arena, Done done,
      Hold hold = [](absl::Duration) { return false; });

  // Whether the caller may still publish where the stream does, by what principal() has shown then.
  absl::Status CheckAccess();
  const std::shared_ptr<const Principal>& principal() const { return call_.principal; }

 private:
  absl::Status CheckOrigin(const IncomingBatch& batch);
  // Whether the caller may publish these messages, if not all.
  absl::Status CheckRights(const IncomingBatch& batch);
  void FindBounds();
  absl::Status CheckBatch(size_t bytes, const IncomingBatch& batch) const;

  Broker* const broker_;
  Call call_;
  Broker::Origin origin_;
  std::string session_;
  bool bounded_ = false;        // the caller may not publish everything
  std::string admitted_queue_;  // may be published to, for everyone; none if empty
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_BROKER_PUBLISH_STREAM_H_
