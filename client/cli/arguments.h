// What was typed, understood.
#ifndef NMQ_CLIENT_CLI_ARGUMENTS_H_
#define NMQ_CLIENT_CLI_ARGUMENTS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/cli/asked.h"
#include "nmq/v1/message_queue.pb.h"
#include "nmq/v1/registry.pb.h"

namespace nmq {
namespace cli {

enum class Command {
  kPub,
  kSub,
  kRequest,
  kReply,
  kPing,
  kInfo,
  kBenchPub,
  kBenchSub,
  kBenchRequest,
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
  kContextAdd,
  kContextUse,
  kContextList,
  kContextShow,
  kContextRemove,
  kToken,
  kTokenInspect,
  kTokenJwt,
  kTokenJwks,
  kCertCa,
  kCertServer,
  kCertClient,
  kWhoAmI,
  kCan,
};

// The fields that a command does not have are as they were.
struct Arguments {
  Command command = Command::kPub;
  std::string server;
  // PEM files; empty: see ClientOptions.
  std::string token;
  std::string token_file;
  std::string tls_ca;
  std::string tls_certificate;
  std::string tls_key;
  // The server's "default" if empty; of watch and top: all.
  std::string namespace_name;
  // The context that server, namespace and files come from where nothing else says them; empty for none.
  std::string context;
  // How the server was chosen, for advice.
  Asked asked;
  // Those of --server, --namespace, --token and the like that no option says, but a variable.
  std::vector<std::string> from_environment;
  bool json = false;
  // Asks nothing.
  bool yes = false;

  // pub, sub, request, reply: names or patterns. The lists: filters.
  std::string queue;
  std::string event;
  // can
  std::string right;
  // metrics: what their names begin with. top: what is shown.
  std::string prefix;
  // top: by which column.
  std::string sort;

  // pub, request; reply: what to answer
  std::string payload;
  // pub: where payloads come from.
  enum class Source {
    kArgument,
    // No payload was given.
    kNone,
    // Each line of standard input, or of `file` if that is set, is one.
    kLines,
    // All of it is one.
    kWhole,
  };
  Source source = Source::kArgument;
  std::string file;
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
  // pub: how long to wait for a server that is away.
  absl::Duration wait;

  // token jwt, inspect: the file with the key, what the token is to say, and a token.
  struct Jwt {
    std::string key;
    std::string issuer;
    std::string audience;
    std::string subject;
    std::vector<std::string> claims;
    std::string token;
  };
  Jwt jwt;

  // cert: what certificates are for, the folder that they are in, and how long they are valid; zero for the usual.
  std::vector<std::string> names;
  std::string directory = ".";
  absl::Duration valid;

  // request
  absl::Duration timeout;
  uint64_t replies = 0;

  // reply: a command that makes the answer. sub: one that gets each payload.
  std::string exec;

  // sub, reply
  std::vector<std::string> join;
  // sub
  std::vector<v1::HeaderFilter> where;
  v1::StartPosition start;
  v1::Overflow overflow = v1::OVERFLOW_UNSPECIFIED;
  uint64_t overflow_messages = 0;
  // How messages are shown.
  struct Show {
    // Payloads only, as they are.
    bool raw = false;
    // All but the payload.
    bool headers_only = false;
    // The date before the time.
    bool date = false;
  };
  Show show;

  // sub: the group to be a member of; group: the one that is meant. Unset fields are the server's to fill.
  struct Group {
    std::string name;
    absl::Duration ack_deadline;
    uint64_t attempts = 0;
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

  // bench
  struct Bench {
    uint64_t messages = 100'000;
    uint64_t bytes = 128;
    uint64_t clients = 1;
    // pub: each message is awaited before the next one.
    bool one_by_one = false;
    // request: others answer.
    bool others_answer = false;
  };
  Bench bench;

  // sub: messages; reply: answers; top: frames; dead redrive: messages; ping: pings.
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

// Reads NMQ_SERVER and the like, and the contexts, too. Not thread-safe because of that.
Parsed Parse(int argc, const char* const* argv);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_ARGUMENTS_H_
