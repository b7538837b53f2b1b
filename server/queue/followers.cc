#include "server/queue/followers.h"

#include <algorithm>
#include <utility>

namespace nmq::broker {

void Followers::Add(std::weak_ptr<Follower> follower) {
  const Follower* const pointer = follower.lock().get();
  MutexLock lock(&mu_);
  followers_.push_back({pointer, std::move(follower)});
  any_.store(true, std::memory_order_release);
}

void Followers::Remove(const Follower* follower) {
  MutexLock lock(&mu_);
  followers_.erase(std::remove_if(followers_.begin(), followers_.end(),
                                  [&](const Entry& entry) { return entry.follower == follower; }),
                   followers_.end());
  any_.store(!followers_.empty(), std::memory_order_release);
}

void Followers::Wake() const {
  if (!any_.load(std::memory_order_acquire)) return;
  std::vector<std::shared_ptr<Follower>> followers;
  {
    MutexLock lock(&mu_);
    for (const Entry& entry : followers_) {
      if (auto follower = entry.weak.lock(); follower != nullptr) followers.push_back(std::move(follower));
    }
  }
  for (const auto& follower : followers) follower->Wake();
}

size_t Followers::size() const {
  MutexLock lock(&mu_);
  return followers_.size();
}

}  // namespace nmq::broker
