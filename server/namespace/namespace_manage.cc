// How the queues and groups of a namespace are made, changed and deleted.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/await.h"
#include "base/errors.h"
#include "glog/logging.h"
#include "server/log/extent.h"
#include "server/namespace/namespace.h"

namespace nmq::broker {
absl::Status Namespace::CheckNotDeclared(const Queue& queue) const {
  if (queue.origin() != QueueOrigin::kDeclared) return absl::OkStatus();
  return FailedPrecondition(
      "DECLARED",
      absl::StrCat("queue ", Quote(queue.name()), " of namespace ", Quote(name_),
                   " is declared in the configuration file; change it there, and start the server anew"),
      {{"queue", queue.name()}, {"namespace", name_}});
}

void Namespace::AddQueueLocked(const std::shared_ptr<Queue>& queue) {
  queues_.Add(queue);
  for (const auto& [id, subscription] : subscriptions_) {
    if (subscription->member_of_group()) continue;
    const std::vector<uint64_t> targets = TargetsOf(*roster_.Find(subscription->client().id()));
    Attach(subscription, queue, subscription->start_of_later_queues(), targets, /*ready=*/nullptr);
  }
}

void Namespace::LoadQueueLocked(const QueueConfig& config, QueueOrigin origin) {
  std::optional<QueueOnDisk> disk;
  if (config.durability != v1::DURABILITY_LIVE) {
    auto opened = storage_->Opened(name_, config.name);
    if (!opened.ok()) {
      LOG(ERROR) << "queue " << name_ << "/" << config.name << " is not served: " << opened.status();
      return;
    }
    disk = *std::move(opened);
  }
  AddQueueLocked(queue_factory_.Make(config, origin, disk));
}

void Namespace::LoadLocked(const std::vector<QueueConfig>& queues) {
  for (const QueueConfig& queue : queues) LoadQueueLocked(queue, QueueOrigin::kDeclared);
  if (storage_ == nullptr) return;
  for (const QueueConfig& queue : storage_->MadeQueues(name_)) {
    if (!queues_.Contains(queue.name)) LoadQueueLocked(queue, QueueOrigin::kAdmin);
  }
  for (const std::string& name : storage_->UnopenedDeadLetterQueues(name_)) {
    const auto opened = storage_->OpenDeadLetterQueue(name_, name);
    if (opened.ok()) {
      AddQueueLocked(queue_factory_.Make(queue_factory_.DeadLetters(name), QueueOrigin::kAutomatic, *opened));
    } else {
      LOG(ERROR) << "cannot open the queue of dead letters " << name_ << "/" << name << ": " << opened.status();
    }
  }
  LoadGroupsLocked();
}

void Namespace::LoadGroupsLocked() {
  const auto find = [this](const std::string& name) ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    const std::shared_ptr<Queue>* const found = queues_.Find(name);
    return found == nullptr ? nullptr : *found;
  };
  for (const std::shared_ptr<Queue>& queue : queues_.Served()) {
    if (!queue->durable()) continue;
    for (std::shared_ptr<Group>& group : group_factory_.Load(queue, find)) groups_.Add(std::move(group));
  }
}

absl::StatusOr<std::shared_ptr<Queue>> Namespace::FindQueue(const std::string& queue) const {
  ReaderMutexLock lock(&mu_);
  return queues_.Get(queue);
}

absl::StatusOr<std::shared_ptr<Queue>> Namespace::AddMadeQueue(const std::shared_ptr<Queue>& queue) {
  absl::StatusOr<std::shared_ptr<Queue>> added;
  {
    MutexLock lock(&mu_);
    added = queues_.Get(queue->name());
    if (!added.ok() && queues_.CheckRoom(1).ok()) {
      AddQueueLocked(queue);
      added = queue;
    } else if (!added.ok()) {
      added = queues_.CheckRoom(1);
    }
  }
  // What was read from disk for it is not to count.
  if (!added.ok() || *added != queue) queue->schedule().Close();
  WakeLanes();
  changes_->Notify();
  return added;
}

