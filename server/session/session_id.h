// The text forms of what Connect gives: the one place that makes and parses them.
#ifndef NMQ_SERVER_SESSION_SESSION_ID_H_
#define NMQ_SERVER_SESSION_SESSION_ID_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/random.h"

namespace nmq::broker {

// A session is "CLIENT.RUN.SECRET": the client's id, which is public, the run of the server that gave it, and what only
// the client knows. So a session of an earlier run is told from a wrong one. Thread-safe.
class SessionIds {
 public:
  // `run` is a name without dots. `random` must outlive this.
  SessionIds(std::string run, Random* random) : run_(std::move(run)), random_(random) {}

  std::string NewClientId();
  std::string NewSession(absl::string_view client_id);

  // The client's id in `session`, which must outlive it. INVALID_ARGUMENT if `session` is empty; NOT_FOUND, reason
  // SESSION_UNKNOWN, if this run gave none of that form.
  absl::StatusOr<absl::string_view> ClientOf(absl::string_view session) const;

 private:
  const std::string run_;
  Random* const random_;
};

// Takes the same time wherever the texts differ.
bool SameSecret(absl::string_view a, absl::string_view b);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_SESSION_SESSION_ID_H_
