#ifndef NMQ_SERVER_PRESENCE_ROSTER_H_
#define NMQ_SERVER_PRESENCE_ROSTER_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/limits/limits.h"
#include "server/presence/changes.h"
#include "server/presence/client.h"
#include "server/presence/numbers.h"

namespace nmq::broker {

// What a client says of itself when it connects. Labels, names and lease are already checked.
struct ClientFields {
  std::string name;  // the id if empty
  std::map<std::string, std::string> labels;
  absl::Duration lease;
  std::string peer;
};

// Who is there: the clients of a namespace, its rooms, and which client is in which room. It knows nothing of queues
// and subscriptions. Each change is appended to the changes; Notify is the caller's.
//
// Thread-compatible: the namespace's mutex guards it, held for writing by what is not const. Resolve may run on several
// threads that hold it for reading.
class Roster {
 public:
  struct Options {
    std::string name_space;
    const Limits* limits;  // these must outlive the roster
    const Clock* clock;
    const Numbers* numbers;
    std::atomic<uint64_t>* stamps;  // the namespace's count of joins, leaves and publishes
    Changes* changes;
  };
  struct Room {
    uint64_t number;
    absl::Time create_time;
    absl::btree_set<std::string> members;  // ids of clients
    // The stamp that was current when a message was last addressed to the room, or excepted it.
    mutable std::atomic<uint64_t> last_addressed{0};
  };
  struct Entry {
    std::shared_ptr<Client> client;
    ClientFields fields;
    absl::btree_map<std::string, Room*> rooms;  // by name
    absl::btree_set<std::string> moved;         // those of them into which an administrator moved it
  };

  explicit Roster(Options options) : options_(std::move(options)) {}
  Roster(const Roster&) = delete;
  Roster& operator=(const Roster&) = delete;

  // RESOURCE_EXHAUSTED if there are too many clients.
  absl::Status Add(const std::shared_ptr<Client>& client, ClientFields fields);
  // The client says anew what it is; unset fields stay.
  static void Change(Entry* entry, const ClientFields& fields, bool lease_set);
  // The client leaves all rooms and is gone.
  void Remove(Entry* entry, absl::string_view reason);

  // Null if there is no such client. Valid until a client comes or goes.
  Entry* Find(absl::string_view id);
  const Entry* Find(absl::string_view id) const;
  static absl::Status GoneStatus();

  // When the client's lease ends, in microseconds of the monotonic clock, of which it is `now_us`.
  static int64_t LeaseEnd(const Entry& entry, int64_t now_us);

  // OK if the client may join the rooms; RESOURCE_EXHAUSTED otherwise.
  absl::Status CheckJoin(const Entry& entry, absl::Span<const std::string* const> rooms) const;
  // The client joins a room, which is made if need be; after CheckJoin. The answer is the room's number, none if the
  // client is in it already.
  std::optional<uint64_t> Join(Entry* entry, const std::string& room);
  // The answer is the number of the room that the client has left, none if it was not in it.
  std::optional<uint64_t> Leave(Entry* entry, const std::string& room);
  // Forgets the rooms that the client left so long ago that no message from then is held.
  void ForgetPast(const Entry& entry) const;
  uint64_t Members(const std::string& room) const;

  // Adds the numbers of those who are to hear a message, `publisher` being the number of the one who published it, and
  // of those who are not; each number once. NOT_FOUND if a client that is to hear it is not there, unless those are to
  // be skipped.
  enum class Absent { kRefuse, kSkip };
  absl::Status Resolve(const v1::Audience& audience, uint64_t publisher, Absent absent, std::vector<uint64_t>* targets,
                       std::vector<uint64_t>* excepts) const;

  size_t clients() const { return clients_.size(); }
  size_t rooms() const { return rooms_.size(); }

  // Lists go on after `after`, an id or a name, until `visit` says stop (false), `looks_max` have been looked at, or
  // the end; they return where they stopped, empty at the end. All clients, or those in `room` if it is not empty.
  std::string VisitClients(const std::string& room, const std::string& after, int looks_max,
                           absl::FunctionRef<bool(const Entry&)> visit) const;
  std::string VisitRooms(const std::string& after, int looks_max,
                         absl::FunctionRef<bool(const std::string& name, const Room&)> visit) const;

  // A change that is about a client, to be filled in and appended by who makes it.
  v1::Change ChangeOf(v1::ChangeKind kind, const Entry& entry) const;

 private:
  void AppendRoomChange(v1::ChangeKind kind, const std::string& room);

  const Options options_;
  absl::btree_map<std::string, Entry> clients_;                // by id
  absl::btree_map<std::string, std::unique_ptr<Room>> rooms_;  // by name
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_PRESENCE_ROSTER_H_
