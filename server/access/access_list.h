#ifndef NMQ_SERVER_ACCESS_ACCESS_LIST_H_
#define NMQ_SERVER_ACCESS_ACCESS_LIST_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "base/names.h"
#include "base/token.h"
#include "server/call/call.h"
#include "server/call/quota.h"

namespace nmq {

// Who may do what, as one state of a file says: proto nmq.config.v1.Access. Thread-safe.
class AccessList {
 public:
  static constexpr size_t kIdentitiesMax = 10'000;
  static constexpr size_t kGrantsMax = 10'000;
  // Pairs of an identity and a namespace in grants.
  static constexpr size_t kPlacesMax = 100'000;

  // Reads protobuf's text format. INVALID_ARGUMENT, beginning with FILE:LINE:COLUMN, for anything that is not
  // understood, is no name or pattern, is said twice, or names an identity that there is not.
  static absl::StatusOr<std::unique_ptr<AccessList>> Parse(absl::string_view textproto, absl::string_view file_name);

  // The identity that this token stands for; null if it is none's. A token that was known once is found without
  // hashing.
  std::shared_ptr<const Principal> Find(absl::string_view token) const ABSL_LOCKS_EXCLUDED(mu_);
  // Whether there still is the identity of `principal`, with its token.
  bool Has(const Principal& principal) const;

  // OK; PERMISSION_DENIED; or NOT_FOUND, without a message, if the identity may do nothing in the namespace.
  absl::Status Check(const std::string& identity, Right right, absl::string_view name_space) const;

  size_t identities() const { return grants_.size(); }

 private:
  class Reader;
  using Rights = unsigned;  // a bit for each
  struct Place {
    Pattern name_space;
    Rights rights;
  };
  struct Known {
    std::string identity;
    KeptToken token;
  };

  AccessList() = default;

  absl::flat_hash_map<std::string, Known> tokens_;  // by their IDs
  // Of each identity.
  absl::flat_hash_map<std::string, std::vector<Place>> grants_;
  absl::flat_hash_map<std::string, Quota> quotas_;
  mutable Mutex mu_;  // a leaf
  // Each is one of tokens_, so there are no more than of those.
  mutable absl::flat_hash_map<std::string, std::shared_ptr<const Principal>> verified_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nmq

#endif  // NMQ_SERVER_ACCESS_ACCESS_LIST_H_
