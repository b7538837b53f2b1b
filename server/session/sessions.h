#ifndef NMQ_SERVER_SESSION_SESSIONS_H_
#define NMQ_SERVER_SESSION_SESSIONS_H_

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "server/presence/client.h"

namespace nmq::broker {

class Namespace;

// A client, and the namespace that it is in, which lives as long as the server.
struct Session {
  std::shared_ptr<Client> client;
  Namespace* name_space = nullptr;
};

// The sessions of the clients that are connected here. Every call looks one up, from many threads at once: so they are
// spread over shards, and looking up shares a shard's mutex. Thread-safe.
class Sessions {
 public:
  Sessions() = default;
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  // The client's id must be new.
  void Add(Session session);
  // The session with this text, whose client has this id; none if there is none, or the client is gone.
  std::optional<Session> Find(absl::string_view client_id, absl::string_view text) const;
  // That of a client, for whoever need not show the secret.
  std::optional<Session> OfClient(absl::string_view client_id) const;
  // Forgets the session of a client, if it is there.
  void Forget(absl::string_view client_id);

 private:
  static constexpr size_t kShards = 64;
  struct alignas(64) Shard {  // a cache line, so that threads at different ones do not meet
    mutable Mutex mu;         // a leaf: nothing is locked under it
    absl::flat_hash_map<std::string, Session> sessions ABSL_GUARDED_BY(mu);  // by client id
  };

  Shard& ShardOf(absl::string_view client_id);
  const Shard& ShardOf(absl::string_view client_id) const { return const_cast<Sessions*>(this)->ShardOf(client_id); }

  std::array<Shard, kShards> shards_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_SESSION_SESSIONS_H_
