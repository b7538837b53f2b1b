#ifndef NMQ_SERVER_NAMESPACE_QUEUE_TABLE_H_
#define NMQ_SERVER_NAMESPACE_QUEUE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/limits/limits.h"
#include "server/presence/changes.h"
#include "server/queue/queue.h"

namespace nmq::broker {

// Which queues a namespace has. Each change is appended to the changes; Notify is the caller's. Thread-compatible: the
// namespace's mutex guards it.
class QueueTable {
 public:
  // `limits` and `changes` must outlive the table. With `asks_callers`, the error about a queue that is not there says
  // what else may be, since it is told of queues that a caller may not see, too.
  QueueTable(std::string name_space, const Limits* limits, Changes* changes, bool asks_callers = false)
      : name_space_(std::move(name_space)), limits_(limits), changes_(changes), asks_callers_(asks_callers) {}
  QueueTable(const QueueTable&) = delete;
  QueueTable& operator=(const QueueTable&) = delete;

  // Null if there is none; valid until the table changes.
  const std::shared_ptr<Queue>* Find(absl::string_view name) const;
  // NOT_FOUND if there is none.
  absl::StatusOr<std::shared_ptr<Queue>> Get(absl::string_view name) const;
  bool Contains(absl::string_view name) const { return queues_.contains(name); }
  size_t size() const { return queues_.size(); }
  absl::btree_map<std::string, std::shared_ptr<Queue>>::const_iterator begin() const { return queues_.begin(); }
  absl::btree_map<std::string, std::shared_ptr<Queue>>::const_iterator end() const { return queues_.end(); }

  // The queues whose messages, delays and groups this server looks after: all of them. Another home for some, as a
  // cluster has it, is to be asked for here and nowhere else.
  std::vector<std::shared_ptr<Queue>> Served() const;

  // RESOURCE_EXHAUSTED if there is no room for `more` queues; `context` is what the error begins with.
  absl::Status CheckRoom(uint64_t more, absl::string_view context = "") const;
  absl::Status NoQueue(absl::string_view name) const;
  // Where it would have been made, if the namespace made queues by itself.
  absl::Status NoQueueMade(absl::string_view name) const;

  // There must be none of its name.
  void Add(std::shared_ptr<Queue> queue);
  void Remove(const std::string& name);

  // See Roster::VisitClients.
  std::string Visit(const std::string& after, int looks_max, absl::FunctionRef<bool(const Queue&)> visit) const;

 private:
  absl::Status Missing(absl::string_view name, absl::string_view why) const;
  void AppendChange(v1::ChangeKind kind, const std::string& queue);

  const std::string name_space_;
  const Limits* const limits_;
  Changes* const changes_;
  const bool asks_callers_;
  absl::btree_map<std::string, std::shared_ptr<Queue>> queues_;  // by name
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_NAMESPACE_QUEUE_TABLE_H_
