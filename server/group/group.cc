#include "server/group/group.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "server/group/group_options.h"
#include "server/group/group_store.h"
#include "server/log/extent.h"
#include "server/log/log.h"
#include "server/queue/subscription.h"

namespace nmq::broker {
namespace {

// What is read at a time of new messages, and of those that are delivered again or become dead letters.
constexpr uint64_t kBlockBytes = 256 << 10;
constexpr uint64_t kAgainBytes = 16 << 10;

}  // namespace

Group::Group(Options options, const GroupState::Saved& saved)
    : options_(std::move(options)),
      filter_(options_.group, options_.rooms),
      state_(PolicyOf(options_.group.options()), saved, {options_.group.last_stint(), options_.last_stint}),
      new_(options_.queue, kBlockBytes),
      again_(options_.queue, kAgainBytes),
      dead_(options_.queue, kAgainBytes),
      batch_(std::make_shared<log::Batch>()),
      kept_(options_.group),
      paused_(options_.group.paused()) {
  Report();
}

void Group::Wake() {
  if (!posted_.exchange(true)) options_.runner->Post(shared_from_this());
}

void Group::Post(std::function<void(int64_t)> command) {
  {
    MutexLock lock(&mu_);
    inbox_.push_back({std::move(command)});
  }
  Wake();
}

void Group::PostResult(std::function<void(int64_t)> result) {
  {
    MutexLock lock(&mu_);
    results_.push_back(std::move(result));
  }
  Wake();
}

void Group::AddMember(uint64_t member, const std::shared_ptr<Subscription>& subscription,
                      std::shared_ptr<Mailbox> mailbox, uint64_t credit_messages, uint64_t credit_bytes) {
  Post([this, member, client = subscription->client().id(), weak = std::weak_ptr<Subscription>(subscription),
        mailbox = std::move(mailbox), credit_messages, credit_bytes](int64_t) {
    if (retired_) {
      if (const auto ended = weak.lock()) ended->End(DeletedStatus());
      return;
    }
    members_[member] = {client, weak, mailbox, {}};
    members_of_[client].insert(member);
    state_.AddMember(member, credit_messages, credit_bytes);
    if (!std::exchange(told_loss_, true)) TellLoss();
  });
}

void Group::RemoveMember(uint64_t member) {
  Post([this, member](int64_t now_us) {
    const auto left = members_.extract(member);
    if (left.empty()) return;
    const auto of_client = members_of_.find(left.mapped().client);
    of_client->second.erase(member);
    if (of_client->second.empty()) members_of_.erase(of_client);
    TakeBackUnsent(left.mapped());
    state_.RemoveMember(member, now_us);
  });
}

void Group::TakeBackUnsent(const Member& member) {
  for (const StampedDelivery& unsent : member.outbox.Unsent()) state_.Return(unsent.sequence, unsent.delivery);
  for (const log::ByteRange& entry : member.mailbox->TakeBack()) {
    const StampedDelivery unsent = DeliveryOf({entry.data(), entry.length});
    state_.Return(unsent.sequence, unsent.delivery);
  }
}

void Group::DoCommands(int64_t now_us) {
  std::vector<std::function<void(int64_t)>> results;
  {
    MutexLock lock(&mu_);
    results.swap(results_);
  }
  for (const auto& result : results) result(now_us);
  std::deque<Command> commands;
  if (!changing_) {
    MutexLock lock(&mu_);
    commands.swap(inbox_);
    waiting_acknowledgements_ = 0;
  }
  for (; !commands.empty() && !changing_; commands.pop_front()) commands.front().run(now_us);
  if (commands.empty()) return;
  // They were said after a change that has begun.
  MutexLock lock(&mu_);
  for (; !commands.empty(); commands.pop_back()) {
    waiting_acknowledgements_ += commands.back().acknowledged;
    inbox_.push_front(std::move(commands.back()));
  }
}

bool Group::BeginSave(int64_t now_us) {
  // An acknowledgement has it tried at once: its answer says whether it went well.
  if (!saved_.ok() && now_us < retry_us_ && answers_.empty()) return false;
  const GroupState::Changes changes = state_.TakeChanges();
  const QueueOnDisk& disk = options_.queue->disk();
  if (!changes.empty()) PutChanges(disk.number, name(), changes, batch_.get());
  if (batch_->empty()) return false;
  saving_.emplace(options_.runner->errands()->Begin());
  disk.log->Write(batch_, log::Sync::kNo, log::Log::Caller::kGoesOn,
                  [weak = weak_from_this()](const absl::Status& status) {
                    if (const auto self = weak.lock()) self->Answered(status);
                  });
  return true;
}

void Group::Answered(const absl::Status& status) {
  {
    MutexLock lock(&mu_);
    written_ = status;
  }
  Wake();
}

bool Group::EndSave(int64_t now_us) {
  {
    MutexLock lock(&mu_);
    if (!written_.has_value()) return false;
    saved_ = *std::exchange(written_, std::nullopt);
  }
  saving_.reset();
  if (saved_.ok()) {
    batch_->Clear();
  } else {
    retry_us_ = now_us + kRetryUs;
  }
  Conclude(now_us);
  if (const auto change = std::exchange(after_save_, nullptr)) change();
  return true;
}

void Group::Conclude(int64_t now_us) {
  if (!retired_ && !changing_) {
    BuryDead(now_us);
    SendOut();
  }
  // What was given out is not read again.
  new_.Drop(state_.next());
  again_.Drop(state_.floor() + 1);
  Report();
  ReleaseAnswers();
}

void Group::ReleaseAnswers() {
  for (const auto& answer : answers_) {
    if (!saved_.ok()) answer->status = saved_;
  }
  answers_.clear();
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

std::optional<int64_t> Group::NextTurn(int64_t now_us) const {
  std::optional<int64_t> next = more_ ? now_us : state_.NextTime();
  // What waits stays where it is; only deadlines pass.
  if (paused_ && next.has_value()) next = std::max(*next, now_us + kRetryUs);
  if (retry_us_ > now_us) next = retry_us_;
  return next;
}

std::optional<int64_t> Group::Turn() {
  posted_.store(false);
  const int64_t now_us = absl::ToInt64Microseconds(options_.clock->Monotonic());
  // The turn in which the save began goes on, if the log has answered, and the next one follows.
  if (saving_.has_value() && !EndSave(now_us)) return std::nullopt;
  more_ = false;
  const log::Extent held = options_.queue->Held();
  DoCommands(now_us);
  if (saving_.has_value()) return std::nullopt;  // before a change
  if (retired_ || changing_) {
    Conclude(now_us);
    return std::nullopt;
  }
  GiveUp(held.first);
  state_.Expire(now_us);
  // While it cannot be noted what becomes of messages, none are given out.
  if (saved_.ok() && now_us >= retry_us_ && !paused_) {
    Redeliver(now_us);
    OfferNew(held.end, now_us);
  }
  if (BeginSave(now_us)) return std::nullopt;
  Conclude(now_us);
  return NextTurn(now_us);
}

void Group::Describe(v1::GroupInfo* info) const {
  info->set_namespace_(options_.name_space);
  info->set_queue(options_.queue->name());
  *info->mutable_options() = options_.group.options();
  *info->mutable_events() = options_.group.events();
  const log::Extent held = options_.queue->Held();
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
