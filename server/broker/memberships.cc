#include "server/broker/memberships.h"

namespace nmq::broker {

void Memberships::Join(uint64_t room, uint64_t stamp) {
  MutexLock lock(&mu_);
  joined_.try_emplace(room, stamp);
}

void Memberships::Leave(uint64_t room, uint64_t stamp, int64_t now_us, bool keep) {
  MutexLock lock(&mu_);
  auto it = joined_.find(room);
  if (it == joined_.end()) return;
  if (keep) past_.push_back({room, it->second, stamp, now_us});
  joined_.erase(it);
}

void Memberships::Forget(int64_t time_us) {
  MutexLock lock(&mu_);
  auto kept = past_.begin();
  while (kept != past_.end() && kept->left_us < time_us) ++kept;
  past_.erase(past_.begin(), kept);
}

bool Memberships::Contains(uint64_t id, uint64_t stamp) const {
  if (id == self_) return true;
  MutexLock lock(&mu_);
  auto it = joined_.find(id);
  if (it != joined_.end() && it->second <= stamp) return true;
  for (const Past& past : past_) {
    if (past.room == id && past.joined <= stamp && stamp < past.left) return true;
  }
  return false;
}

uint64_t Memberships::JoinStamp(uint64_t room) const {
  MutexLock lock(&mu_);
  auto it = joined_.find(room);
  return it == joined_.end() ? 0 : it->second;
}

size_t Memberships::size() const {
  MutexLock lock(&mu_);
  return joined_.size() + past_.size();
}

}  // namespace nmq::broker
