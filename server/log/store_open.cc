#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "rocksdb/env.h"
#include "server/log/store.h"
#include "server/log/store_errors.h"
#include "server/log/store_rep.h"

namespace nmq::log {
namespace {

constexpr uint64_t kFormat = 1;
// What opening writes at the most, besides what is in the logs.
constexpr uint64_t kReopenBytes = 1 << 20;

// What opening opens at once, besides what closing gives back.
constexpr int kReopenDescriptors = 16;

bool HaveDescriptors(int count) {
  std::vector<int> fds;
  while (static_cast<int>(fds.size()) < count) {
    const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0) break;
    fds.push_back(fd);
  }
  for (const int fd : fds) close(fd);
  return static_cast<int>(fds.size()) == count;
}

std::string WithoutSlash(std::string directory) {
  while (directory.size() > 1 && directory.back() == '/') directory.pop_back();
  return directory;
}

// Makes the directory if it is not there.
rocksdb::Status MakeDirectory(const std::string& directory, rocksdb::Env* env, bool real) {
  // RocksDB would let everybody read it.
  if (real && mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return rocksdb::Status::IOError("While mkdir", absl::StrCat(directory, ": ", strerror(errno)));
  }
  rocksdb::Status status = env->CreateDirIfMissing(directory);
  if (!status.ok()) return status;
  // The new entry must survive like what is in it.
  const size_t slash = directory.find_last_of('/');
  std::unique_ptr<rocksdb::Directory> parent;
  const std::string above = slash == std::string::npos ? "." : slash == 0 ? "/" : directory.substr(0, slash);
  status = env->NewDirectory(above, &parent);
  return status.ok() ? parent->Fsync() : status;
}

// Whether a file of a store's directory is the store's.
bool IsOfStore(absl::string_view name) {
  for (const absl::string_view own : {"CURRENT", "IDENTITY", "LOCK", kSyncMarkFile}) {
    if (name == own) return true;
  }
  if (absl::StartsWith(name, "MANIFEST-") || absl::StartsWith(name, "OPTIONS-")) return true;
  return absl::EndsWith(name, ".sst") || absl::EndsWith(name, ".log") || absl::EndsWith(name, ".aside");
}

// An older version, or who copied them here, may have let others read the files. What cannot be changed is named in
// `notes`.
void TightenFiles(const std::string& directory, rocksdb::Env* env, std::vector<std::string>* notes) {
  std::vector<std::string> names;
  if (!env->FileExists(directory + "/CURRENT").ok() || !env->GetChildren(directory, &names).ok()) return;
  for (const std::string& name : names) {
    const std::string path = absl::StrCat(directory, "/", name);
    struct stat about;
    if (!IsOfStore(name) || lstat(path.c_str(), &about) != 0 || !S_ISREG(about.st_mode)) continue;
    if ((about.st_mode & (S_IRWXG | S_IRWXO)) == 0 || chmod(path.c_str(), about.st_mode & S_IRWXU) == 0) continue;
    notes->push_back(absl::StrCat(path, " is not for its owner only, and cannot be made so: ", strerror(errno)));
  }
}

// RocksDB begins a new database where the file CURRENT is missing, whatever else is there.
absl::Status CheckComplete(const std::string& directory, rocksdb::Env* env) {
  if (env->FileExists(directory + "/CURRENT").ok()) return absl::OkStatus();
  std::vector<std::string> names;
  const rocksdb::Status status = env->GetChildren(directory, &names);
  if (!status.ok()) return OpenError(directory, status, "");
  for (const std::string& name : names) {
    if (absl::EndsWith(name, ".sst") || absl::EndsWith(name, ".log") || name == kSyncMarkFile) {
      return Damaged(directory, absl::StrCat("the file CURRENT is missing, and ", name,
                                             " is there: bring it back from a backup, or move all away"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

Store::Store(std::unique_ptr<Rep> rep) : rep_(std::move(rep)) {}
Store::~Store() = default;

Store::Rep::Rep(const Options& opts)
    : store_options(opts),
      directory(WithoutSlash(opts.directory)),
      env(opts.env == nullptr ? rocksdb::Env::Default() : opts.env),
      marks(directory, env),
      health(std::make_shared<StoreHealth>(directory, env, opts.reserve_bytes, &marks)),
      accept_loss(opts.accept_loss) {}

Store::Rep::~Rep() {
  MutexLock lock(&open_mutex);
  CloseDatabase();
}

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const Options& options) {
  auto rep = std::make_unique<Rep>(options);
  {
    MutexLock lock(&rep->open_mutex);
    if (absl::Status status = rep->Open(); !status.ok()) return status;
  }
  rep->LogNotes();
  return absl::WrapUnique(new Store(std::move(rep)));
}

absl::Status Store::Rep::Open() {
  if (rocksdb::Status status = MakeDirectory(directory, env, store_options.env == nullptr); !status.ok()) {
    return OpenError(directory, status, "");
  }
  if (store_options.env == nullptr) TightenFiles(directory, env, &notes);
  if (absl::Status status = OpenDatabase(/*read_only=*/false); !status.ok()) return status;
  health->LookAtDisk();
  if (absl::Status status = CheckFormat(); !status.ok()) return status;
  if (absl::Status status = LoadTrimPoints(); !status.ok()) return status;
  if (absl::Status status = CheckMarked(); !status.ok()) return status;
  accept_loss = false;
  return loss.ok() ? BeginMarks() : absl::OkStatus();
}

DatabaseSettings Store::Rep::Settings() const {
  return {.env = env,
          .write_buffer_bytes = store_options.write_buffer_bytes,
          .table_buffer_bytes = store_options.table_buffer_bytes,
          .block_cache_bytes = store_options.block_cache_bytes,
          .log_bytes = store_options.log_bytes,
          .open_files = store_options.open_files,
          .log = log,
          .listener = health,
          .filter = NewTrimFilterFactory(&trims)};
}

absl::Status Store::Rep::OpenDatabase(bool read_only) {
  if (absl::Status status = CheckComplete(directory, env); !status.ok()) return status;
  log = std::make_shared<WarningLog>();
  const DatabaseSettings settings = Settings();
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  rocksdb::Status status;
  if (read_only) {
    status = rocksdb::DB::OpenForReadOnly(DatabaseOptions(settings), directory, Families(settings), &handles, &opened);
  } else {
    if (absl::Status prepared = PrepareLogs(); !prepared.ok()) return prepared;
    status = rocksdb::DB::Open(DatabaseOptions(settings), directory, Families(settings), &handles, &opened);
  }
  if (!status.ok()) return OpenError(directory, status, log->Text());
  db.reset(opened);
  std::copy(handles.begin(), handles.end(), families.begin());
  if (!read_only) health->Watch(opened);
  return absl::OkStatus();
}

void Store::Rep::CloseDatabase() {
  const bool writable = health->Watch(nullptr) != nullptr;
  if (db == nullptr) return;
  if (writable && health->Check(/*messages=*/false).ok()) {
    // By a write, not by SyncWAL: RocksDB 7.8 aborts when that comes to a log whose sync has just failed elsewhere.
    rocksdb::WriteBatch nothing;
    const bool synced = marks.noted() >= db->GetLatestSequenceNumber() || WriteNow(&nothing, Sync::kYes).ok();
    if (synced) marks.Write().PermitUncheckedError();
  }
  for (rocksdb::ColumnFamilyHandle*& handle : families) {
    db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    handle = nullptr;
  }
  db->Close().PermitUncheckedError();
  db.reset();
}

absl::Status Store::Rep::CheckFormat() {
  std::string value;
  const rocksdb::Status found = db->Get(rocksdb::ReadOptions(), family(Family::kOwn), kFormatKey, &value);
  if (found.IsNotFound()) {
    rocksdb::WriteBatch batch;
    batch.Put(family(Family::kOwn), kFormatKey, BigEndian(kFormat));
    return WriteNow(&batch, Sync::kYes);
  }
  if (!found.ok()) return ReadError(directory, found);
  uint64_t format;
  if (!ParseBigEndian(value, &format)) return Damaged(directory, absl::StrCat("unknown format ", Quote(value)));
  if (format != kFormat) {
    return FailedPrecondition(kReasonStoreVersion, absl::StrCat("store in ", Quote(directory), " has format ", format,
                                                                "; this program knows format ", kFormat));
  }
  return absl::OkStatus();
}

absl::Status Store::Rep::LoadTrimPoints() {
  const absl::string_view prefix = kFirstPrefix;
  const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(rocksdb::ReadOptions(), family(Family::kOwn)));
  for (it->Seek(ToSlice(prefix)); it->Valid() && it->key().starts_with(ToSlice(prefix)); it->Next()) {
    uint64_t queue;
    uint64_t first;
    if (!ParseBigEndian(ToView(it->key()).substr(prefix.size()), &queue) ||
        !ParseBigEndian(ToView(it->value()), &first)) {
      return Damaged(directory, absl::StrCat("unknown key ", Quote(ToView(it->key()))));
    }
    trims.Set(queue, first);
    trims.SetDurable(queue, first);  // opening has synced the logs
  }
  return it->status().ok() ? absl::OkStatus() : ReadError(directory, it->status());
}

void Store::Rep::Reopen() {
  uint64_t in_memory = 0;
  if (db != nullptr) db->GetAggregatedIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &in_memory);
  // What is in memory may have to become a file while it is read from the log.
  if (health->free_bytes() < in_memory + kReopenBytes || !HaveDescriptors(kReopenDescriptors)) return;
  CloseDatabase();
  absl::Status status = OpenDatabase(/*read_only=*/false);
  if (status.ok()) {
    marks.Start(finished_logs);
    health->Unstick();
  } else if (status.code() == absl::StatusCode::kResourceExhausted) {
    // Reading goes on.
    status = OpenDatabase(/*read_only=*/true);
  }
  // What can be read from it is read again once there are descriptors.
  if (!status.ok() && ReasonOf(status) != kReasonNoDescriptors) health->Fail(status);
}

}  // namespace nmq::log