absl::Status Namespace::CheckNewQueue(const QueueConfig& config) const {
  if (storage_ == nullptr && config.durability != v1::DURABILITY_LIVE) {
    return FailedPrecondition("NO_DATA_DIRECTORY",
                              absl::StrCat("durability: queue ", Quote(config.name),
                                           " needs a disk, and the server has no data directory; start it with "
                                           "--data_dir"),
                              {{"queue", config.name}, {"namespace", name_}});
  }
  ReaderMutexLock lock(&mu_);
  if (deleted()) return DeletedStatus();
  if (queues_.Contains(config.name)) {
    return AlreadyExists("QUEUE_EXISTS",
                         absl::StrCat("name: namespace ", Quote(name_), " has a queue ", Quote(config.name)),
                         {{"queue", config.name}, {"namespace", name_}});
  }
  return queues_.CheckRoom(1);
}

absl::StatusOr<std::shared_ptr<Queue>> Namespace::CreateQueue(const QueueConfig& config) {
  MutexLock changing(&changing_mu_);
  absl::Status status = CheckNewQueue(config);
  if (!status.ok()) return status;
  absl::StatusOr<std::optional<QueueOnDisk>> disk = std::nullopt;
  if (storage_ != nullptr) disk = storage_->MakeQueue(name_, config);
  if (!disk.ok()) return disk.status();
  // If somebody has published to it meanwhile, it is what was made here from the next start on.
  return AddMadeQueue(queue_factory_.Make(config, QueueOrigin::kAdmin, *disk));
}

absl::StatusOr<std::shared_ptr<Queue>> Namespace::ChangeQueue(const QueueConfig& config) {
  MutexLock changing(&changing_mu_);
  auto queue = FindQueue(config.name);
  if (!queue.ok()) return queue.status();
  absl::Status status = CheckNotDeclared(**queue);
  if (status.ok() && storage_ != nullptr) status = storage_->ChangeQueue(name_, config);
  if (!status.ok()) return status;
  (*queue)->Change(config.events, config.retention);
  return queue;
}

uint64_t Namespace::RemoveQueue(const std::shared_ptr<Queue>& queue) {
  std::vector<std::shared_ptr<Group>> groups;
  {
    MutexLock lock(&mu_);
    queues_.Remove(queue->name());
    queue->StopTaking();
    groups = groups_.TakeOf(queue->name());
  }
  for (const auto& group : groups)
    Await<absl::Status>([&](Group::ChangeDone done) { group->Retire(std::move(done)); }).IgnoreError();
  // What a live queue is to take together with one on disk is in it first, and goes with it. One on disk is closed at
  // once: what is still written for it is refused, or goes with its messages on disk.
  if (!queue->durable() && committer_ != nullptr) committer_->Flush();
  const uint64_t messages = queue->Close();
  queue->schedule().Close();
  WakeLanes();
  changes_->Notify();
  return messages;
}

absl::StatusOr<uint64_t> Namespace::DeleteQueue(const std::string& name, const QueueGate& told) {
  MutexLock changing(&changing_mu_);
  auto queue = FindQueue(name);
  if (!queue.ok()) return queue.status();
  absl::Status status = CheckNotDeclared(**queue);
  if (!status.ok()) return status;
  {
    ReaderMutexLock lock(&mu_);
    status = groups_.CheckNoDeadLetters(name, told.get());
    if (!status.ok()) return status;
  }
  const uint64_t messages = RemoveQueue(*queue);
  if (storage_ == nullptr) return messages;
  // Nobody writes to it any more, and nobody reads it.
  committer_->Flush();
  storage_->log().Flush();
  status = storage_->DeleteQueue(name_, name);
  if (!status.ok() && !absl::IsNotFound(status)) return status;
  return messages;
}

absl::StatusOr<uint64_t> Namespace::PurgeQueue(const std::string& name, uint64_t last) {
  auto queue = FindQueue(name);
  if (!queue.ok()) return queue.status();
  auto messages = (*queue)->Purge(last);
  if (messages.ok()) (*queue)->WakeFollowers();
  return messages;
}

