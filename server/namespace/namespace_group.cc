// How the groups of a namespace are found, made and loaded.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "glog/logging.h"
#include "server/group/group_store.h"
#include "server/namespace/namespace.h"

namespace nmq::broker {
namespace {

std::string PathOf(absl::string_view queue, absl::string_view group) { return absl::StrCat(queue, "/", group); }

}  // namespace

void Namespace::AddGroupLocked(const std::shared_ptr<Queue>& queue, const std::shared_ptr<Queue>& dead_letters,
                               const storage::v1::Group& group, const GroupState::Saved& saved) {
  Group::Options options;
  options.name_space = name_;
  options.queue = queue;
  options.dead_letters = dead_letters;
  options.group = group;
  for (const std::string& room : group.options().rooms()) options.rooms.insert(shared_->NumberOfRoom(room));
  options.clock = shared_->clock;
  options.runner = shared_->group_runner.get();
  options.committer = shared_->committer.get();
  auto made = std::make_shared<Group>(std::move(options), saved);
  queue->AddFollower(made);
  groups_[PathOf(queue->name(), made->name())] = std::move(made);
}

void Namespace::LoadGroupsLocked() {
  for (const std::string& name : shared_->storage->UnopenedDeadLetterQueues(name_)) {
    auto opened = shared_->storage->OpenDeadLetterQueue(name_, name);
    if (opened.ok()) {
      AddQueueLocked(DeadLetterConfig(name), QueueOrigin::kAutomatic);
    } else {
      LOG(ERROR) << "cannot open the queue of dead letters " << name_ << "/" << name << ": " << opened.status();
    }
  }
  for (const auto& [name, queue] : queues_) {
    if (!queue->durable()) continue;
    const auto stored = broker::LoadGroups(shared_->storage->store(), queue->disk().number);
    if (!stored.ok()) LOG(ERROR) << "groups of queue " << name_ << "/" << name << ": " << stored.status();
    if (!stored.ok()) continue;
    for (const StoredGroup& group : *stored) {
      const auto dead_letters = queues_.find(group.group.options().dead_letter_queue());
      if (dead_letters == queues_.end() || !dead_letters->second->durable()) {
        LOG(ERROR) << "group " << group.name << " of queue " << name_ << "/" << name << " is not served: its queue of "
                   << "dead letters, " << group.group.options().dead_letter_queue() << ", is not there or not durable";
        continue;
      }
      AddGroupLocked(queue, dead_letters->second, group.group, group.saved);
    }
  }
}

QueueConfig Namespace::DeadLetterConfig(const std::string& name) const {
  QueueConfig config;
  config.name = name;
  config.durability = v1::DURABILITY_DURABLE;
  config.retention = {limits().durable_bytes, limits().durable_messages, limits().durable_age};
  return config;
}

bool Namespace::HasGroup(const GroupWish& wish) const { return groups_.contains(PathOf(wish.queue, wish.set.name())); }

absl::StatusOr<std::shared_ptr<Queue>> Namespace::QueueOnDiskFor(const GroupWish& wish) const {
  ReaderMutexLock lock(&mu_);
  const auto queue = queues_.find(wish.queue);
  if (queue == queues_.end()) return NoQueue(wish.queue);
  if (!queue->second->durable()) {
    return FailedPrecondition("GROUP_NEEDS_DISK",
                              absl::StrCat("group: queue ", Quote(wish.queue),
                                           " is live; groups need a durable or buffered queue, declared so in the "
                                           "configuration"),
                              {{"queue", wish.queue}});
  }
  return queue->second;
}

absl::StatusOr<uint64_t> Namespace::FindGroupStart(Queue* queue, Start start) const {
  absl::Status status = queue->CheckStart(start);
  if (!status.ok()) return status;
  const log::Store::Extent held = queue->Held();
  switch (start.kind) {
    case Start::Kind::kNew:
      return held.end;
    case Start::Kind::kEarliest:
      return held.first;
    case Start::Kind::kSequence:
      return std::max(start.number, held.first);
    case Start::Kind::kTime:
      return queue->FindStart(start, EventFilter(), Memberships(0));
    case Start::Kind::kLast:
    case Start::Kind::kResume:
      break;
  }
  return InvalidArgument("start", "a new group starts with new messages, the earliest, a sequence or a time");
}

absl::Status Namespace::MakeDeadLetterQueue(const std::string& name) {
  auto opened = shared_->storage->OpenDeadLetterQueue(name_, name);
  if (!opened.ok()) return WithContext(opened.status(), "group.dead_letter_queue");
  {
    MutexLock lock(&mu_);
    if (queues_.contains(name)) return absl::OkStatus();
    if (queues_.size() >= limits().queues_per_namespace) {
      return LimitExceeded("queues_per_namespace", queues_.size() + 1, limits().queues_per_namespace,
                           "group.dead_letter_queue");
    }
    AddQueueLocked(DeadLetterConfig(name), QueueOrigin::kAutomatic);
  }
  shared_->changes.Notify();
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<Group>> Namespace::FindOrMakeGroup(const GroupWish& wish, const Start& start_wanted) {
  auto queue = QueueOnDiskFor(wish);
  if (!queue.ok()) return queue.status();
  const std::string& dead_letters = wish.group.options().dead_letter_queue();
  const std::string path = PathOf(wish.queue, wish.set.name());
  bool has_dead_letters = false;
  {
    ReaderMutexLock lock(&mu_);
    if (const auto found = groups_.find(path); found != groups_.end()) {
      absl::Status status = CheckSameGroup(wish, found->second->group());
      if (!status.ok()) return status;
      return found->second;
    }
    const auto found = queues_.find(dead_letters);
    has_dead_letters = found != queues_.end();
    if (has_dead_letters && !found->second->durable()) {
      return FailedPrecondition("GROUP_NEEDS_DISK",
                                absl::StrCat("group.dead_letter_queue: queue ", Quote(dead_letters), " is live"),
                                {{"queue", dead_letters}});
    }
  }
  auto start = FindGroupStart(queue->get(), start_wanted);
  if (!start.ok()) return start.status();
  if (!has_dead_letters) {
    absl::Status status = MakeDeadLetterQueue(dead_letters);
    if (!status.ok()) return status;
  }

  MutexLock lock(&mu_);
  if (const auto found = groups_.find(path); found != groups_.end()) return found->second;
  // Both may have been deleted meanwhile.
  if (const auto found = queues_.find(wish.queue); found == queues_.end() || found->second != *queue) {
    return NoQueue(wish.queue);
  }
  if (!queues_.contains(dead_letters)) return NoQueue(dead_letters);
  const auto first = groups_.lower_bound(PathOf(wish.queue, ""));
  uint64_t groups = 1;
  for (auto it = first; it != groups_.end() && it->second->queue_name() == wish.queue; ++it) ++groups;
  if (groups > limits().groups_per_queue) return LimitExceeded("groups_per_queue", groups, limits().groups_per_queue);
  GroupState::Saved saved;
  saved.floor = *start - 1;
  saved.delivered = *start - 1;
  log::Store::Batch batch;
  GroupState::Changes changes;
  changes.marks = true;
  changes.floor = saved.floor;
  changes.delivered = saved.delivered;
  PutGroup((*queue)->disk().number, wish.set.name(), wish.group, &batch);
  PutChanges((*queue)->disk().number, wish.set.name(), changes, &batch);
  absl::Status status = shared_->storage->store().Write(&batch, log::Store::Sync::kNo);
  if (!status.ok()) return WithContext(status, absl::StrCat("group ", Quote(wish.set.name())));
  AddGroupLocked(*queue, queues_.find(dead_letters)->second, wish.group, saved);
  v1::Change change = MakeChange(v1::CHANGE_KIND_GROUP_CREATED, nullptr);
  change.set_queue(wish.queue);
  change.set_group(wish.set.name());
  shared_->changes.Append(std::move(change));
  return groups_.find(path)->second;
}

absl::StatusOr<std::shared_ptr<Group>> Namespace::FindGroup(const std::string& queue, const std::string& group) const {
  ReaderMutexLock lock(&mu_);
  if (!queues_.contains(queue)) return NoQueue(queue);
  const auto found = groups_.find(PathOf(queue, group));
  if (found != groups_.end()) return found->second;
  return NotFound("GROUP_NOT_FOUND",
                  absl::StrCat("group: queue ", Quote(queue), " has no group ", Quote(group),
                               "; a subscription with this group makes it"),
                  {{"group", group}, {"queue", queue}});
}

}  // namespace nmq::broker
