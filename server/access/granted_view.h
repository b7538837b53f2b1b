#ifndef NMQ_SERVER_ACCESS_GRANTED_VIEW_H_
#define NMQ_SERVER_ACCESS_GRANTED_VIEW_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "base/names.h"
#include "server/access/granted.h"
#include "server/call/access.h"
#include "server/call/right.h"

namespace nmq {

// The grants of one caller in one namespace, found by the rooms that they name: a question looks at few of them. Those
// that have the queue in question are found once for all rooms that are asked for after one another.
class GrantedView final : public AccessView {
 public:
  // `keeps` is what the grants are in.
  explicit GrantedView(std::shared_ptr<const void> keeps) : keeps_(std::move(keeps)) {}

  // One that is of the namespace. It must live as long as `keeps`.
  void Add(const Granted& granted);

  bool Has(Right right, absl::string_view queue, absl::string_view room) override;

 private:
  struct OfRooms {
    const Pattern* pattern;
    size_t grant;
  };

  void FindQueue(Right right, absl::string_view queue);
  // Whether one of those with the queue has the room, which is a name.
  bool HasRoom(const std::vector<OfRooms>& some, absl::string_view room) const;

  const std::shared_ptr<const void> keeps_;
  std::vector<const Granted*> grants_;
  // Rooms: by their names, patterns by their tokens before the first wildcard, and those that begin with one.
  absl::flat_hash_map<absl::string_view, std::vector<OfRooms>> by_name_;
  absl::flat_hash_map<absl::string_view, std::vector<OfRooms>> by_prefix_;
  std::vector<OfRooms> rest_;
  // What was asked for last.
  std::optional<Right> right_;
  std::string queue_;
  std::vector<bool> has_queue_;  // of each grant: the right, for the queue
  bool in_some_room_ = false;
  bool in_all_rooms_ = false;
};

}  // namespace nmq

#endif  // NMQ_SERVER_ACCESS_GRANTED_VIEW_H_
