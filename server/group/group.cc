#include "server/group/group.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "glog/logging.h"
#include "server/group/group_options.h"
#include "server/group/group_store.h"
#include "server/log/audience.h"
#include "server/message/dead_letter.h"
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
// Acknowledgements that wait for the group's turn at the most.
constexpr uint64_t kAcknowledgementsMax = 100'000;
constexpr int64_t kRetryUs = 1'000'000;
constexpr absl::Duration kBusyRetry = absl::Milliseconds(100);

}  // namespace

class Group::Answer {
 public:
  explicit Answer(AcknowledgeDone done) : done_(std::move(done)) {}
  ~Answer() {
    if (noted && unburied == 0) {
      status.ok() ? done_(std::move(response)) : done_(status);
    } else {
      done_(Unavailable("STOPPED", "the server stopped before it noted this; say it again", kBusyRetry));
    }
  }
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  v1::AcknowledgeResponse response;
  absl::Status status;
  bool noted = false;
  int unburied = 0;  // dead letters that are not in their queue yet

 private:
  const AcknowledgeDone done_;
};

Group::Group(Options options, const GroupState::Saved& saved)
    : options_(std::move(options)),
      state_(PolicyOf(options_.group.options()), saved),
      paused_(options_.group.paused()) {
  for (const std::string& event : options_.group.events()) {
    auto pattern = Pattern::Parse("event", event, event.size());
    if (pattern.ok()) events_.push_back(*std::move(pattern));
  }
  Report();
}

void Group::Wake() {
  if (!posted_.exchange(true)) options_.runner->Post(shared_from_this());
}

void Group::Post(Command command) {
  {
    MutexLock lock(&mu_);
    inbox_.push_back(std::move(command));
  }
  Wake();
}

void Group::AddMember(uint64_t member, const std::shared_ptr<Subscription>& subscription,
                      std::shared_ptr<Mailbox> mailbox, uint64_t credit_messages, uint64_t credit_bytes) {
  Post([this, member, weak = std::weak_ptr<Subscription>(subscription), mailbox = std::move(mailbox), credit_messages,
        credit_bytes](int64_t) {
    if (retired_) {
      if (const auto ended = weak.lock()) ended->End(DeletedStatus());
      return;
    }
    members_[member] = {weak, mailbox, {}};
    state_.AddMember(member, credit_messages, credit_bytes);
  });
}

void Group::RemoveMember(uint64_t member) {
  Post([this, member](int64_t now_us) {
    if (members_.erase(member) > 0) state_.RemoveMember(member, now_us);
  });
}

absl::Status Group::Acknowledge(v1::AcknowledgeRequest request, AcknowledgeDone done) {
  const uint64_t entries = request.acknowledgements_size();
  {
    MutexLock lock(&mu_);
    if (waiting_acknowledgements_ > 0 && waiting_acknowledgements_ + entries > kAcknowledgementsMax) {
      return ResourceExhausted("TOO_MANY_ACKNOWLEDGEMENTS",
                               absl::StrCat("acknowledgements: ", waiting_acknowledgements_ + entries,
                                            " wait for group ", Quote(name()), "; the limit is ", kAcknowledgementsMax),
                               kBusyRetry, {{"group", name()}});
    }
    waiting_acknowledgements_ += entries;
    inbox_.push_back([this, request = std::move(request), answer = std::make_shared<Answer>(std::move(done))](
                         int64_t now_us) { Note(request, answer, now_us); });
  }
  Wake();
  return absl::OkStatus();
}

void Group::DoCommands(int64_t now_us) {
  std::vector<Command> commands;
  {
    MutexLock lock(&mu_);
    commands.swap(inbox_);
    waiting_acknowledgements_ = 0;
  }
  for (const Command& command : commands) command(now_us);
}

