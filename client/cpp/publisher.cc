#include "client/cpp/publisher.h"

#include <utility>

#include "client/cpp/publisher_loop.h"

namespace nmq {
inline namespace client {

Publisher::Publisher(std::shared_ptr<internal::PublisherLoop> loop) : loop_(std::move(loop)) {}

Publisher::~Publisher() {
  loop_->Stop();
  loop_->Join();
}

absl::Status Publisher::Add(const Message& message) { return loop_->Add(message, nullptr); }

absl::Status Publisher::Publish(const Message& message, PublishCallback done) {
  return loop_->Add(message, std::move(done));
}

std::future<absl::StatusOr<PublishResult>> Publisher::Publish(const Message& message) {
  auto promise = std::make_shared<std::promise<absl::StatusOr<PublishResult>>>();
  std::future<absl::StatusOr<PublishResult>> future = promise->get_future();
  const absl::Status taken =
      Publish(message, [promise](const absl::StatusOr<PublishResult>& result) { promise->set_value(result); });
  if (!taken.ok()) promise->set_value(taken);
  return future;
}

FlushResult Publisher::Flush(absl::Duration timeout) { return loop_->Flush(timeout); }

}  // namespace client
}  // namespace nmq
