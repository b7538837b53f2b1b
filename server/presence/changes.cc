#include "server/presence/changes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_time.h"

namespace nmq::broker {

v1::Change NewChange(v1::ChangeKind kind, const std::string& name_space) {
  v1::Change change;
  change.set_kind(kind);
  change.set_namespace_(name_space);
  return change;
}

void Changes::Append(v1::Change change) {
  SetTime(clock_->Now(), change.mutable_time());
  const std::string name_space = std::exchange(*change.mutable_namespace_(), {});
  change.clear_revision();
  if (change.client_name() == change.client_id()) change.clear_client_name();
  std::string bytes = change.SerializeAsString();
  MutexLock lock(&mu_);
  held_.push_back({&*names_.insert(name_space).first, std::move(bytes)});
  if (held_.size() > count_max_) held_.pop_front();
  revision_.fetch_add(1, std::memory_order_release);
}

absl::StatusOr<std::vector<v1::Change>> Changes::Read(uint64_t revision, absl::string_view name_space, size_t count_max,
                                                      uint64_t* upto) const {
  std::vector<std::pair<uint64_t, Held>> found;
  {
    MutexLock lock(&mu_);
    const uint64_t latest = revision_.load(std::memory_order_relaxed);
    if (revision > latest) {
      return OutOfRange("REVISION_NOT_REACHED",
                        absl::StrCat("after_revision: ", revision, " is past the latest revision ", latest,
                                     "; list again: the server may have been restarted"));
    }
    const uint64_t oldest = latest - held_.size() + 1;
    if (revision + 1 < oldest) {
      return OutOfRange("REVISION_NOT_HELD",
                        absl::StrCat("after_revision: the changes after ", revision,
                                     " are no longer all held, the oldest is ", oldest, "; list again, then watch"));
    }
    size_t at = revision + 1 - oldest;
    for (; at < held_.size() && found.size() < count_max; ++at) {
      if (name_space.empty() || *held_[at].name_space == name_space) found.emplace_back(oldest + at, held_[at]);
    }
    *upto = oldest + at - 1;
  }
  std::vector<v1::Change> changes(found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    const auto& [number, held] = found[i];
    changes[i].ParseFromString(held.bytes);
    changes[i].set_revision(number);
    changes[i].set_namespace_(*held.name_space);
    if (changes[i].client_name().empty()) changes[i].set_client_name(changes[i].client_id());
  }
  return changes;
}

void Changes::Listen(const Listener& listener) {
  MutexLock lock(&mu_);
  listeners_.push_back(listener);
}

void Changes::Unlisten(const Listener& listener) {
  MutexLock lock(&mu_);
  listeners_.erase(std::remove(listeners_.begin(), listeners_.end(), listener), listeners_.end());
}

void Changes::Notify() {
  const uint64_t latest = revision();
  if (notified_.exchange(latest, std::memory_order_acq_rel) == latest) return;
  std::vector<Listener> listeners;
  {
    MutexLock lock(&mu_);
    listeners = listeners_;
  }
  for (const Listener& listener : listeners) (*listener)();
}

}  // namespace nmq::broker
