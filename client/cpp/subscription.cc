#include "client/cpp/subscription.h"

#include <utility>

#include "client/cpp/subscription_loop.h"

namespace nmq {
inline namespace client {

Subscription::Subscription(std::shared_ptr<internal::SubscriptionLoop> loop) : loop_(std::move(loop)) {}

Subscription::~Subscription() {
  loop_->Stop();
  loop_->Join();
}

void Subscription::Cancel() { loop_->Stop(); }

absl::Status Subscription::Wait(absl::Duration timeout) { return loop_->Wait(timeout); }

std::string Subscription::id() const { return loop_->id(); }

std::vector<v1::QueuePosition> Subscription::positions() const { return loop_->positions(); }

SubscriptionCounts Subscription::counts() const { return loop_->counts(); }

}  // namespace client
}  // namespace nmq
