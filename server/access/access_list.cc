#include "server/access/access_list.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "nmq/config/v1/access.pb.h"
#include "server/access/certificate_name.h"
#include "server/access/identity_name.h"
#include "server/access/quota_reader.h"
#include "server/config/place.h"
#include "server/config/text_file.h"

namespace nmq {
namespace {

namespace pb = nmq::config::v1;

// 0 if it is none.
Granted::Rights BitOf(int right) {
  switch (right) {
    case pb::RIGHT_CONNECT:
      return Granted::BitOf(Right::kConnect);
    case pb::RIGHT_PUBLISH:
      return Granted::BitOf(Right::kPublish);
    case pb::RIGHT_SUBSCRIBE:
      return Granted::BitOf(Right::kSubscribe);
    case pb::RIGHT_JOIN:
      return Granted::BitOf(Right::kJoin);
    case pb::RIGHT_INSPECT:
      return Granted::BitOf(Right::kInspect);
    case pb::RIGHT_ADMIN:
      return Granted::BitOf(Right::kAdmin);
    default:
      return 0;
  }
}

absl::Status Wrong(const Place& at, absl::string_view message) { return at.Point(InvalidArgument(at.path(), message)); }

// RFC 7235, 2.1: token68.
bool IsOfTokens(unsigned char c) {
  return absl::ascii_isalnum(c) || absl::string_view("-._~+/=").find(static_cast<char>(c)) != absl::string_view::npos;
}

constexpr char kUnknown[] = "CREDENTIALS_UNKNOWN";

absl::Status TokenOfNobody() {
  return Unauthenticated(kUnknown,
                         "authorization: the token is of nobody whom this server knows; it may have been taken back, "
                         "or be another server's");
}

}  // namespace

// Fills a list from a file.
class AccessList::Reader {
 public:
  explicit Reader(AccessList* to) : to_(*to) {}

