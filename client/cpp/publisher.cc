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

absl::Status Publisher::Add(const Message& message) { return loop_->Add(message); }

FlushResult Publisher::Flush(absl::Duration timeout) { return loop_->Flush(timeout); }

}  // namespace client
}  // namespace nmq
