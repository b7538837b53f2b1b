#include "server/presence/memberships.h"

namespace nmq::broker {

void Memberships::Join(uint64_t room, uint64_t stamp) {
  MutexLock lock(&mu_);
  joined_.try_emplace(room, stamp);
}

void Memberships::Leave(uint64_t room, uint64_t stamp, int64_t now_us, bool keep) {
  MutexLock lock(&mu_);
  auto it = joined_.find(room);
  if (it == joined_.end()) return;
  if (keep) {
    past_[room].push_back({it->second, stamp});
    left_.push_back({now_us, room});
  }
  joined_.erase(it);
}

void Memberships::Forget(int64_t time_us) {
  MutexLock lock(&mu_);
  while (!left_.empty() && left_.front().time_us < time_us) {
    auto it = past_.find(left_.front().room);
    it->second.pop_front();
    if (it->second.empty()) past_.erase(it);
    left_.pop_front();
  }
}

bool Memberships::Contains(uint64_t id, uint64_t stamp) const {
  if (id == self_) return true;
  MutexLock lock(&mu_);
  const auto joined = joined_.find(id);
  if (joined != joined_.end() && joined->second <= stamp) return true;
  const auto past = past_.find(id);
  if (past == past_.end()) return false;
  // The first stay that ended after `stamp`, if there is one.
  const CircularBuffer<Stay>& stays = past->second;
  size_t begin = 0;
  for (size_t end = stays.size(); begin < end;) {
    const size_t middle = begin + (end - begin) / 2;
    if (stays[middle].left <= stamp) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin < stays.size() && stays[begin].joined <= stamp;
}

uint64_t Memberships::JoinStamp(uint64_t room) const {
  MutexLock lock(&mu_);
  auto it = joined_.find(room);
  return it == joined_.end() ? 0 : it->second;
}

size_t Memberships::size() const {
  MutexLock lock(&mu_);
  return joined_.size() + left_.size();
}

}  // namespace nmq::broker
