// What Admin changes of a namespace.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/errors.h"
#include "server/group/group_store.h"
#include "server/namespace/namespace.h"

namespace nmq::broker {
namespace {

// Waits for a change of a group, which its runner makes.
absl::Status Await(absl::FunctionRef<void(Group::ChangeDone)> change) {
  absl::Notification done;
  absl::Status result;
  change([&](const absl::Status& status) {
    result = status;
    done.Notify();
  });
  done.WaitForNotification();
  return result;
}

}  // namespace

absl::Status Namespace::DeletedStatus() const {
  return NotFound("NAMESPACE_NOT_FOUND", absl::StrCat("namespace: namespace ", Quote(name_), " was deleted"),
                  {{"namespace", name_}});
}

absl::Status Namespace::Declared(const Queue& queue) const {
  if (queue.origin() != QueueOrigin::kDeclared) return absl::OkStatus();
  return FailedPrecondition("DECLARED",
                            absl::StrCat("queue ", Quote(queue.name()), " of namespace ", Quote(name_),
                                         " is declared in the configuration file; change it there"),
                            {{"queue", queue.name()}, {"namespace", name_}});
}

absl::StatusOr<std::shared_ptr<Queue>> Namespace::FindQueue(const std::string& queue) const {
  ReaderMutexLock lock(&mu_);
  const auto found = queues_.find(queue);
  if (found == queues_.end()) return NoQueue(queue);
  return found->second;
}

absl::StatusOr<std::shared_ptr<Queue>> Namespace::CreateQueue(const QueueConfig& config) {
  {
    ReaderMutexLock lock(&mu_);
    if (deleted()) return DeletedStatus();
    if (queues_.contains(config.name)) {
      return AlreadyExists("QUEUE_EXISTS",
                           absl::StrCat("name: namespace ", Quote(name_), " has a queue ", Quote(config.name)),
                           {{"queue", config.name}, {"namespace", name_}});
    }
    if (queues_.size() >= limits().queues_per_namespace) {
      return LimitExceeded("queues_per_namespace", queues_.size() + 1, limits().queues_per_namespace);
    }
  }
  if (shared_->storage != nullptr) {
    absl::Status status = shared_->storage->MakeQueue(name_, config);
    if (!status.ok()) return status;
  } else if (config.durability != v1::DURABILITY_LIVE) {
    return FailedPrecondition("NO_DATA_DIRECTORY",
                              absl::StrCat("durability: queue ", Quote(config.name),
                                           " needs a disk, and the server has no data directory; start it with "
                                           "--data_dir"),
                              {{"queue", config.name}, {"namespace", name_}});
  }
  std::shared_ptr<Queue> queue;
  {
    MutexLock lock(&mu_);
    // Somebody may have published to it meanwhile: then it is what was made here from the next start on.
    if (!queues_.contains(config.name)) AddQueueLocked(config, QueueOrigin::kAdmin);
    queue = queues_.find(config.name)->second;
  }
  for (const auto& lane : shared_->lanes) lane->Wake();
  shared_->changes.Notify();
  return queue;
}

absl::StatusOr<std::shared_ptr<Queue>> Namespace::ChangeQueue(const QueueConfig& config) {
  auto queue = FindQueue(config.name);
  if (!queue.ok()) return queue.status();
  absl::Status status = Declared(**queue);
  if (status.ok() && shared_->storage != nullptr) status = shared_->storage->ChangeQueue(name_, config);
  if (!status.ok()) return status;
  (*queue)->Change(config.events, config.retention);
  return queue;
}

absl::Status Namespace::CheckNotInUseLocked(const Queue& queue) const {
  for (const auto& [path, group] : groups_) {
    if (group->group().options().dead_letter_queue() != queue.name() || group->queue_name() == queue.name()) continue;
    return FailedPrecondition(
        "QUEUE_IN_USE",
        absl::StrCat("name: queue ", Quote(queue.name()), " holds the dead letters of group ", Quote(group->name()),
                     " of queue ", Quote(group->queue_name()), "; delete the group first"),
        {{"queue", queue.name()}, {"group", group->name()}});
  }
  return absl::OkStatus();
}

uint64_t Namespace::RemoveQueue(const std::shared_ptr<Queue>& queue) {
  std::vector<std::shared_ptr<Group>> groups;
  {
    MutexLock lock(&mu_);
    queues_.erase(queue->name());
    for (auto it = groups_.begin(); it != groups_.end();) {
      if (it->second->queue_name() != queue->name()) {
        ++it;
        continue;
      }
      groups.push_back(std::move(it->second));
      it = groups_.erase(it);
    }
    v1::Change change = MakeChange(v1::CHANGE_KIND_QUEUE_DELETED, nullptr);
    change.set_queue(queue->name());
    shared_->changes.Append(std::move(change));
  }
  for (const auto& group : groups) Await([&](Group::ChangeDone done) { group->Retire(std::move(done)); }).IgnoreError();
  const uint64_t messages = queue->Close();
  for (const Schedule::Item& item : queue->schedule().TakeDue(INT64_MAX, SIZE_MAX)) queue->schedule().Done(item);
  for (const auto& lane : shared_->lanes) lane->Wake();
  shared_->changes.Notify();
  return messages;
}

absl::StatusOr<uint64_t> Namespace::DeleteQueue(const std::string& name) {
  auto queue = FindQueue(name);
  if (!queue.ok()) return queue.status();
  absl::Status status = Declared(**queue);
  if (!status.ok()) return status;
  {
    ReaderMutexLock lock(&mu_);
    status = CheckNotInUseLocked(**queue);
    if (!status.ok()) return status;
  }
  const uint64_t messages = RemoveQueue(*queue);
  if (shared_->storage == nullptr) return messages;
  // Nobody writes to it any more, and nobody reads it.
  shared_->committer->Flush();
  shared_->storage->FlushReader();
  status = shared_->storage->DeleteQueue(name_, name);
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

absl::StatusOr<std::shared_ptr<Group>> Namespace::CreateGroup(const GroupWish& wish, const Start& start) {
  if (FindGroup(wish.queue, wish.set.name()).ok()) {
    return AlreadyExists(
        "GROUP_EXISTS",
        absl::StrCat("options.name: queue ", Quote(wish.queue), " has a group ", Quote(wish.set.name())),
        {{"queue", wish.queue}, {"group", wish.set.name()}});
  }
  auto group = FindOrMakeGroup(wish, start);
  shared_->changes.Notify();
  return group;
}

absl::Status Namespace::DeleteGroup(const std::string& queue, const std::string& name) {
  auto group = FindGroup(queue, name);
  if (!group.ok()) return group.status();
  absl::Status status = Await([&](Group::ChangeDone done) { (*group)->Retire(std::move(done)); });
  if (!status.ok()) return status;
  // Dead letters that are on their way are written before what is deleted here.
  shared_->committer->Flush();
  auto of = FindQueue(queue);
  if (!of.ok()) return of.status();
  log::Store::Batch batch;
  broker::DeleteGroup((*of)->disk().number, name, &batch);
  status = shared_->storage->store().Write(&batch, log::Store::Sync::kYes);
  {
    MutexLock lock(&mu_);
    groups_.erase(absl::StrCat(queue, "/", name));
    v1::Change change = MakeChange(v1::CHANGE_KIND_GROUP_DELETED, nullptr);
    change.set_queue(queue);
    change.set_group(name);
    shared_->changes.Append(std::move(change));
  }
  shared_->changes.Notify();
  return status;
}

absl::StatusOr<std::shared_ptr<Group>> Namespace::SeekGroup(const std::string& queue, const std::string& name,
                                                            Start start) {
  auto group = FindGroup(queue, name);
  if (!group.ok()) return group.status();
  auto of = FindQueue(queue);
  if (!of.ok()) return of.status();
  auto sequence = FindGroupStart(of->get(), std::move(start));
  if (!sequence.ok()) return sequence.status();
  absl::Status status = Await([&](Group::ChangeDone done) { (*group)->Seek(*sequence, std::move(done)); });
  if (!status.ok()) return status;
  return group;
}

absl::StatusOr<std::shared_ptr<Group>> Namespace::PauseGroup(const std::string& queue, const std::string& name,
                                                             bool paused) {
  auto group = FindGroup(queue, name);
  if (!group.ok()) return group.status();
  absl::Status status = Await([&](Group::ChangeDone done) { (*group)->SetPaused(paused, std::move(done)); });
  if (!status.ok()) return status;
  return group;
}

absl::Status Namespace::MoveClient(const std::string& id, absl::Span<const std::string* const> join,
                                   absl::Span<const std::string* const> leave) {
  {
    MutexLock lock(&mu_);
    const auto found = clients_.find(id);
    if (found == clients_.end()) return GoneStatus();
    absl::Status status = JoinCheckLocked(found->second, join);
    if (!status.ok()) return status;
    for (const std::string* room : leave) LeaveLocked(&found->second, *room);
    for (const std::string* room : join) JoinLocked(&found->second, *room);
  }
  shared_->changes.Notify();
  return absl::OkStatus();
}

absl::Status Namespace::Delete() {
  std::vector<std::shared_ptr<Queue>> queues;
  {
    MutexLock lock(&mu_);
    deleted_.store(true, std::memory_order_release);
    for (const auto& [name, queue] : queues_) queues.push_back(queue);
    shared_->changes.Append(MakeChange(v1::CHANGE_KIND_NAMESPACE_DELETED, nullptr));
  }
  for (const auto& queue : queues) RemoveQueue(queue);
  if (shared_->storage == nullptr) return absl::OkStatus();
  shared_->committer->Flush();
  shared_->storage->FlushReader();
  return shared_->storage->DeleteNamespace(name_);
}

void Namespace::Undelete(const NamespaceConfig& config) {
  MutexLock lock(&mu_);
  set_automatic_queues(config.automatic_queues);
  deleted_.store(false, std::memory_order_release);
}

}  // namespace nmq::broker
