#ifndef NMQ_SERVER_ACCESS_ACCESS_LIST_H_
#define NMQ_SERVER_ACCESS_ACCESS_LIST_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/names.h"
#include "base/token.h"
#include "nmq/v1/registry.pb.h"
#include "server/access/granted.h"
#include "server/access/jwks.h"
#include "server/access/jwt_issuer.h"
#include "server/access/principal_cache.h"
#include "server/call/call.h"
#include "server/call/named.h"
#include "server/call/quota.h"

namespace nmq {

// Who may do what, as one state of a file says: proto nmq.config.v1.Access. Thread-safe.
class AccessList {
 public:
  static constexpr size_t kIdentitiesMax = 10'000;
  static constexpr size_t kGrantsMax = 10'000;
  // Pairs of an identity and a namespace in grants.
  static constexpr size_t kPlacesMax = 100'000;
  // Of one identity, or for one claim, in one namespace or pattern of namespaces: each decision looks at them.
  static constexpr size_t kGrantsInOneMax = 1'000;
  static constexpr size_t kIssuersMax = 100;
  // Of callers who need not be verified again, by tokens, and as many by certificates.
  static constexpr size_t kVerifiedMax = 20'000;
  static constexpr size_t kVerifiedBytesMax = 32 << 20;

  // Gives the keys of a file that the text names, or says why it cannot; null: no file may be named.
  using KeySource = std::function<absl::StatusOr<std::shared_ptr<const Jwks>>(const std::string& jwks_file)>;

  // Reads protobuf's text format. INVALID_ARGUMENT, beginning with FILE:LINE:COLUMN, for anything that is not
  // understood, is no name or pattern, is said twice, or names an identity that there is not.
  static absl::StatusOr<std::unique_ptr<AccessList>> Parse(absl::string_view textproto, absl::string_view file_name,
                                                           const KeySource& keys = nullptr);

  // The identity that this token stands for at this time of day. UNAUTHENTICATED if it is none's, or has a byte that
  // no token has. A token that was known once is found without hashing or verifying.
  absl::StatusOr<std::shared_ptr<const Principal>> Identify(absl::string_view token, absl::Time now) const;
  // The same of a certificate, by the first of its names that is listed.
  absl::StatusOr<std::shared_ptr<const Principal>> Identify(const ClientCertificate& certificate, absl::Time now) const;
  // Whether what `principal` has shown is still good: UNAUTHENTICATED if it has expired or was taken back.
  absl::Status StillKnows(const Principal& principal, absl::Time now) const;

  // OK; PERMISSION_DENIED; or NOT_FOUND, without a message, if the principal may do nothing with what is named.
  absl::Status Check(const Principal& principal, Right right, const Named& what) const;
  // What is granted to a principal, and by which grant it has a right, if one is asked for.
  void Explain(const Principal& principal, std::optional<Right> right, const Named& what,
               v1::ExplainResponse* response) const;

  // Calls `visit` with each grant that `principal` has. They live as long as the list.
  void ForEachGranted(const Principal& principal, absl::FunctionRef<void(const Granted&)> visit) const;

  size_t identities() const { return grants_.size(); }
  size_t issuers() const { return issuers_.size(); }

 private:
  class Reader;
  struct Known {
    std::string identity;
    KeptToken token;
  };

  AccessList() = default;

  // Of one of those.
  absl::StatusOr<Principal> IdentifyStatic(absl::string_view token) const;
  absl::StatusOr<Principal> IdentifySigned(absl::string_view token, absl::Time now) const;
  // What all may have, if the file does not list it.
  Quota QuotaOf(const std::string& identity) const;
  absl::flat_hash_map<std::string, Known> tokens_;  // by their IDs
  // Of each identity.
  absl::flat_hash_map<std::string, std::vector<Granted>> grants_;
  absl::flat_hash_map<std::string, Quota> quotas_;
  // Of each ClaimText.
  absl::flat_hash_map<std::string, std::vector<Granted>> claims_;
  // The identity of each name in a certificate, which begins with URI: or DNS:.
  absl::flat_hash_map<std::string, std::string> certificates_;
  absl::flat_hash_map<std::string, JwtIssuer> issuers_;  // by their names
  // What was shown decides which of these is asked: a caller chooses the text of a token, and not a certificate.
  mutable PrincipalCache of_tokens_{kVerifiedMax, kVerifiedBytesMax};
  mutable PrincipalCache of_certificates_{kVerifiedMax, kVerifiedBytesMax};
};

}  // namespace nmq

#endif  // NMQ_SERVER_ACCESS_ACCESS_LIST_H_