  absl::Status AddIdentity(const pb::Identity& from, const Place& at) {
    const Place name = at.Field("name");
    if (!IsIdentityName(from.name())) {
      return Wrong(name, absl::StrCat(Quote(from.name()),
                                      " is not 1 to 128 bytes of printable ASCII without spaces, "
                                      "quotes, backslashes and *"));
    }
    if (!to_.grants_.try_emplace(from.name()).second) {
      return Wrong(name, absl::StrCat(Quote(from.name()), " is listed twice"));
    }
    auto quota = ReadQuota(from.quota(), at.Field("quota"));
    if (!quota.ok()) return quota.status();
    to_.quotas_.emplace(from.name(), *quota);
    for (int i = 0; i < from.token_size(); ++i) {
      const Place token = at.Field("token", i);
      auto kept = KeptToken::Parse(token.path(), from.token(i));
      if (!kept.ok()) return token.Point(kept.status());
      const std::string id = kept->id();
      if (!to_.tokens_.try_emplace(id, Known{from.name(), *std::move(kept)}).second) {
        return Wrong(token, absl::StrCat("a token with the ID ", Quote(id), " is listed twice"));
      }
    }
    for (int i = 0; i < from.certificate_size(); ++i) {
      const Place at_name = at.Field("certificate", i);
      const std::string& san = from.certificate(i);
      const std::optional<std::string> known = CertificateNameOf(san);
      if (!known) {
        return Wrong(at_name, absl::StrCat(Quote(san),
                                           " is neither a DNS name, such as api.example.com, nor a URI with a scheme, "
                                           "such as spiffe://example.com/api, of a certificate's subjectAltName"));
      }
      if (!to_.certificates_.try_emplace(*known, from.name()).second) {
        return Wrong(at_name, absl::StrCat(Quote(san), " is listed twice"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status AddIssuer(const pb::Jwt& from, const Place& at, const KeySource& keys) {
    JwtIssuer::Terms terms;
    if (from.issuer().empty()) return Wrong(at.Field("issuer"), "is missing: say what iss the tokens have");
    if (from.audience_size() == 0) return Wrong(at.Field("audience"), "is missing: say what aud the tokens have");
    terms.issuer = from.issuer();
    for (int i = 0; i < from.audience_size(); ++i) {
      if (from.audience(i).empty()) return Wrong(at.Field("audience", i), "is empty");
      terms.audience.push_back(from.audience(i));
    }
    for (int i = 0; i < from.algorithm_size(); ++i) {
      const auto algorithm = JwsAlgorithmOf(from.algorithm(i));
      if (!algorithm) return Wrong(at.Field("algorithm", i), "is none of RS256, ES256, EdDSA and HS256");
      terms.algorithms.push_back(*algorithm);
    }
    if (terms.algorithms.empty()) terms.algorithms = {JwsAlgorithm::kRs256, JwsAlgorithm::kEs256, JwsAlgorithm::kEdDsa};
    if (!from.identity_claim().empty()) terms.identity_claim = from.identity_claim();
    terms.identity_prefix = from.identity_prefix();
    if (from.has_leeway()) {
      terms.leeway = absl::Seconds(from.leeway().seconds()) + absl::Nanoseconds(from.leeway().nanos());
      if (terms.leeway < absl::ZeroDuration() || terms.leeway > JwtIssuer::kLeewayMax) {
        return Wrong(at.Field("leeway"), absl::StrCat(absl::FormatDuration(terms.leeway), " is not in 0s to ",
                                                      absl::FormatDuration(JwtIssuer::kLeewayMax)));
      }
    }
    const Place file = at.Field("jwks_file");
    if (from.jwks_file().empty()) return Wrong(file, "is missing: name the file with the issuer's public keys");
    if (keys == nullptr) return Wrong(file, "cannot be read here");
    auto read = keys(from.jwks_file());
    if (!read.ok()) return Wrong(file, read.status().message());
    terms.keys = *std::move(read);
    const auto has = [&](JwsAlgorithm algorithm) { return terms.keys->Has(algorithm); };
    if (!std::any_of(terms.algorithms.begin(), terms.algorithms.end(), has)) {
      return Wrong(file, absl::StrCat(from.jwks_file(), " has no key for any algorithm that is taken from its issuer"));
    }
    if (!to_.issuers_.try_emplace(from.issuer(), std::move(terms)).second) {
      return Wrong(at.Field("issuer"), absl::StrCat(Quote(from.issuer()), " is listed twice"));
    }
    return absl::OkStatus();
  }

  absl::Status AddGrant(const pb::Grant& from, const Place& at) {
    Granted::Rights rights = 0;
    for (int i = 0; i < from.right_size(); ++i) {
      const Granted::Rights right = BitOf(from.right(i));
      if (right == 0) return Wrong(at.Field("right", i), "is none of the rights that there are");
      rights |= right;
    }
    if (rights == 0) return Wrong(at.Field("right"), "is missing: say what is granted, such as RIGHT_PUBLISH");
    if (from.namespace__size() == 0) return Wrong(at.Field("namespace"), "is missing: say where, `**` for everywhere");
    if (from.identity_size() == 0 && from.claim_size() == 0) {
      return Wrong(at.Field("identity"), "is missing: say to whom, `**` for all that are listed, or by which claim");
    }
    auto bounds = BoundsOf(from, at);
    if (!bounds.ok()) return bounds.status();
    for (int i = 0; i < from.namespace__size(); ++i) {
      const Place where = at.Field("namespace", i);
      auto pattern = Pattern::Parse(where.path(), from.namespace_(i));
      if (!pattern.ok()) return where.Point(pattern.status());
      const Granted granted = {*pattern, *bounds, rights, at.line()};
      for (int k = 0; k < from.identity_size(); ++k) {
        const absl::Status status = Give(from.identity(k), granted, at.Field("identity", k));
        if (!status.ok()) return status;
      }
      for (int k = 0; k < from.claim_size(); ++k) {
        const absl::Status status = GiveClaim(from.claim(k), granted, at.Field("claim", k));
        if (!status.ok()) return status;
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status GiveClaim(const pb::Claim& claim, Granted what, const Place& at) {
    if (++places_ > kPlacesMax) return at.Point(LimitExceeded("places", places_, kPlacesMax, at.path()));
    if (claim.name().empty()) return Wrong(at.Field("name"), "is missing: say which claim, such as role");
    if (claim.value().empty()) return Wrong(at.Field("value"), "is missing: say which value, such as ops");
    if (!claim.issuer().empty() && !to_.issuers_.contains(claim.issuer())) {
      return Wrong(at.Field("issuer"), absl::StrCat("there is no jwt with the issuer ", Quote(claim.issuer())));
    }
    what.issuer = claim.issuer();
    const std::string text = ClaimText(claim.name(), claim.value());
    const absl::Status status = CountIn(&of_claims_, text, what, at);
    if (status.ok()) to_.claims_[text].push_back(std::move(what));
    return status;
  }

  using BoundsPointer = std::shared_ptr<const Granted::Bounds>;
  static absl::Status AddPatterns(const Place& at, const std::string& field,
                                  const google::protobuf::RepeatedPtrField<std::string>& texts,
                                  std::vector<Pattern>* patterns) {
    for (int i = 0; i < texts.size(); ++i) {
      const Place where = at.Field(field, i);
      auto pattern = Pattern::Parse(where.path(), texts.Get(i));
      if (!pattern.ok()) return where.Point(pattern.status());
      patterns->push_back(*std::move(pattern));
    }
    return absl::OkStatus();
  }
  static absl::StatusOr<BoundsPointer> BoundsOf(const pb::Grant& from, const Place& at) {
    if (from.queue().empty() && from.room().empty()) return nullptr;
    auto bounds = std::make_shared<Granted::Bounds>();
    absl::Status status = AddPatterns(at, "queue", from.queue(), &bounds->queues);
    if (status.ok()) status = AddPatterns(at, "room", from.room(), &bounds->rooms);
    if (!status.ok()) return status;
    return bounds;
  }

  absl::Status Give(const std::string& identity, const Granted& what, const Place& at) {
    places_ += identity == "**" ? to_.grants_.size() : 1;
    if (places_ > kPlacesMax) return at.Point(LimitExceeded("places", places_, kPlacesMax, at.path()));
    if (identity == "**") {
      for (auto& [name, places] : to_.grants_) {
        const absl::Status status = CountIn(&of_identities_, name, what, at);
        if (!status.ok()) return status;
        places.push_back(what);
      }
      return absl::OkStatus();
    }
    const auto found = to_.grants_.find(identity);
    if (found == to_.grants_.end()) return Wrong(at, absl::StrCat("there is no identity ", Quote(identity)));
    const absl::Status status = CountIn(&of_identities_, identity, what, at);
    if (status.ok()) found->second.push_back(what);
    return status;
  }

  // By who has them and where.
  using Counts = absl::flat_hash_map<std::pair<std::string, std::string>, size_t>;
  static absl::Status CountIn(Counts* counts, const std::string& who, const Granted& what, const Place& at) {
    const size_t count = ++(*counts)[{who, what.name_space.text()}];
    if (count <= kGrantsInOneMax) return absl::OkStatus();
    return at.Point(LimitExceeded("grants in one namespace", count, kGrantsInOneMax, at.path()));
  }

  AccessList& to_;
  size_t places_ = 0;
  Counts of_identities_;
  Counts of_claims_;
};

absl::StatusOr<std::unique_ptr<AccessList>> AccessList::Parse(absl::string_view textproto, absl::string_view file_name,
                                                              const KeySource& keys) {
  pb::Access parsed;
  Place::Tree places;
  absl::Status status = ParseText(textproto, file_name, &parsed, &places);
  if (!status.ok()) return status;
  const Place file(*parsed.GetDescriptor(), places, std::string(file_name));
  if (static_cast<size_t>(parsed.identity_size()) > kIdentitiesMax) {
    return file.Point(LimitExceeded("identities", parsed.identity_size(), kIdentitiesMax));
  }
  if (static_cast<size_t>(parsed.grant_size()) > kGrantsMax) {
    return file.Point(LimitExceeded("grants", parsed.grant_size(), kGrantsMax));
  }
  std::unique_ptr<AccessList> list(new AccessList);
  Reader reader(list.get());
  for (int i = 0; i < parsed.identity_size(); ++i) {
    status = reader.AddIdentity(parsed.identity(i), file.Field("identity", i));
    if (!status.ok()) return status;
  }
  if (static_cast<size_t>(parsed.jwt_size()) > kIssuersMax) {
    return file.Point(LimitExceeded("issuers", parsed.jwt_size(), kIssuersMax));
  }
  for (int i = 0; i < parsed.jwt_size(); ++i) {
    status = reader.AddIssuer(parsed.jwt(i), file.Field("jwt", i), keys);
    if (!status.ok()) return status;
  }
  for (int i = 0; i < parsed.grant_size(); ++i) {
    status = reader.AddGrant(parsed.grant(i), file.Field("grant", i));
    if (!status.ok()) return status;
  }
  return list;
}

absl::StatusOr<std::shared_ptr<const Principal>> AccessList::Identify(absl::string_view token, absl::Time now) const {
  if (!std::all_of(token.begin(), token.end(), IsOfTokens)) {
    return Unauthenticated(kUnknown,
                           "authorization: the token has a byte that no token has, such as a space, a quote or the end "
                           "of a line; send it as it was made");
  }
  std::shared_ptr<const Principal> known = of_tokens_.Find(token);
  if (known == nullptr) {
    auto principal = Jwt::IsMaybe(token) ? IdentifySigned(token, now) : IdentifyStatic(token);
    if (!principal.ok()) return principal.status();
    principal->quota = QuotaOf(principal->name);
    known = of_tokens_.Add(token, *std::move(principal));
  }
  if (now >= known->expiry) return CredentialsExpired("token", known->expiry);
  return known;
}

Quota AccessList::QuotaOf(const std::string& identity) const {
  const auto found = quotas_.find(identity);
  return found == quotas_.end() ? Quota() : found->second;
}

absl::StatusOr<Principal> AccessList::IdentifyStatic(absl::string_view token) const {
  const auto known = tokens_.find(IdOfToken(token));
  if (known == tokens_.end() || !known->second.token.Matches(token)) return TokenOfNobody();
  Principal principal;
  principal.name = known->second.identity;
  principal.token_id = known->first;
  principal.kept = known->second.token.text();
  return principal;
}

absl::StatusOr<Principal> AccessList::IdentifySigned(absl::string_view token, absl::Time now) const {
  if (issuers_.empty()) return TokenOfNobody();
  const auto parsed = Jwt::Parse(token);
  if (!parsed.ok()) return parsed.status();
  const auto issuer = issuers_.find(parsed->issuer());
  if (issuer == issuers_.end()) {
    return Unauthenticated(kUnknown, absl::StrCat("authorization: the token is of the issuer ", Quote(parsed->issuer()),
                                                  ", whose tokens this server does not take"));
  }
  return issuer->second.Verify(*parsed, now);
}

absl::StatusOr<std::shared_ptr<const Principal>> AccessList::Identify(const ClientCertificate& certificate,
                                                                      absl::Time now) const {
  if (now >= certificate.expiry) return CredentialsExpired("connection's certificate", certificate.expiry);
  for (const std::string& name : certificate.names) {
    const auto identity = certificates_.find(name);
    if (identity == certificates_.end()) continue;
    const std::string shown = absl::StrCat(name, " ", absl::ToUnixSeconds(certificate.expiry));
    if (std::shared_ptr<const Principal> known = of_certificates_.Find(shown)) return known;
    Principal principal;
    principal.name = identity->second;
    principal.proof = Principal::Proof::kCertificate;
    principal.token_id = name;
    principal.expiry = certificate.expiry;
    principal.quota = QuotaOf(principal.name);
    return of_certificates_.Add(shown, std::move(principal));
  }
  return Unauthenticated(
      kUnknown, absl::StrCat("authorization: the connection's certificate is of nobody whom this server knows: ",
                             DescribeCertificateNames(certificate.names),
                             "; list one in an identity's certificate, or show a token"));
}

absl::Status AccessList::StillKnows(const Principal& principal, absl::Time now) const {
  bool known = false;
  switch (principal.proof) {
    case Principal::Proof::kToken: {
      const auto found = tokens_.find(principal.token_id);
      known = found != tokens_.end() && found->second.identity == principal.name &&
              found->second.token.text() == principal.kept;
      break;
    }
    case Principal::Proof::kJwt: {
      const auto found = issuers_.find(principal.issuer);
      known = found != issuers_.end() && found->second.Knows(principal);
      break;
    }
    case Principal::Proof::kCertificate: {
      const auto found = certificates_.find(principal.token_id);
      known = found != certificates_.end() && found->second == principal.name;
      break;
    }
  }
  const char* const what = principal.proof == Principal::Proof::kCertificate ? "connection's certificate" : "token";
  if (!known) {
    return Unauthenticated("CREDENTIALS_REVOKED", absl::StrCat("authorization: the ", what,
                                                               " was good, and has been taken back, or the key "
                                                               "that signed it; get a new one, and call again"));
  }
  return now < principal.expiry ? absl::OkStatus() : CredentialsExpired(what, principal.expiry);
}

void AccessList::ForEachGranted(const Principal& principal, absl::FunctionRef<void(const Granted&)> visit) const {
  const auto visit_all = [&](const std::vector<Granted>& all) {
    for (const Granted& granted : all) {
      if (granted.issuer.empty() || granted.issuer == principal.issuer) visit(granted);
    }
  };
  if (const auto found = grants_.find(principal.name); found != grants_.end()) visit_all(found->second);
  for (size_t i = 0; !claims_.empty() && i < principal.claims.size(); ++i) {
    if (const auto found = claims_.find(principal.claims[i]); found != claims_.end()) visit_all(found->second);
  }
}

absl::Status AccessList::Check(const Principal& principal, Right right, const Named& what) const {
  Decision decision(right, what);
  ForEachGranted(principal, [&](const Granted& granted) { decision.Add(granted); });
  return decision.StatusFor(principal.name);
}

void AccessList::Explain(const Principal& principal, std::optional<Right> right, const Named& what,
                         v1::ExplainResponse* response) const {
  response->set_identity(principal.name);
  Decision decision(right.value_or(Right::kNone), what);
  ForEachGranted(principal, [&](const Granted& granted) {
    decision.Add(granted);
    granted.Describe(response->add_grants());
  });
  if (!right.has_value() || decision.by() == nullptr) return;
  response->set_allowed(true);
  decision.by()->Describe(response->mutable_by());
}

}  // namespace nmq
