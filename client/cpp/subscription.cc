#include "client/cpp/subscription.h"

#include <utility>

#include "base/deadline.h"
#include "client/cpp/group_member.h"
#include "client/cpp/subscription_core.h"

namespace nmq {
inline namespace client {

Subscription::Subscription(std::shared_ptr<internal::SubscriptionCore> loop,
                           std::shared_ptr<internal::GroupMember> member)
    : loop_(std::move(loop)), member_(std::move(member)) {}

Subscription::~Subscription() {
  Cancel();
  loop_->Join();
  if (member_ != nullptr) member_->Join();
}

void Subscription::Cancel() {
  if (member_ != nullptr) member_->Stop();
  loop_->Stop();
}

absl::Status Subscription::Wait(absl::Duration timeout) {
  const Deadline deadline = Deadline::In(timeout);
  if (member_ != nullptr && !member_->WaitUntilOver(deadline)) {
    return absl::DeadlineExceededError("the subscription is still alive");
  }
  return loop_->Wait(deadline.Left());
}

std::string Subscription::id() const { return loop_->id(); }

std::vector<v1::QueuePosition> Subscription::positions() const { return loop_->positions(); }

SubscriptionCounts Subscription::counts() const { return loop_->counts(); }

}  // namespace client
}  // namespace nmq
