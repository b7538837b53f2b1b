// How a group reads its queue and gives the messages to its members.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "base/names.h"
#include "glog/logging.h"
#include "server/group/group.h"
#include "server/log/block.h"
#include "server/log/log_wait.h"
#include "server/message/entry.h"
#include "server/queue/subscription.h"

namespace nmq::broker {
namespace {

// What one turn does at the most, so that other groups get theirs.
constexpr uint64_t kTurnBytes = 1 << 20;
constexpr int kTurnMessages = 4096;
// What is read at a time of new messages, and of those that are delivered again.
constexpr uint64_t kBlockBytes = 256 << 10;
constexpr uint64_t kAgainBytes = 16 << 10;

}  // namespace

void Group::GiveUp(uint64_t first) {
  if (first <= state_.floor() + 1) return;
  const uint64_t floor = state_.floor();
  const uint64_t lost = state_.Forget(first);
  if (lost == 0) return;
  lost_ += lost;
  v1::Gap& gap = gaps_.emplace_back();
  gap.set_queue(options_.queue->name());
  gap.set_epoch(options_.queue->EpochOf(floor + 1));
  gap.set_first(floor + 1);
  gap.set_last(first - 1);
  gap.set_count(lost);
  gap.set_reason(options_.queue->WasPurged(first) ? v1::GAP_REASON_PURGED : v1::GAP_REASON_RETENTION);
}

void Group::TellLoss() {
  const QueueOnDisk& disk = options_.queue->disk();
  if (!disk.lost) return;
  const uint64_t end = disk.past_epochs.back().end;
  v1::Gap& gap = gaps_.emplace_back();
  gap.set_queue(options_.queue->name());
  gap.set_epoch(disk.EpochOf(end - 1));
  gap.set_first(end);
  gap.set_reason(v1::GAP_REASON_EPOCH_CHANGED);
}

bool Group::Have(uint64_t sequence, uint64_t end, uint64_t bytes_max, std::shared_ptr<const log::Block>* block) {
  if (*block != nullptr && (*block)->Contains(sequence)) return true;
  *block = options_.queue->BlockFromRing(sequence, end, bytes_max);
  if (*block != nullptr) return true;
  const QueueOnDisk& disk = options_.queue->disk();
  auto read = log::ReadAndWait(disk.log, disk.number, sequence, end, bytes_max);
  if (read.ok()) {
    *block = *std::move(read);
    return true;
  }
  *block = nullptr;
  // What was trimmed meanwhile is given up in the next turn.
  more_ = true;
  if (absl::IsOutOfRange(read.status())) return false;
  LOG_EVERY_T(ERROR, 10) << "group " << name() << " cannot read queue " << options_.queue->name() << ": "
                         << read.status();
  for (const auto& [id, member] : members_) {
    if (const auto subscription = member.subscription.lock()) {
      subscription->End(WithContext(read.status(), absl::StrCat("queue ", Quote(options_.queue->name()))));
    }
  }
  retry_us_ = absl::ToInt64Microseconds(options_.clock->Monotonic()) + kRetryUs;
  return false;
}

bool Group::TakeExpired(const log::Block& block, uint64_t sequence) {
  if (!IsExpired(block, sequence, options_.clock->Now())) return false;
  v1::Gap* gap = gaps_.empty() ? nullptr : &gaps_.back();
  if (gap == nullptr || gap->reason() != v1::GAP_REASON_EXPIRED || gap->last() + 1 != sequence) {
    gap = &gaps_.emplace_back();
    gap->set_queue(options_.queue->name());
    gap->set_epoch(options_.queue->EpochOf(sequence));
    gap->set_first(sequence);
    gap->set_reason(v1::GAP_REASON_EXPIRED);
  }
  gap->set_last(sequence);
  gap->set_count(gap->count() + 1);
  return true;
}

void Group::Stage(const GroupState::Assignment& assignment, const log::Block& block) {
  if (const auto member = members_.find(assignment.member); member != members_.end()) {
    member->second.outbox.Add(assignment, block);
  }
}

void Group::Redeliver(int64_t now_us) {
  const std::vector<GroupState::Assignment> assignments = state_.Deliver(now_us, kTurnMessages);
  for (auto it = assignments.begin(); it != assignments.end(); ++it) {
    if (!Have(it->sequence, state_.delivered() + 1, kAgainBytes, &again_block_)) {
      // Nor does what is behind it go out now, so that messages of a key stay in order.
      for (; it != assignments.end(); ++it) state_.Return(it->sequence, it->delivery);
      return;
    }
    if (TakeExpired(*again_block_, it->sequence)) {
      state_.Done(it->sequence, it->delivery);
    } else {
      Stage(*it, *again_block_);
    }
  }
}

void Group::OfferNew(uint64_t end, int64_t now_us) {
  const bool by_key = options_.group.options().by_key();
  uint64_t bytes = 0;
  for (int messages = 0; state_.WantsNew(); ++messages) {
    const uint64_t sequence = state_.next();
    if (sequence >= end) return;
    if (messages == kTurnMessages || bytes >= kTurnBytes) {
      more_ = true;
      return;
    }
    if (!Have(sequence, end, kBlockBytes, &block_)) return;
    if (!filter_.Hears(*block_, sequence) || TakeExpired(*block_, sequence)) {
      state_.Skip();
      continue;
    }
    const absl::string_view entry = block_->entry(sequence);
    bool taken = false;
    const auto assignment = state_.Offer(entry.size(), by_key ? KeyOf(entry.data()) : "", now_us, &taken);
    if (assignment.has_value()) {
      bytes += entry.size();
      Stage(*assignment, *block_);
    }
    if (!taken) return;
  }
}

void Group::SendOut() {
  for (auto& [id, member] : members_) {
    if (member.outbox.empty() && gaps_.empty()) continue;
    const auto subscription = member.subscription.lock();
    if (subscription == nullptr) continue;
    if (member.outbox.empty()) {
      member.mailbox->Put({}, gaps_);
    } else {
      std::vector<log::ByteRange> entries = member.outbox.Take();
      uint64_t bytes = 0;
      for (const log::ByteRange& entry : entries) bytes += entry.length;
      options_.queue->counters().Delivered(entries.size(), bytes);
      member.mailbox->Put(std::move(entries), gaps_);
    }
    subscription->lane()->PostSubscription(subscription);
    subscription->lane()->Wake();
  }
  gaps_.clear();
}

}  // namespace nmq::broker
