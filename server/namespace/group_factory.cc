#include "server/namespace/group_factory.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "glog/logging.h"
#include "server/group/group_store.h"
#include "server/log/batch.h"
#include "server/log/log_wait.h"

namespace nmq::broker {

uint64_t GroupFactory::NowUs() const { return static_cast<uint64_t>(absl::ToUnixMicros(options_.clock->Now())); }

std::shared_ptr<Group> GroupFactory::Restore(const std::shared_ptr<Queue>& queue,
                                             const std::shared_ptr<Queue>& dead_letters,
                                             const storage::v1::Group& group, uint64_t last_stint,
                                             const GroupState::Saved& saved) const {
  Group::Options options;
  options.name_space = options_.name_space;
  options.queue = queue;
  options.dead_letters = dead_letters;
  options.group = group;
  for (const std::string& room : group.options().rooms()) options.rooms.insert(options_.numbers->OfRoom(room));
  options.limits = options_.limits;
  options.clock = options_.clock;
  options.runner = options_.runner;
  options.committer = options_.committer;
  options.last_stint = last_stint;
  auto restored = std::make_shared<Group>(std::move(options), saved);
  queue->AddFollower(restored);
  return restored;
}

absl::StatusOr<std::shared_ptr<Group>> GroupFactory::Make(const std::shared_ptr<Queue>& queue,
                                                          const std::shared_ptr<Queue>& dead_letters,
                                                          const storage::v1::Group& group, uint64_t start) const {
  const std::string& name = group.options().name();
  GroupState::Saved saved;
  saved.floor = saved.delivered = start - 1;
  GroupState::Changes changes;
  changes.marks = true;
  changes.floor = changes.delivered = start - 1;
  log::Batch batch;
  storage::v1::Group made = group;
  const uint64_t last_stint = ReserveStints(NowUs(), &made);
  made.set_last_stint(last_stint);
  PutGroup(queue->disk().number, name, made, &batch);
  PutChanges(queue->disk().number, name, changes, &batch);
  absl::Status status = log::WriteAndWait(options_.log, &batch, log::Sync::kNo);
  if (!status.ok()) return WithContext(status, absl::StrCat("group ", Quote(name)));
  return Restore(queue, dead_letters, made, last_stint, saved);
}

std::vector<std::shared_ptr<Group>> GroupFactory::Load(
    const std::shared_ptr<Queue>& queue,
    absl::FunctionRef<std::shared_ptr<Queue>(const std::string& name)> find) const {
  std::vector<std::shared_ptr<Group>> loaded;
  const auto stored = LoadGroups(options_.log, queue->disk().number, queue->Held().end);
  if (!stored.ok()) {
    LOG(ERROR) << "groups of queue " << options_.name_space << "/" << queue->name() << ": " << stored.status();
    return loaded;
  }
  log::Batch batch;
  for (const StoredGroup& group : *stored) {
    const std::string& name = group.group.options().dead_letter_queue();
    const std::shared_ptr<Queue> dead_letters = find(name);
    if (dead_letters == nullptr || !dead_letters->durable()) {
      LOG(ERROR) << "group " << group.name << " of queue " << options_.name_space << "/" << queue->name()
                 << " is not served: its queue of dead letters, " << name << ", is not there or not durable";
      continue;
    }
    storage::v1::Group reserved = group.group;
    const uint64_t last_stint = ReserveStints(NowUs(), &reserved);
    PutGroup(queue->disk().number, group.name, reserved, &batch);
    loaded.push_back(Restore(queue, dead_letters, reserved, last_stint, group.saved));
  }
  if (batch.empty()) return loaded;
  // The clock makes up for a failure, unless it is set back.
  if (const absl::Status status = log::WriteAndWait(options_.log, &batch, log::Sync::kNo); !status.ok()) {
    LOG(WARNING) << "groups of queue " << options_.name_space << "/" << queue->name() << ": " << status;
  }
  return loaded;
}

absl::Status GroupFactory::Delete(const Queue& queue, const std::string& name) const {
  log::Batch batch;
  DeleteGroup(queue.disk().number, name, &batch);
  return log::WriteAndWait(options_.log, &batch, log::Sync::kYes);
}

}  // namespace nmq::broker
