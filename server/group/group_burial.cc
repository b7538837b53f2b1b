// How a group gets its dead letters into their queue.
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "server/group/burial.h"
#include "server/group/group.h"
#include "server/group/group_store.h"
#include "server/log/block.h"

namespace nmq::broker {
void Group::BuryDead(int64_t now_us) {
  if (now_us < retry_us_) return;
  for (GroupState::Dead& dead : state_.TakeDead()) dying_.push_back(std::move(dead));
  if (dying_.empty()) return;
  const uint64_t end = state_.delivered() + 1;
  for (; !dying_.empty() && now_us >= retry_us_; dying_.pop_front()) {
    const GroupState::Dead& dead = dying_.front();
    // The queue does not hold it any more.
    if (dead.sequence <= state_.floor()) continue;
    const BlockReader::BlockPtr block = dead_.Find(dead.sequence, end);
    if (block == nullptr) return Ask(&dead_, dead.sequence, end);
    Bury(dead, *block, now_us);
  }
  if (dying_.empty()) dead_.Clear();
}

void Group::Bury(const GroupState::Dead& dead, const log::Block& block, int64_t now_us) {
  auto job =
      NewBurial(options_.queue->disk().number, name(), dead, block, options_.dead_letters, options_.clock->Now());
  job->done = [self = shared_from_this(), dead](const absl::Status& status, Committer::Job*) {
    Group* const group = self.get();
    group->PostResult([group, dead, status](int64_t now) { group->Buried(dead, status, now); });
  };
  const absl::Status status = options_.committer->Submit(std::move(job));
  if (!status.ok()) Buried(dead, status, now_us);
}

void Group::Buried(const GroupState::Dead& dead, const absl::Status& status, int64_t now_us) {
  if (status.ok()) {
    state_.Buried(dead.sequence);
    // What was written with the dead letter, and is written anew if it is still needed.
    GroupState::Changes written;
    written.erase.push_back(dead.sequence);
    PutChanges(options_.queue->disk().number, name(), written, batch_.get());
    const auto waiting = burials_.extract(dead.sequence);
    if (waiting.empty()) return;
    --waiting.mapped()->unburied;
    answers_.push_back(waiting.mapped());  // until this is saved, too
    return;
  }
  LOG_EVERY_T(ERROR, 10) << "group " << name() << " cannot write to " << options_.dead_letters->name() << ": "
                         << status;
  state_.Revive(dead);
  retry_us_ = now_us + kRetryUs;
}

void Group::DropBurials(const absl::Status& status) {
  for (auto& [sequence, answer] : burials_) {
    answer->unburied = 0;
    if (!status.ok()) answer->status = status;
  }
  burials_.clear();
}

}  // namespace nmq::broker