absl::StatusOr<uint64_t> Namespace::FindGroupStart(const Queue& queue, const Start& start) {
  absl::Status status = queue.CheckStart(start);
  if (!status.ok()) return status;
  const log::Extent held = queue.Held();
  switch (start.kind) {
    case Start::Kind::kNew:
      return held.end;
    case Start::Kind::kEarliest:
      return held.first;
    case Start::Kind::kSequence:
      return std::max(start.number, held.first);
    case Start::Kind::kTime:
      return Await<absl::StatusOr<uint64_t>>(
          [&](FoundSequence done) { queue.FindStart(start, EventFilter(), SearchFor(), std::move(done)); });
    case Start::Kind::kLast:
    case Start::Kind::kResume:
      break;
  }
  return InvalidArgument("start", "a new group starts with new messages, the earliest, a sequence or a time");
}

absl::StatusOr<std::shared_ptr<Queue>> Namespace::FindOrMakeDeadLetters(const std::string& name) {
  absl::StatusOr<std::shared_ptr<Queue>> queue;
  {
    ReaderMutexLock lock(&mu_);
    queue = queues_.Get(name);
    absl::Status status = queue.ok() ? absl::OkStatus() : queues_.CheckRoom(1);
    if (!status.ok()) return WithContext(status, "group.dead_letter_queue");
  }
  if (!queue.ok()) {
    auto opened = storage_->OpenDeadLetterQueue(name_, name);
    if (!opened.ok()) return WithContext(opened.status(), "group.dead_letter_queue");
    queue = AddMadeQueue(queue_factory_.Make(queue_factory_.DeadLetters(name), QueueOrigin::kAutomatic, *opened));
    if (!queue.ok()) return WithContext(queue.status(), "group.dead_letter_queue");
  }
  if ((*queue)->durable()) return queue;
  return FailedPrecondition(
      "GROUP_NEEDS_DISK", absl::StrCat("group.dead_letter_queue: queue ", Quote(name), " is live"), {{"queue", name}});
}

void Namespace::AppendGroupChange(v1::ChangeKind kind, const std::string& queue, const std::string& group) {
  v1::Change change = NewChange(kind, name_);
  change.set_queue(queue);
  change.set_group(group);
  changes_->Append(std::move(change));
}

absl::StatusOr<std::shared_ptr<Queue>> Namespace::QueueForGroup(const GroupWish& wish) const {
  ReaderMutexLock lock(&mu_);
  auto queue = queues_.Get(wish.queue);
  if (!queue.ok()) return queue.status();
  if (!(*queue)->durable()) {
    return FailedPrecondition("GROUP_NEEDS_DISK",
                              absl::StrCat("group: queue ", Quote(wish.queue),
                                           " is live; groups need a durable or buffered queue: declare another in the "
                                           "configuration, or make one with Admin.CreateQueue"),
                              {{"queue", wish.queue}});
  }
  absl::Status status = groups_.CheckRoom(wish.queue);
  if (status.ok()) status = groups_.CheckNoCycle(wish.queue, wish.group.options().dead_letter_queue(), wish.told.get());
  if (!status.ok()) return status;
  return queue;
}

absl::StatusOr<std::shared_ptr<Group>> Namespace::FindSameGroup(const GroupWish& wish) const {
  ReaderMutexLock lock(&mu_);
  std::shared_ptr<Group> group = groups_.Find(wish.queue, wish.set.name());
  absl::Status status = group == nullptr ? absl::OkStatus() : CheckSameGroup(wish, group->group());
  if (!status.ok()) return status;
  return group;
}

absl::StatusOr<std::shared_ptr<Group>> Namespace::MakeGroup(const GroupWish& wish, const Start& start_wanted) {
  auto queue = QueueForGroup(wish);
  if (!queue.ok()) return queue.status();
  auto start = FindGroupStart(**queue, start_wanted);
  if (!start.ok()) return start.status();
  auto dead_letters = FindOrMakeDeadLetters(wish.group.options().dead_letter_queue());
  if (!dead_letters.ok()) return dead_letters.status();
  auto group = group_factory_.Make(*queue, *dead_letters, wish.group, *start);
  if (!group.ok()) return group.status();
  {
    MutexLock lock(&mu_);
    groups_.Add(*group);
    AppendGroupChange(v1::CHANGE_KIND_GROUP_CREATED, wish.queue, wish.set.name());
  }
  changes_->Notify();
  return group;
}

