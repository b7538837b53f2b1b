#include "server/log/store_errors.h"

#include <sys/resource.h>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "base/errors.h"

namespace nmq::log {
namespace {

// A full disk seldom gets room within less.
constexpr absl::Duration kRetryAfter = absl::Seconds(5);

// RocksDB's text. A missing table has its old name there, which is tried last.
std::string TextOf(const rocksdb::Status& status) { return absl::StrReplaceAll(status.ToString(), {{".ldb", ".sst"}}); }

// The whole path, however long it is.
std::string About(absl::string_view directory, absl::string_view what) {
  return absl::StrCat("store in \"", absl::CHexEscape(directory), "\": ", what);
}

}  // namespace

bool LeftNothing(const rocksdb::Status& status) {
  if (!status.IsNoSpace()) return false;
  const std::string text = status.ToString();
  return !absl::StrContains(text, "While fsync") && !absl::StrContains(text, "While fdatasync");
}

bool WantsDescriptors(const rocksdb::Status& status) {
  // RocksDB hands on what the system said as text only, now and then with a code of its own. ENFILE's text begins so,
  // too.
  return absl::StrContains(status.ToString(), "Too many open files");
}

absl::Status NoDescriptors(absl::string_view directory) {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  return ResourceExhausted(
      kReasonNoDescriptors,
      About(directory, absl::StrCat("no file can be opened: this process, or the machine, has no descriptors left "
                                    "(RLIMIT_NOFILE is ",
                                    limit.rlim_cur, "). Raise the limit; it goes on by itself when others are closed")),
      kRetryAfter);
}

absl::Status DiskFull(absl::string_view directory, uint64_t free_bytes, uint64_t reserve_bytes) {
  const std::string free = absl::StrCat(free_bytes);
  const std::string reserve = absl::StrCat(reserve_bytes);
  return ResourceExhausted(kReasonDiskFull,
                           About(directory, absl::StrCat("the disk is full: ", free, " bytes are free, and ", reserve,
                                                         " are kept in reserve; make room, and writing goes on")),
                           kRetryAfter, {{"free_bytes", free}, {"reserve_bytes", reserve}});
}

absl::Status StoreFailed(absl::string_view directory, const rocksdb::Status& cause) {
  return Unavailable(
      kReasonStoreFailed,
      About(directory, absl::StrCat("writing failed, so nothing more is written until a restart; look at the disk: ",
                                    cause.ToString())),
      absl::ZeroDuration());
}

absl::Status Damaged(absl::string_view directory, absl::string_view what) {
  return DataLoss(kReasonStoreDamaged, About(directory, what));
}

absl::Status Incomplete(absl::string_view directory, absl::string_view what) {
  return DataLoss(kReasonStoreIncomplete,
                  About(directory, absl::StrCat(what,
                                                ": messages that were answered as stored are lost. Put the file back, "
                                                "or bring the directory back from a backup; or start once with "
                                                "--accept_data_loss, which goes on with what is there, and begins a "
                                                "new epoch of every queue, so that subscribers are told")));
}

absl::Status OpenError(absl::string_view directory, const rocksdb::Status& status, absl::string_view warnings) {
  std::string text = TextOf(status);
  if (WantsDescriptors(status)) return NoDescriptors(directory);
  if (status.IsNoSpace()) {
    return ResourceExhausted(kReasonDiskFull, About(directory, absl::StrCat("cannot be opened on a full disk: ", text)),
                             kRetryAfter);
  }
  // RocksDB hands on what the system said as text only.
  if (absl::StrContains(text, "While lock file") || absl::StrContains(text, "lock hold by current process")) {
    return FailedPrecondition(kReasonStoreInUse,
                              About(directory, absl::StrCat("another process or store has it open, and each needs a "
                                                            "directory of its own: ",
                                                            text)));
  }
  for (const char* denied : {"Permission denied", "Operation not permitted", "Read-only file system"}) {
    if (absl::StrContains(text, denied)) {
      return PermissionDenied(
          kReasonStoreDirectory,
          About(directory, absl::StrCat("needs a directory that this user may read and write: ", text)));
    }
  }
  if (absl::StrContains(text, "is not a directory") || absl::StrContains(text, "Not a directory")) {
    return FailedPrecondition(kReasonStoreDirectory,
                              About(directory, absl::StrCat("there is something else than a directory: ", text)));
  }
  if (absl::StrContains(text, "While mkdir")) {
    return FailedPrecondition(kReasonStoreDirectory,
                              About(directory, absl::StrCat("the directory cannot be made: ", text)));
  }
  if (status.IsCorruption() || status.IsPathNotFound() || status.IsNotFound()) {
    if (!warnings.empty()) absl::StrAppend(&text, " (", warnings, ")");
    return Damaged(directory,
                   absl::StrCat("damaged; bring it back from a backup, or move it away to begin anew: ", text));
  }
  return Unavailable(kReasonStoreFailed, About(directory, absl::StrCat("cannot be opened; look at the disk: ", text)),
                     absl::ZeroDuration());
}

absl::Status ReadError(absl::string_view directory, const rocksdb::Status& status) {
  if (WantsDescriptors(status)) return NoDescriptors(directory);
  if (status.IsCorruption() || status.IsPathNotFound()) return Damaged(directory, TextOf(status));
  return Unavailable(kReasonStoreFailed, About(directory, absl::StrCat("cannot be read: ", TextOf(status))),
                     absl::ZeroDuration());
}

}  // namespace nmq::log
