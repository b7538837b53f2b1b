#include "server/access/file_access.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/errors.h"
#include "base/proto_time.h"
#include "glog/logging.h"
#include "server/access/granted_view.h"
#include "server/config/config.h"

namespace nmq {
namespace {

constexpr char kScheme[] = "bearer ";
constexpr char kKeysStay[] = "the keys that verify tokens stay";

absl::Status NobodyKnown() { return Unauthenticated("CREDENTIALS_UNKNOWN", "authorization: nobody is known"); }

absl::string_view NameOf(Principal::Proof proof) {
  switch (proof) {
    case Principal::Proof::kToken:
      return "token";
    case Principal::Proof::kJwt:
      return "signed token";
    case Principal::Proof::kCertificate:
      return "certificate";
  }
  return "";
}

// None if it is none.
std::optional<Right> RightOf(v1::Right right) {
  switch (right) {
    case v1::RIGHT_CONNECT:
      return Right::kConnect;
    case v1::RIGHT_PUBLISH:
      return Right::kPublish;
    case v1::RIGHT_SUBSCRIBE:
      return Right::kSubscribe;
    case v1::RIGHT_JOIN:
      return Right::kJoin;
    case v1::RIGHT_INSPECT:
      return Right::kInspect;
    case v1::RIGHT_ADMIN:
      return Right::kAdmin;
    default:
      return std::nullopt;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileAccess>> FileAccess::Load(const std::string& path, const Clock* clock) {
  std::unique_ptr<FileAccess> access(new FileAccess(path, clock));
  const absl::Status status = access->Read();
  if (!status.ok()) return status;
  return access;
}

std::shared_ptr<const AccessList> FileAccess::list() const {
  MutexLock lock(&mu_);
  return list_;
}

std::string FileAccess::KeysPath(const std::string& jwks_file) const {
  const size_t folder = file_.path().rfind('/');
  if (absl::StartsWith(jwks_file, "/") || folder == std::string::npos) return jwks_file;
  return absl::StrCat(file_.path().substr(0, folder + 1), jwks_file);
}

absl::Status FileAccess::ReadKeys(Keys* keys) {
  absl::StatusOr<std::string> text = keys->file.Read();
  if (!text.ok()) return text.status();
  auto parsed = Jwks::Parse(*text, keys->file.path());
  if (!parsed.ok()) return parsed.status();
  keys->keys = *std::move(parsed);
  keys->file.Taken();
  return absl::OkStatus();
}

absl::Status FileAccess::Read() {
  absl::StatusOr<std::string> text = file_.Read();
  absl::Status status = text.status();
  if (status.ok()) status = Take(*text, /*fresh=*/true);
  // The keys that are now in the files may be of no use to those who need others.
  if (text.ok() && !status.ok() && Take(*text, /*fresh=*/false).ok()) status = absl::OkStatus();
  if (status.ok()) file_.Taken();
  return status;
}

absl::Status FileAccess::Take(const std::string& text, bool fresh) {
  KeyFiles named;
  const auto keys_of = [&](const std::string& jwks_file) -> absl::StatusOr<std::shared_ptr<const Jwks>> {
    std::shared_ptr<Keys>& keys = named[jwks_file];
    if (keys != nullptr) return keys->keys;
    const auto known = key_files_.find(jwks_file);
    absl::Status status;
    if (known == key_files_.end() || fresh) {
      keys = std::make_shared<Keys>(KeysPath(jwks_file));
      status = ReadKeys(keys.get());
      if (status.ok()) return keys->keys;
      if (known == key_files_.end()) return status;
      known->second->file.Refused(status, kKeysStay);
    }
    keys = known->second;
    return keys->keys;
  };
  auto list = AccessList::Parse(text, file_.path(), keys_of);
  if (!list.ok()) return list.status();
  if ((*list)->identities() == 0 && (*list)->issuers() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(file_.path(), ": has no identity, so that nobody could do anything"));
  }
  text_ = text;
  key_files_ = std::move(named);
  MutexLock lock(&mu_);
  list_ = *std::move(list);
  return absl::OkStatus();
}

bool FileAccess::RefreshKeys() {
  bool changed = false;
  for (const auto& [name, keys] : KeyFiles(key_files_)) {
    if (!keys->file.HasChanged()) continue;
    const auto renewed = std::make_shared<Keys>(keys->file.path());
    absl::Status status = ReadKeys(renewed.get());
    if (status.ok()) {
      key_files_[name] = renewed;
      // They may be of no use to an issuer that needs others.
      status = Take(std::string(text_), /*fresh=*/false);
    }
    if (status.ok()) {
      LOG(INFO) << "read again the keys in " << keys->file.path() << ": " << renewed->keys->size();
      changed = true;
    } else {
      key_files_[name] = keys;
      keys->file.Refused(status, kKeysStay);
    }
  }
  return changed;
}

bool FileAccess::Refresh() {
  if (!file_.HasChanged()) return RefreshKeys();
  const absl::Status status = Read();
  if (!status.ok()) {
    file_.Refused(status, "who may do what stays");
    return RefreshKeys();
  }
  LOG(INFO) << "read again who may do what: " << identities()
            << (identities() == 1 ? " identity in " : " identities in ") << file_.path();
  return true;
}

absl::StatusOr<std::shared_ptr<const Principal>> FileAccess::Identify(std::optional<absl::string_view> authorization,
                                                                      const ClientCertificate* certificate) const {
  const absl::Time now = clock_.Now();
  if (!authorization && certificate != nullptr) return list()->Identify(*certificate, now);
  if (!authorization) {
    return Unauthenticated("CREDENTIALS_MISSING",
                           "authorization: is missing, and this server asks who calls; send a token that it knows, as "
                           "metadata `authorization: Bearer TOKEN`, or by nmq --token or NMQ_TOKEN");
  }
  if (!absl::StartsWithIgnoreCase(*authorization, kScheme)) {
    return Unauthenticated("CREDENTIALS_UNKNOWN", "authorization: is not `Bearer TOKEN`");
  }
  return list()->Identify(absl::StripLeadingAsciiWhitespace(authorization->substr(sizeof(kScheme) - 1)), now);
}

absl::Status FileAccess::Check(const Call& call, Right right, const Named& what) const {
  if (call.principal == nullptr) return NobodyKnown();
  const std::shared_ptr<const AccessList> list = this->list();
  const absl::Status known = list->StillKnows(*call.principal, clock_.Now());
  return known.ok() ? list->Check(*call.principal, right, what) : known;
}

std::unique_ptr<AccessView> FileAccess::View(const Call& call, absl::string_view name_space) const {
  std::shared_ptr<const AccessList> list = this->list();
  auto view = std::make_unique<GrantedView>(list);
  if (call.principal == nullptr || !list->StillKnows(*call.principal, clock_.Now()).ok()) return view;
  list->ForEachGranted(*call.principal, [&](const Granted& granted) {
    if (granted.IsIn(name_space)) view->Add(granted);
  });
  return view;
}

bool FileAccess::Grants(const Principal* to, Right right, const Named& what) const {
  return to != nullptr && list()->Check(*to, right, what).ok();
}

absl::Status FileAccess::Explain(const Call& call, const v1::ExplainRequest& request,
                                 v1::ExplainResponse* response) const {
  if (call.principal == nullptr) return NobodyKnown();
  const Principal& self = *call.principal;
  const std::shared_ptr<const AccessList> list = this->list();
  absl::Status status = list->StillKnows(self, clock_.Now());
  if (!status.ok()) return status;
  const bool of_self = request.identity().empty() || request.identity() == self.name;
  // Also about one that there is not.
  if (!of_self) status = list->Check(self, Right::kAdmin, Named("", kAllOfThem, kAllOfThem));
  if (!status.ok()) return status;
  // As the name of a namespace, `**` is all of them.
  absl::string_view name_space = request.namespace_();
  if (name_space.empty()) {
    name_space = kDefaultNamespace;
  } else if (name_space == kAllOfThem) {
    name_space = "";
  }
  Principal other;
  other.name = request.identity();
  list->Explain(of_self ? self : other, RightOf(request.right()), Named(name_space, request.queue(), request.room()),
                response);
  if (!of_self) return absl::OkStatus();
  response->set_known_by(std::string(NameOf(self.proof)));
  response->set_token_id(self.token_id);
  if (self.expiry != absl::InfiniteFuture()) SetTime(self.expiry, response->mutable_expire_time());
  return absl::OkStatus();
}

}  // namespace nmq