bool Group::NoteOne(const v1::Acknowledgement& one, uint64_t sequence, int64_t now_us) {
  switch (one.outcome_case()) {
    case v1::Acknowledgement::kDone:
      return state_.Done(sequence);
    case v1::Acknowledgement::kRetryAfter:
      return state_.Retry(sequence, MicrosecondsOf(one.retry_after()), now_us);
    case v1::Acknowledgement::kExtend:
      return state_.Extend(sequence, MicrosecondsOf(one.extend()), now_us);
    case v1::Acknowledgement::kTerminate:
      return state_.Terminate(sequence, one.terminate());
    case v1::Acknowledgement::OUTCOME_NOT_SET:
      break;
  }
  return false;
}

void Group::Note(const v1::AcknowledgeRequest& request, const std::shared_ptr<Answer>& answer, int64_t now_us) {
  answers_.push_back(answer);
  answer->noted = true;
  if (retired_) {
    answer->status = DeletedStatus();
    return;
  }
  v1::AcknowledgeResponse& response = answer->response;
  for (const v1::Acknowledgement& one : request.acknowledgements()) {
    const uint64_t last = std::max(one.first(), one.last());
    uint64_t noted = 0;
    // All others are done, or were never delivered.
    const uint64_t end = std::min(last, state_.delivered());
    for (uint64_t sequence = std::max(one.first(), state_.floor() + 1); sequence <= end; ++sequence) {
      if (!NoteOne(one, sequence, now_us)) continue;
      ++noted;
      if (one.outcome_case() != v1::Acknowledgement::kTerminate) continue;
      burials_[sequence] = answer;
      ++answer->unburied;
    }
    response.set_noted(response.noted() + noted);
    response.set_not_pending(response.not_pending() + (last - one.first()) + 1 - noted);
  }
}

void Group::GiveUp(uint64_t first) {
  if (first <= state_.floor() + 1) return;
  const uint64_t floor = state_.floor();
  const uint64_t lost = state_.Forget(first);
  if (lost == 0) return;
  lost_ += lost;
  v1::Gap& gap = gaps_.emplace_back();
  gap.set_queue(options_.queue->name());
  gap.set_epoch(options_.queue->epoch());
  gap.set_first(floor + 1);
  gap.set_last(first - 1);
  gap.set_count(lost);
  gap.set_reason(options_.queue->WasPurged(first) ? v1::GAP_REASON_PURGED : v1::GAP_REASON_RETENTION);
}

