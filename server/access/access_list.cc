#include "server/access/access_list.h"

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "nmq/config/v1/access.pb.h"
#include "server/access/quota_reader.h"
#include "server/config/place.h"
#include "server/config/text_file.h"

namespace nmq {
namespace {

namespace pb = nmq::config::v1;

unsigned Bit(Right right) { return 1u << static_cast<unsigned>(right); }

// 0 if it is none.
unsigned BitOf(int right) {
  switch (right) {
    case pb::RIGHT_CONNECT:
      return Bit(Right::kConnect);
    case pb::RIGHT_PUBLISH:
      return Bit(Right::kPublish);
    case pb::RIGHT_SUBSCRIBE:
      return Bit(Right::kSubscribe);
    case pb::RIGHT_JOIN:
      return Bit(Right::kJoin);
    case pb::RIGHT_INSPECT:
      return Bit(Right::kInspect);
    case pb::RIGHT_ADMIN:
      return Bit(Right::kAdmin);
    default:
      return 0;
  }
}

absl::Status Wrong(const nmq::Place& at, absl::string_view message) {
  return at.Point(InvalidArgument(at.path(), message));
}

}  // namespace

// Fills a list from a file.
class AccessList::Reader {
 public:
  explicit Reader(AccessList* to) : to_(*to) {}

  absl::Status AddIdentity(const pb::Identity& from, const nmq::Place& at) {
    const nmq::Place name = at.Field("name");
    if (const absl::Status status = CheckName(name.path(), from.name()); !status.ok()) return name.Point(status);
    if (!to_.grants_.try_emplace(from.name()).second) {
      return Wrong(name, absl::StrCat(Quote(from.name()), " is listed twice"));
    }
    auto quota = ReadQuota(from.quota(), at.Field("quota"));
    if (!quota.ok()) return quota.status();
    to_.quotas_.emplace(from.name(), *quota);
    for (int i = 0; i < from.token_size(); ++i) {
      const nmq::Place token = at.Field("token", i);
      auto kept = KeptToken::Parse(token.path(), from.token(i));
      if (!kept.ok()) return token.Point(kept.status());
      const std::string id = kept->id();
      if (!to_.tokens_.try_emplace(id, Known{from.name(), *std::move(kept)}).second) {
        return Wrong(token, absl::StrCat("a token with the ID ", Quote(id), " is listed twice"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status AddGrant(const pb::Grant& from, const nmq::Place& at) {
    Rights rights = 0;
    for (int i = 0; i < from.right_size(); ++i) {
      const Rights right = BitOf(from.right(i));
      if (right == 0) return Wrong(at.Field("right", i), "is none of the rights that there are");
      rights |= right;
    }
    if (rights == 0) return Wrong(at.Field("right"), "is missing: say what is granted, such as RIGHT_PUBLISH");
    if (from.namespace__size() == 0) return Wrong(at.Field("namespace"), "is missing: say where, `**` for everywhere");
    if (from.identity_size() == 0) return Wrong(at.Field("identity"), "is missing: say to whom, `**` for all");
    for (int i = 0; i < from.namespace__size(); ++i) {
      const nmq::Place where = at.Field("namespace", i);
      auto pattern = Pattern::Parse(where.path(), from.namespace_(i));
      if (!pattern.ok()) return where.Point(pattern.status());
      for (int k = 0; k < from.identity_size(); ++k) {
        const absl::Status status = Give(from.identity(k), {*pattern, rights}, at.Field("identity", k));
        if (!status.ok()) return status;
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Give(const std::string& identity, const AccessList::Place& what, const nmq::Place& at) {
    places_ += identity == "**" ? to_.grants_.size() : 1;
    if (places_ > kPlacesMax) return at.Point(LimitExceeded("places", places_, kPlacesMax, at.path()));
    if (identity == "**") {
      for (auto& [name, places] : to_.grants_) places.push_back(what);
      return absl::OkStatus();
    }
    const auto found = to_.grants_.find(identity);
    if (found == to_.grants_.end()) return Wrong(at, absl::StrCat("there is no identity ", Quote(identity)));
    found->second.push_back(what);
    return absl::OkStatus();
  }

  AccessList& to_;
  size_t places_ = 0;
};

absl::StatusOr<std::unique_ptr<AccessList>> AccessList::Parse(absl::string_view textproto,
                                                              absl::string_view file_name) {
  pb::Access parsed;
  nmq::Place::Tree places;
  absl::Status status = ParseText(textproto, file_name, &parsed, &places);
  if (!status.ok()) return status;
  const nmq::Place file(*parsed.GetDescriptor(), places, std::string(file_name));
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
  for (int i = 0; i < parsed.grant_size(); ++i) {
    status = reader.AddGrant(parsed.grant(i), file.Field("grant", i));
    if (!status.ok()) return status;
  }
  return list;
}

std::shared_ptr<const Principal> AccessList::Find(absl::string_view token) const {
  {
    MutexLock lock(&mu_);
    const auto found = verified_.find(token);
    if (found != verified_.end()) return found->second;
  }
  const auto known = tokens_.find(IdOfToken(token));
  if (known == tokens_.end() || !known->second.token.Matches(token)) return nullptr;
  const std::string& name = known->second.identity;
  auto principal = std::make_shared<const Principal>(
      Principal{name, known->first, known->second.token.text(), quotas_.find(name)->second});
  MutexLock lock(&mu_);
  return verified_.try_emplace(std::string(token), std::move(principal)).first->second;
}

bool AccessList::Has(const Principal& principal) const {
  const auto known = tokens_.find(principal.token_id);
  return known != tokens_.end() && known->second.identity == principal.name &&
         known->second.token.text() == principal.kept;
}

absl::Status AccessList::Check(const std::string& identity, Right right, absl::string_view name_space) const {
  const auto found = grants_.find(identity);
  Rights rights = 0;
  if (found != grants_.end()) {
    for (const Place& place : found->second) {
      if (name_space.empty() ? place.name_space.MatchesAll() : place.name_space.Matches(name_space)) {
        rights |= place.rights;
      }
    }
  }
  if ((rights & Bit(right)) != 0) return absl::OkStatus();
  if (rights == 0 && !name_space.empty()) return absl::NotFoundError("");
  const std::string where =
      name_space.empty() ? "what concerns all namespaces" : absl::StrCat("namespace ", Quote(name_space));
  return PermissionDenied("FORBIDDEN",
                          absl::StrCat("the identity ", Quote(identity), " has not the right ", Quote(NameOf(right)),
                                       " for ", where, "; the server's administrator can grant it"),
                          {{"identity", identity}, {"right", NameOf(right)}, {"namespace", name_space}});
}

}  // namespace nmq
