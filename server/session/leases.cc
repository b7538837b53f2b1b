#include "server/session/leases.h"

namespace nmq::broker {

void Leases::ForgetLocked(const Client* client) {
  const auto found = due_us_.find(client);
  if (found == due_us_.end()) return;
  by_time_.erase({found->second, client});
  due_us_.erase(found);
}

void Leases::Watch(const Session& session, int64_t due_us) {
  const Client* const client = session.client.get();
  MutexLock lock(&mu_);
  ForgetLocked(client);
  due_us_[client] = due_us;
  by_time_.emplace(std::make_pair(due_us, client), session);
}

void Leases::Forget(const Client* client) {
  MutexLock lock(&mu_);
  ForgetLocked(client);
}

std::optional<Session> Leases::TakeDue(int64_t now_us) {
  MutexLock lock(&mu_);
  if (by_time_.empty() || by_time_.begin()->first.first > now_us) return std::nullopt;
  Session session = by_time_.begin()->second;
  ForgetLocked(session.client.get());
  return session;
}

}  // namespace nmq::broker