absl::StatusOr<std::shared_ptr<Group>> Namespace::FindOrMakeGroup(const GroupWish& wish, const Start& start) {
  auto found = FindSameGroup(wish);
  if (!found.ok() || *found != nullptr) return found;
  MutexLock changing(&changing_mu_);
  // It may have been made meanwhile.
  found = FindSameGroup(wish);
  if (!found.ok() || *found != nullptr) return found;
  return MakeGroup(wish, start);
}

absl::StatusOr<std::shared_ptr<Group>> Namespace::FindGroup(const std::string& queue, const std::string& group) const {
  ReaderMutexLock lock(&mu_);
  if (!queues_.Contains(queue)) return queues_.NoQueue(queue);
  return groups_.Get(queue, group);
}

absl::StatusOr<std::shared_ptr<Group>> Namespace::CreateGroup(const GroupWish& wish, const Start& start) {
  MutexLock changing(&changing_mu_);
  if (FindGroup(wish.queue, wish.set.name()).ok()) {
    return AlreadyExists(
        "GROUP_EXISTS",
        absl::StrCat("options.name: queue ", Quote(wish.queue), " has a group ", Quote(wish.set.name())),
        {{"queue", wish.queue}, {"group", wish.set.name()}});
  }
  return MakeGroup(wish, start);
}

absl::Status Namespace::DeleteGroup(const std::string& queue, const std::string& name) {
  MutexLock changing(&changing_mu_);
  auto group = FindGroup(queue, name);
  if (!group.ok()) return group.status();
  absl::Status status = Await<absl::Status>([&](Group::ChangeDone done) { (*group)->Retire(std::move(done)); });
  if (!status.ok()) return status;
  // Dead letters that are on their way are written before what is deleted here.
  committer_->Flush();
  auto of = FindQueue(queue);
  if (!of.ok()) return of.status();
  (*of)->RemoveFollower(group->get());
  status = group_factory_.Delete(**of, name);
  {
    MutexLock lock(&mu_);
    groups_.Remove(queue, name);
    AppendGroupChange(v1::CHANGE_KIND_GROUP_DELETED, queue, name);
  }
  changes_->Notify();
  return status;
}

absl::StatusOr<std::shared_ptr<Group>> Namespace::SeekGroup(const std::string& queue, const std::string& name,
                                                            Start start) {
  auto group = FindGroup(queue, name);
  if (!group.ok()) return group.status();
  auto of = FindQueue(queue);
  if (!of.ok()) return of.status();
  auto sequence = FindGroupStart(**of, start);
  if (!sequence.ok()) return sequence.status();
  absl::Status status =
      Await<absl::Status>([&](Group::ChangeDone done) { (*group)->Seek(*sequence, std::move(done)); });
  if (!status.ok()) return status;
  return group;
}

absl::StatusOr<std::shared_ptr<Group>> Namespace::PauseGroup(const std::string& queue, const std::string& name,
                                                             bool paused) {
  auto group = FindGroup(queue, name);
  if (!group.ok()) return group.status();
  absl::Status status =
      Await<absl::Status>([&](Group::ChangeDone done) { (*group)->SetPaused(paused, std::move(done)); });
  if (!status.ok()) return status;
  return group;
}

absl::Status Namespace::Delete() {
  MutexLock changing(&changing_mu_);
  std::vector<std::shared_ptr<Queue>> queues;
  {
    MutexLock lock(&mu_);
    deleted_.store(true, std::memory_order_release);
    queues = queues_.Served();
    changes_->Append(NewChange(v1::CHANGE_KIND_NAMESPACE_DELETED, name_));
  }
  for (const auto& queue : queues) RemoveQueue(queue);
  if (storage_ == nullptr) return absl::OkStatus();
  committer_->Flush();
  storage_->log().Flush();
  return storage_->DeleteNamespace(name_);
}

void Namespace::Undelete(const NamespaceConfig& config) {
  MutexLock changing(&changing_mu_);
  MutexLock lock(&mu_);
  set_automatic_queues(config.automatic_queues);
  deleted_.store(false, std::memory_order_release);
}

}  // namespace nmq::broker
