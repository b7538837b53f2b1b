// What was typed, understood.
#ifndef NMQ_CLIENT_CLI_ARGUMENTS_H_
#define NMQ_CLIENT_CLI_ARGUMENTS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "nmq/v1/message_queue.pb.h"
#include "nmq/v1/registry.pb.h"

namespace nmq {
namespace cli {

enum class Command {
  kPub,
  kSub,
  kRequest,
  kReply,
  kNamespaces,
  kQueues,
  kGroups,
  kMetrics,
  kRooms,
  kClients,
  kSubscriptions,
  kClient,
  kCount,
  kWatch,
  kTop,
  kNamespaceCreate,
  kNamespaceUpdate,
  kNamespaceDelete,
  kQueueCreate,
  kQueueUpdate,
  kQueueDelete,
  kQueuePurge,
  kGroupCreate,
  kGroupDelete,
  kGroupPause,
  kGroupResume,
  kGroupSeek,
  kDeadList,
  kDeadRedrive,
  kMove,
  kDisconnect,
};

// The fields that a command does not have are as they were.
struct Arguments {
  Command command = Command::kPub;
  std::string server;
  // PEM files; empty: see ClientOptions.
  std::string tls_ca;
  std::string tls_certificate;
  std::string tls_key;
  // The server's "default" if empty; of watch and top: all.
  std::string namespace_name;
  bool json = false;

  // pub, sub, request, reply: names or patterns. The lists: filters.
  std::string queue;
  std::string event;
  // metrics: what their names begin with.
  std::string metric;

  // pub, request; reply: what to answer
  std::string payload;
  // pub: each line of standard input is a payload.
  bool lines = false;
  std::vector<std::string> rooms;
  std::vector<std::string> clients;
  std::vector<std::string> except_rooms;
  std::vector<std::string> except_clients;
  std::map<std::string, std::string> headers;
  std::string key;
  std::string content_type;
  // pub
  std::string request_id;
  std::optional<uint64_t> expected_last;
  // pub: from now on; nothing if zero.
  absl::Duration delay;
  absl::Duration expire_in;

  // request
  absl::Duration timeout;
  uint64_t replies = 0;

  // reply: a command that makes the answer
  std::string exec;

  // sub, reply
  std::vector<std::string> join;
  // sub
  std::vector<v1::HeaderFilter> where;
  v1::StartPosition start;
  v1::Overflow overflow = v1::OVERFLOW_UNSPECIFIED;
  uint64_t overflow_messages = 0;

  // sub: the group to be a member of; group: the one that is meant. Unset fields are the server's to fill.
  struct Group {
    std::string name;
    absl::Duration ack_deadline;
    uint32_t attempts = 0;
    bool by_key = false;
    std::string dead_letters;
  };
  Group group;

  // sub, reply, clients, count
  std::string name;
  std::map<std::string, std::string> labels;

  // The lists: filters. client, subscriptions: an id.
  std::string room;
  std::string client;

  // What the commands that change something need besides.
  struct Change {
    v1::Durability durability = v1::DURABILITY_UNSPECIFIED;
    // Events of a queue, or patterns of events of a group. any_event: a queue is to accept all from now on.
    std::vector<std::string> events;
    bool any_event = false;
    std::optional<uint64_t> bytes_max;
    std::optional<uint64_t> messages_max;
    std::optional<absl::Duration> age_max;
    std::optional<bool> automatic_queues;
    uint64_t up_to = 0;
    std::vector<std::string> leave;
    bool all = false;
    std::string reason;
  };
  Change change;

  // sub: messages; reply: answers; top: frames; dead redrive: messages.
  std::optional<uint64_t> count;
  // watch
  std::optional<uint64_t> after;
};

// Either arguments, or text and the exit code to end with: help and version are 0 and belong to standard output, wrong
// usage is 2 and belongs to standard error.
struct Parsed {
  std::optional<Arguments> arguments;
  std::string text;
  int exit_code = 0;
};

// Reads NMQ_SERVER and NMQ_NAMESPACE, too. Not thread-safe because of that.
Parsed Parse(int argc, const char* const* argv);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_ARGUMENTS_H_
