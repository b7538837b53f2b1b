#include "server/namespace/queue_table.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/visit_after.h"

namespace nmq::broker {

const std::shared_ptr<Queue>* QueueTable::Find(absl::string_view name) const {
  const auto found = queues_.find(name);
  return found == queues_.end() ? nullptr : &found->second;
}

absl::StatusOr<std::shared_ptr<Queue>> QueueTable::Get(absl::string_view name) const {
  const std::shared_ptr<Queue>* const found = Find(name);
  if (found == nullptr) return NoQueue(name);
  return *found;
}

std::vector<std::shared_ptr<Queue>> QueueTable::Served() const {
  std::vector<std::shared_ptr<Queue>> served;
  served.reserve(queues_.size());
  for (const auto& [name, queue] : queues_) served.push_back(queue);
  return served;
}

absl::Status QueueTable::CheckRoom(uint64_t more, absl::string_view context) const {
  const uint64_t count = queues_.size() + more;
  if (count <= limits_->queues_per_namespace) return absl::OkStatus();
  return LimitExceeded("queues_per_namespace", count, limits_->queues_per_namespace, context);
}

absl::Status QueueTable::NoQueue(absl::string_view name) const { return Missing(name, ""); }

absl::Status QueueTable::NoQueueMade(absl::string_view name) const {
  return Missing(name, ", and makes none by itself");
}

absl::Status QueueTable::Missing(absl::string_view name, absl::string_view why) const {
  return NotFound(
      "QUEUE_NOT_FOUND",
      absl::StrCat("namespace ", Quote(name_space_), " has no queue ", Quote(name), why,
                   "; declare it in the configuration, or make it with Admin.CreateQueue",
                   asks_callers_ ? ", unless it is one with which you may do nothing; Registry.Explain tells" : ""),
      {{"queue", name}, {"namespace", name_space_}});
}

void QueueTable::AppendChange(v1::ChangeKind kind, const std::string& queue) {
  v1::Change change = NewChange(kind, name_space_);
  change.set_queue(queue);
  changes_->Append(std::move(change));
}

void QueueTable::Add(std::shared_ptr<Queue> queue) {
  const std::string& name = queue->name();
  queues_.emplace(name, queue);
  AppendChange(v1::CHANGE_KIND_QUEUE_CREATED, name);
}

void QueueTable::Remove(const std::string& name) {
  AppendChange(v1::CHANGE_KIND_QUEUE_DELETED, name);
  queues_.erase(name);
}

std::string QueueTable::Visit(const std::string& after, int looks_max,
                              absl::FunctionRef<bool(const Queue&)> visit) const {
  return VisitMapAfter(queues_, after, looks_max, [&](const auto& item) { return visit(*item.second); });
}

}  // namespace nmq::broker
