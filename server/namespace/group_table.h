#ifndef NMQ_SERVER_NAMESPACE_GROUP_TABLE_H_
#define NMQ_SERVER_NAMESPACE_GROUP_TABLE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/group/group.h"
#include "server/limits/limits.h"

namespace nmq::broker {

// Which groups the queues of a namespace have. Thread-compatible: the namespace's mutex guards it.
class GroupTable {
 public:
  // `limits` must outlive the table.
  explicit GroupTable(const Limits* limits) : limits_(limits) {}
  GroupTable(const GroupTable&) = delete;
  GroupTable& operator=(const GroupTable&) = delete;

  // Null if there is none.
  std::shared_ptr<Group> Find(absl::string_view queue, absl::string_view group) const;
  // NOT_FOUND if there is none.
  absl::StatusOr<std::shared_ptr<Group>> Get(absl::string_view queue, absl::string_view group) const;

  // RESOURCE_EXHAUSTED if the queue has no room for another group.
  absl::Status CheckRoom(absl::string_view queue) const;
  // Of which queues an error may tell; null: of all.
  using Told = const std::function<bool(absl::string_view queue)>*;
  // FAILED_PRECONDITION if a group of another queue has its dead letters in this one.
  absl::Status CheckNoDeadLetters(absl::string_view queue, Told told = nullptr) const;

  // FAILED_PRECONDITION if the dead letters of a new group would go in a circle.
  absl::Status CheckNoCycle(absl::string_view queue, absl::string_view dead_letter_queue, Told told = nullptr) const;

  // There must be none of its name in its queue.
  void Add(std::shared_ptr<Group> group);
  void Remove(absl::string_view queue, absl::string_view group);
  // Takes out the groups of a queue that goes.
  std::vector<std::shared_ptr<Group>> TakeOf(absl::string_view queue);

  // Keys are "queue/group"; see Roster::VisitClients.
  std::string Visit(const std::string& after, int looks_max, absl::FunctionRef<bool(const Group&)> visit) const;

 private:
  using Groups = absl::btree_map<std::string, std::shared_ptr<Group>>;

  // Where the groups of a queue begin and end.
  Groups::const_iterator FirstOf(absl::string_view queue) const;
  Groups::const_iterator EndOf(absl::string_view queue) const;

  const Limits* const limits_;
  Groups groups_;  // by "queue/group"
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_NAMESPACE_GROUP_TABLE_H_