bool Group::Have(uint64_t sequence, uint64_t end, uint64_t bytes_max, std::shared_ptr<const log::Block>* block) {
  if (*block != nullptr && (*block)->Contains(sequence)) return true;
  *block = options_.queue->BlockFromRing(sequence, end, bytes_max);
  if (*block != nullptr) return true;
  const QueueOnDisk& disk = options_.queue->disk();
  auto read = disk.store->Read(disk.number, sequence, end, bytes_max);
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

bool Group::Hears(const log::Block& block, uint64_t sequence) const {
  const absl::string_view bytes = block.audience(sequence);
  if (!bytes.empty()) {
    log::Audience audience;
    const auto is_mine = [this](uint64_t number) { return options_.rooms.contains(number); };
    if (!log::DecodeAudience(bytes, &audience)) return false;
    if (std::any_of(audience.excepts.begin(), audience.excepts.end(), is_mine)) return false;
    if (!audience.everyone && std::none_of(audience.targets.begin(), audience.targets.end(), is_mine)) return false;
  }
  if (events_.empty()) return true;
  const absl::string_view event = EventOf(block.entry(sequence).data());
  return std::any_of(events_.begin(), events_.end(), [&](const Pattern& pattern) { return pattern.Matches(event); });
}

bool Group::TakeExpired(const log::Block& block, uint64_t sequence) {
  const absl::string_view bytes = block.audience(sequence);
  log::Audience audience;
  if (bytes.empty() || !log::DecodeAudience(bytes, &audience)) return false;
  if (!audience.expired(absl::ToUnixMicros(options_.clock->Now()))) return false;
  v1::Gap* gap = gaps_.empty() ? nullptr : &gaps_.back();
  if (gap == nullptr || gap->reason() != v1::GAP_REASON_EXPIRED || gap->last() + 1 != sequence) {
    gap = &gaps_.emplace_back();
    gap->set_queue(options_.queue->name());
    gap->set_epoch(options_.queue->epoch());
    gap->set_first(sequence);
    gap->set_reason(v1::GAP_REASON_EXPIRED);
  }
  gap->set_last(sequence);
  gap->set_count(gap->count() + 1);
  return true;
}

void Group::Stage(const GroupState::Assignment& assignment, const log::Block& block) {
  const auto member = members_.find(assignment.member);
  if (member == members_.end()) return;
  const log::Block::Item& item = block.item(assignment.sequence);
  log::ByteRange range = {block.chunk, item.entry_offset, item.entry_length};
  if (assignment.attempt > 1) {
    const std::string entry = WithAttempt(block.entry(assignment.sequence), assignment.attempt);
    auto* chunk = new log::Chunk(entry.size());
    memcpy(chunk->Extend(entry.size()), entry.data(), entry.size());
    range = {log::ChunkRef::Adopt(chunk), 0, static_cast<uint32_t>(entry.size())};
  }
  member->second.staged.push_back(std::move(range));
}

void Group::Redeliver(int64_t now_us) {
  for (const GroupState::Assignment& assignment : state_.Deliver(now_us, kTurnMessages)) {
    const uint64_t sequence = assignment.sequence;
    if (!Have(sequence, state_.delivered() + 1, kAgainBytes, &again_block_)) {
      state_.Retry(sequence, 0, now_us);
    } else if (TakeExpired(*again_block_, sequence)) {
      state_.Done(sequence);
    } else {
      Stage(assignment, *again_block_);
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
    if (!Hears(*block_, sequence) || TakeExpired(*block_, sequence)) {
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

void Group::BuryDead(int64_t now_us) {
  if (now_us < retry_us_) return;
  for (const GroupState::Dead& dead : state_.TakeDead()) {
    std::shared_ptr<const log::Block> block;
    if (!Have(dead.sequence, dead.sequence + 1, 1, &block)) {
      state_.Revive(dead);
      continue;
    }
    auto job = std::make_unique<Committer::Job>();
    v1::Message letter = ToDeadLetter(block->entry(dead.sequence),
                                      {name(), dead.sequence, dead.attempts, dead.reason, options_.clock->Now()},
                                      options_.dead_letters->name());
    job->publisher = std::move(*letter.mutable_publisher());
    letter.clear_publisher();
    job->storage = absl::StrCat(letter.event(), letter.SerializeAsString());
    Queue::Outgoing outgoing;
    outgoing.event = absl::string_view(job->storage).substr(0, letter.event().size());
    outgoing.body = absl::string_view(job->storage).substr(letter.event().size());
    if (const absl::string_view bytes = block->audience(dead.sequence); !bytes.empty()) {
      auto audience = std::make_shared<log::Audience>();
      // Whoever looks after dead letters has all the time there is.
      const bool readable = log::DecodeAudience(bytes, audience.get());
      audience->expire_us = 0;
      if (readable) outgoing.audience = std::move(audience);
    }
    job->bytes = job->storage.size();
    job->queues.push_back({options_.dead_letters, {std::move(outgoing)}, {}});
    // With the dead letter, so that a message cannot be a dead letter and be delivered again.
    job->along = [self = shared_from_this(), dead](log::Store::Batch* batch) {
      GroupState::Changes done;
      done.put.push_back({dead.sequence, true, dead.attempts});
      PutChanges(self->options_.queue->disk().number, self->name(), done, batch);
    };
    job->done = [self = shared_from_this(), dead](const absl::Status& status, Committer::Job*) {
      self->Post([self, dead, status](int64_t now) { self->Buried(dead, status, now); });
    };
    const absl::Status status = options_.committer->Submit(std::move(job));
    if (!status.ok()) Buried(dead, status, now_us);
  }
}

void Group::Buried(const GroupState::Dead& dead, const absl::Status& status, int64_t now_us) {
  if (status.ok()) {
    state_.Buried(dead.sequence);
    // What was written with the dead letter, and is written anew if it is still needed.
    GroupState::Changes written;
    written.erase.push_back(dead.sequence);
    PutChanges(options_.queue->disk().number, name(), written, &batch_);
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

void Group::Save(int64_t now_us) {
  const GroupState::Changes changes = state_.TakeChanges();
  const QueueOnDisk& disk = options_.queue->disk();
  if (!changes.empty()) PutChanges(disk.number, name(), changes, &batch_);
  if (batch_.empty()) return;
  const bool failed = !saved_.ok();
  saved_ = disk.store->Write(&batch_, log::Store::Sync::kNo);
  if (saved_.ok()) {
    more_ = more_ || failed;
    batch_.Clear();
  } else {
    retry_us_ = now_us + kRetryUs;
  }
}

void Group::SendOut() {
  for (auto& [id, member] : members_) {
    if (member.staged.empty() && gaps_.empty()) continue;
    const auto subscription = member.subscription.lock();
    if (subscription == nullptr) continue;
    uint64_t bytes = 0;
    for (const log::ByteRange& range : member.staged) bytes += range.length;
    if (!member.staged.empty()) options_.queue->counters().Delivered(member.staged.size(), bytes);
    member.mailbox->Put(std::move(member.staged), gaps_);
    member.staged.clear();
    subscription->lane()->PostSubscription(subscription);
    subscription->lane()->Wake();
  }
  gaps_.clear();
}

void Group::Report() {
  Status status;
  status.members = state_.members();
  status.floor = state_.floor();
  status.delivered = state_.delivered();
  status.pending = state_.pending();
  status.waiting = state_.waiting();
  status.done = state_.done_count();
  status.redelivered = state_.redelivered_count();
  status.dead = state_.dead_count();
  status.lost = lost_;
  status.paused = paused_;
  MutexLock lock(&mu_);
  status_ = status;
}

std::optional<int64_t> Group::Turn() {
  posted_.store(false);
  more_ = false;
  const int64_t now_us = absl::ToInt64Microseconds(options_.clock->Monotonic());
  const log::Store::Extent held = options_.queue->Held();
  DoCommands(now_us);
  if (retired_) {
    Report();
    answers_.clear();
    return std::nullopt;
  }
  GiveUp(held.first);
  state_.Expire(now_us);
  // While it cannot be noted what becomes of messages, none are given out.
  if (saved_.ok() && now_us >= retry_us_ && !paused_) {
    Redeliver(now_us);
    OfferNew(held.end, now_us);
  }
  Save(now_us);
  BuryDead(now_us);
  SendOut();
  Report();
  for (const auto& answer : answers_) {
    if (!saved_.ok()) answer->status = saved_;
  }
  answers_.clear();
  std::optional<int64_t> next = more_ ? now_us : state_.NextTime();
  // What waits stays where it is; only deadlines pass.
  if (paused_ && next.has_value()) next = std::max(*next, now_us + kRetryUs);
  if (retry_us_ > now_us) next = retry_us_;
  return next;
}

void Group::Describe(v1::GroupInfo* info) const {
  info->set_namespace_(options_.name_space);
  info->set_queue(options_.queue->name());
  *info->mutable_options() = options_.group.options();
  *info->mutable_events() = options_.group.events();
  const log::Store::Extent held = options_.queue->Held();
  MutexLock lock(&mu_);
  info->set_members(status_.members);
  info->set_lag_messages(held.end - 1 - std::min(held.end - 1, std::max(status_.delivered, held.first - 1)));
  info->set_pending_messages(status_.pending);
  info->set_waiting_messages(status_.waiting);
  info->set_floor_sequence(status_.floor);
  info->set_delivered_sequence(status_.delivered);
  info->set_done_messages(status_.done);
  info->set_redelivered_messages(status_.redelivered);
  info->set_dead_messages(status_.dead);
  info->set_lost_messages(status_.lost);
  info->set_paused(status_.paused);
}

}  // namespace nmq::broker
