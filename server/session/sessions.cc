#include "server/session/sessions.h"

#include <utility>

#include "absl/hash/hash.h"
#include "server/session/session_id.h"

namespace nmq::broker {

Sessions::Shard& Sessions::ShardOf(absl::string_view client_id) {
  // The upper bits: within a shard the table uses the lower ones.
  return shards_[(absl::HashOf(client_id) >> 32) % kShards];
}

void Sessions::Add(Session session) {
  const std::string& id = session.client->id();
  Shard& shard = ShardOf(id);
  MutexLock lock(&shard.mu);
  shard.sessions.emplace(id, std::move(session));
}

std::optional<Session> Sessions::Find(absl::string_view client_id, absl::string_view text) const {
  const Shard& shard = ShardOf(client_id);
  ReaderMutexLock lock(&shard.mu);
  const auto found = shard.sessions.find(client_id);
  if (found == shard.sessions.end()) return std::nullopt;
  const Client& client = *found->second.client;
  if (client.gone() || !SameSecret(client.session(), text)) return std::nullopt;
  return found->second;
}

std::optional<Session> Sessions::OfClient(absl::string_view client_id) const {
  const Shard& shard = ShardOf(client_id);
  ReaderMutexLock lock(&shard.mu);
  const auto found = shard.sessions.find(client_id);
  if (found == shard.sessions.end()) return std::nullopt;
  return found->second;
}

void Sessions::Forget(absl::string_view client_id) {
  Shard& shard = ShardOf(client_id);
  std::optional<Session> forgotten;  // goes when the mutex is free
  MutexLock lock(&shard.mu);
  const auto found = shard.sessions.find(client_id);
  if (found == shard.sessions.end()) return;
  forgotten = std::move(found->second);
  shard.sessions.erase(found);
}

}  // namespace nmq::broker
