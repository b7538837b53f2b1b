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
#include "server/message/entry.h"
#include "server/queue/subscription.h"

namespace nmq::broker {
namespace {

// What one turn does at the most, so that other groups get theirs.
constexpr uint64_t kTurnBytes = 1 << 20;
constexpr int kTurnMessages = 4096;

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

void Group::Ask(BlockReader* reader, uint64_t sequence, uint64_t end) {
  reader->Ask(sequence, end, options_.runner->errands(), [weak = weak_from_this(), reader](BlockReader::Answer answer) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    Group* const group = self.get();
    group->PostResult(
        [group, reader, answer = std::move(answer)](int64_t now_us) { group->TakeIn(reader, answer, now_us); });
  });
}

void Group::TakeIn(BlockReader* reader, BlockReader::Answer answer, int64_t now_us) {
  const uint64_t sequence = answer.sequence;
  const absl::Status status = reader->Take(std::move(answer));
  state_.LookAgain();
  // What was trimmed meanwhile is given up in this turn, and what was read ahead is asked for again when its time
  // comes.
  if (status.ok() || absl::IsOutOfRange(status) || (reader == &new_ && sequence > state_.next())) return;
  FailReading(status, now_us);
}

void Group::FailReading(const absl::Status& status, int64_t now_us) {
  LOG_EVERY_T(ERROR, 10) << "group " << name() << " cannot read queue " << options_.queue->name() << ": " << status;
  for (const auto& [id, member] : members_) {
    if (const auto subscription = member.subscription.lock()) {
      subscription->End(WithContext(status, absl::StrCat("queue ", Quote(options_.queue->name()))));
    }
  }
  retry_us_ = now_us + kRetryUs;
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
  const uint64_t end = state_.delivered() + 1;
  std::vector<BlockReader::BlockPtr> blocks;  // of each message that is delivered, in order
  std::optional<uint64_t> missing;            // the first that is not at hand
  const auto at_hand = [&](uint64_t sequence) {
    BlockReader::BlockPtr block = again_.Find(sequence, end);
    if (block == nullptr) {
      missing = std::min(missing.value_or(sequence), sequence);
      return false;
    }
    blocks.push_back(std::move(block));
    return true;
  };
  const std::vector<GroupState::Assignment> assignments = state_.Deliver(now_us, kTurnMessages, at_hand);
  auto block = blocks.begin();
  for (const GroupState::Assignment& assignment : assignments) {
    if (TakeExpired(**block, assignment.sequence)) {
      state_.Done(assignment.sequence, assignment.delivery);
    } else {
      Stage(assignment, **block);
    }
    ++block;
  }
  if (missing.has_value()) Ask(&again_, *missing, end);
}

void Group::OfferNew(uint64_t end, int64_t now_us) {
  const bool by_key = options_.group.options().by_key();
  BlockReader::BlockPtr block;
  uint64_t bytes = 0;
  for (int messages = 0; state_.WantsNew(); ++messages) {
    const uint64_t sequence = state_.next();
    if (sequence >= end) return;
    if (messages == kTurnMessages || bytes >= kTurnBytes) {
      more_ = true;
      return;
    }
    if (block == nullptr || !block->Contains(sequence)) {
      block = new_.Find(sequence, end);
      if (block == nullptr) return Ask(&new_, sequence, end);
      // The next one is read while this one is given out.
      if (const auto missing = new_.MissingAfter(*block, end)) Ask(&new_, *missing, end);
    }
    if (!filter_.Hears(*block, sequence) || TakeExpired(*block, sequence)) {
      state_.Skip();
      continue;
    }
    const absl::string_view entry = block->entry(sequence);
    bool taken = false;
    const auto assignment = state_.Offer(entry.size(), by_key ? KeyOf(entry.data()) : "", now_us, &taken);
    if (assignment.has_value()) {
      bytes += entry.size();
      Stage(*assignment, *block);
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
