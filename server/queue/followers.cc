#include "server/queue/followers.h"

#include <utility>

namespace nmq::broker {

void Followers::Add(std::weak_ptr<Follower> follower) {
  MutexLock lock(&mu_);
  followers_.push_back(std::move(follower));
  any_.store(true, std::memory_order_release);
}

void Followers::Wake() const {
  if (!any_.load(std::memory_order_acquire)) return;
  std::vector<std::shared_ptr<Follower>> followers;
  {
    MutexLock lock(&mu_);
    for (const auto& weak : followers_) {
      if (auto follower = weak.lock(); follower != nullptr) followers.push_back(std::move(follower));
    }
  }
  for (const auto& follower : followers) follower->Wake();
}

size_t Followers::size() const {
  MutexLock lock(&mu_);
  return followers_.size();
}

}  // namespace nmq::broker
