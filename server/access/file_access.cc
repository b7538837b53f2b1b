#include "server/access/file_access.h"

#include <sys/stat.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/errors.h"
#include "glog/logging.h"
#include "server/config/text_file.h"

namespace nmq {
namespace {

constexpr char kScheme[] = "bearer ";

// Changes with the file; empty if there is none.
std::string StampOf(const std::string& path) {
  struct stat found = {};
  if (stat(path.c_str(), &found) != 0) return "";
  return absl::StrCat(found.st_dev, ".", found.st_ino, ".", found.st_size, ".", found.st_mtim.tv_sec, ".",
                      found.st_mtim.tv_nsec, ".", found.st_ctim.tv_sec, ".", found.st_ctim.tv_nsec);
}

absl::Status NobodyKnown() {
  return Unauthenticated(
      "CREDENTIALS_UNKNOWN",
      "authorization: the token is of nobody whom this server knows; it may have been taken back, or "
      "be another server's");
}

}  // namespace

absl::StatusOr<std::shared_ptr<const AccessList>> FileAccess::Read() const {
  absl::StatusOr<std::string> text = ReadFile(path_);
  if (!text.ok()) return text.status();
  auto list = AccessList::Parse(*text, path_);
  if (!list.ok()) return list.status();
  if ((*list)->identities() == 0) {
    return absl::InvalidArgumentError(absl::StrCat(path_, ": has no identity, so that nobody could do anything"));
  }
  return std::shared_ptr<const AccessList>(*std::move(list));
}

absl::StatusOr<std::unique_ptr<FileAccess>> FileAccess::Load(const std::string& path) {
  std::unique_ptr<FileAccess> access(new FileAccess(path));
  access->stamp_ = StampOf(path);
  auto list = access->Read();
  if (!list.ok()) return list.status();
  MutexLock lock(&access->mu_);
  access->list_ = *std::move(list);
  return access;
}

std::shared_ptr<const AccessList> FileAccess::list() const {
  MutexLock lock(&mu_);
  return list_;
}

bool FileAccess::Refresh() {
  // Of before the file is read: what is written meanwhile is read the next time.
  std::string stamp = StampOf(path_);
  if (stamp == stamp_) return false;
  // It may be being written.
  if (stamp != std::exchange(seen_, stamp)) return false;
  auto list = Read();
  if (!list.ok()) {
    // It may be readable the next time without having changed.
    const std::string why(list.status().message());
    if (why != std::exchange(told_, why)) LOG(ERROR) << "who may do what stays as it was: " << why;
    return false;
  }
  told_.clear();
  stamp_ = std::move(stamp);
  LOG(INFO) << "read again who may do what: " << (*list)->identities() << " identities in " << path_;
  MutexLock lock(&mu_);
  list_ = *std::move(list);
  return true;
}

absl::StatusOr<std::shared_ptr<const Principal>> FileAccess::Identify(
    std::optional<absl::string_view> authorization) const {
  if (!authorization) {
    return Unauthenticated("CREDENTIALS_MISSING",
                           "authorization: is missing, and this server asks who calls; send a token that it knows, as "
                           "metadata `authorization: Bearer TOKEN`, or by nmq --token or NMQ_TOKEN");
  }
  if (!absl::StartsWithIgnoreCase(*authorization, kScheme)) {
    return Unauthenticated("CREDENTIALS_UNKNOWN", "authorization: is not `Bearer TOKEN`");
  }
  auto principal = list()->Find(absl::StripLeadingAsciiWhitespace(authorization->substr(sizeof(kScheme) - 1)));
  if (principal == nullptr) return NobodyKnown();
  return principal;
}

absl::Status FileAccess::Check(const Call& call, Right right, absl::string_view name_space) const {
  const std::shared_ptr<const AccessList> list = this->list();
  if (call.principal == nullptr || !list->Has(*call.principal)) return NobodyKnown();
  return list->Check(call.principal->name, right, name_space);
}

}  // namespace nmq
