#ifndef NMQ_SERVER_ACCESS_GRANTED_H_
#define NMQ_SERVER_ACCESS_GRANTED_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/names.h"
#include "nmq/v1/registry.pb.h"
#include "server/call/named.h"
#include "server/call/right.h"

namespace nmq {

// What a grant of the file gives to one identity in one place. Immutable.
struct Granted {
  // Queues and rooms, where not all are meant.
  struct Bounds {
    std::vector<Pattern> queues;
    std::vector<Pattern> rooms;
  };
  using Rights = unsigned;  // a bit for each
  static Rights BitOf(Right right) { return 1u << static_cast<unsigned>(right); }

  bool IsIn(absl::string_view named_space) const {
    return named_space.empty() ? name_space.MatchesAll() : name_space.Covers(named_space);
  }
  // Of a queue and a room that are both named, both.
  bool HasQueue(absl::string_view queue) const;
  bool HasRoom(absl::string_view room) const;
  void Describe(v1::GrantInfo* info) const;

  Pattern name_space;
  std::shared_ptr<const Bounds> bounds;  // null: no bounds
  Rights rights;
  int line;  // of the grant in the file
  // Of a grant for a claim: who must say so; empty: anybody.
  std::string issuer = {};
};

// Whether somebody has a right for something, by what is granted to it, in one place for all that are asked. For one
// thread, for as long as what it refers to.
class Decision {
 public:
  Decision(Right right, const Named& what) : right_(right), what_(what) {}

  // Once for each that the one in question has, in the order of the file.
  void Add(const Granted& granted);

  // The first by which the right is had; null if it is not.
  const Granted* by() const { return by_; }
  // OK; PERMISSION_DENIED; or NOT_FOUND, without a message, if the identity may do nothing with the queue or in the
  // namespace that are named.
  absl::Status StatusFor(absl::string_view identity) const;

 private:
  const Right right_;
  const Named& what_;
  const Granted* by_ = nullptr;
  Granted::Rights in_namespace_ = 0;
  Granted::Rights for_queue_ = 0;  // in some room
};

}  // namespace nmq

#endif  // NMQ_SERVER_ACCESS_GRANTED_H_
