#include "server/log/store.h"

#include <errno.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "rocksdb/convenience.h"
#include "rocksdb/env.h"
#include "server/base/errors.h"
#include "server/log/store_errors.h"
#include "server/log/store_rep.h"

namespace nmq::log {
namespace {

// The store's own keys. A queue's first sequence is under kFirstPrefix and its number, both values are big-endian.
constexpr char kFormatKey[] = "format";
constexpr char kFirstPrefix[] = "first/";
constexpr uint64_t kFormat = 1;

std::string FirstKey(uint64_t queue) { return absl::StrCat(kFirstPrefix, BigEndian(queue)); }

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

// A run that was killed may have left to the operating system what this one would take for stored.
rocksdb::Status SyncLogs(const std::string& directory, rocksdb::Env* env) {
  std::vector<std::string> names;
  rocksdb::Status status = env->GetChildren(directory, &names);
  for (size_t i = 0; i < names.size() && status.ok(); ++i) {
    if (!absl::EndsWith(names[i], ".log")) continue;
    std::unique_ptr<rocksdb::WritableFile> file;
    status = env->ReopenWritableFile(absl::StrCat(directory, "/", names[i]), &file, rocksdb::EnvOptions());
    if (status.ok()) status = file->Sync();
    if (status.ok()) status = file->Close();
  }
  std::unique_ptr<rocksdb::Directory> entries;
  if (status.ok()) status = env->NewDirectory(directory, &entries);
  return status.ok() ? entries->Fsync() : status;
}

// RocksDB begins a new database where the file CURRENT is missing, whatever else is there.
absl::Status CheckComplete(const std::string& directory, rocksdb::Env* env) {
  if (env->FileExists(directory + "/CURRENT").ok()) return absl::OkStatus();
  std::vector<std::string> names;
  const rocksdb::Status status = env->GetChildren(directory, &names);
  if (!status.ok()) return OpenError(directory, status, "");
  for (const std::string& name : names) {
    if (absl::EndsWith(name, ".sst") || absl::EndsWith(name, ".log")) {
      return Damaged(directory, absl::StrCat("the file CURRENT is missing, and ", name,
                                             " is there: bring it back from a backup, or move all away"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

Store::Store(std::unique_ptr<Rep> rep) : rep_(std::move(rep)) {}

Store::~Store() {
  for (rocksdb::ColumnFamilyHandle* handle : rep_->families) {
    if (handle != nullptr) rep_->db->DestroyColumnFamilyHandle(handle);
  }
  rep_->db->Close().PermitUncheckedError();
}

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const Options& options) {
  const bool real = options.env == nullptr;
  rocksdb::Env* const env = real ? rocksdb::Env::Default() : options.env;
  auto rep = std::make_unique<Rep>();
  rep->directory = options.directory;
  while (rep->directory.size() > 1 && rep->directory.back() == '/') rep->directory.pop_back();
  const std::string& directory = rep->directory;
  if (rocksdb::Status status = MakeDirectory(directory, env, real); !status.ok()) {
    return OpenError(directory, status, "");
  }
  if (absl::Status status = CheckComplete(directory, env); !status.ok()) return status;
  if (rocksdb::Status status = SyncLogs(directory, env); !status.ok()) return OpenError(directory, status, "");

  rep->health = std::make_shared<StoreHealth>(directory, env, options.reserve_bytes);
  rep->log = std::make_shared<WarningLog>();
  const DatabaseSettings settings = {env, options.write_buffer_bytes, rep->log, rep->health,
                                     NewTrimFilterFactory(&rep->trims)};
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened =
      rocksdb::DB::Open(DatabaseOptions(settings), directory, Families(settings), &handles, &db);
  if (!opened.ok()) return OpenError(directory, opened, rep->log->Text());
  rep->db.reset(db);
  rep->health->Watch(db);
  std::copy(handles.begin(), handles.end(), rep->families.begin());
  // From here on the store closes what was opened.
  auto store = absl::WrapUnique(new Store(std::move(rep)));
  if (absl::Status status = store->rep_->Initialize(); !status.ok()) return status;
  return store;
}

absl::Status Store::Rep::Initialize() {
  health->LookAtDisk();
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
  return LoadTrimPoints();
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

rocksdb::ColumnFamilyHandle* Store::Rep::family(Table table) const {
  switch (table) {
    case Table::kMeta:
      return family(Family::kMeta);
    case Table::kGroups:
      return family(Family::kGroups);
    case Table::kRequests:
      return family(Family::kRequests);
    case Table::kSchedule:
      return family(Family::kSchedule);
  }
  return family(Family::kMeta);
}

absl::Status Store::Rep::WriteNow(rocksdb::WriteBatch* batch, Sync sync) {
  rocksdb::WriteOptions options;
  options.sync = sync == Sync::kYes;
  const rocksdb::Status status = db->Write(options, batch);
  return status.ok() ? absl::OkStatus() : health->Note(status);
}

absl::Status Store::Trim(uint64_t queue, uint64_t first, Sync sync) {
  if (first <= rep_->trims.First(queue)) return absl::OkStatus();
  if (absl::Status status = rep_->health->Check(/*messages=*/false); !status.ok()) return status;
  const absl::StatusOr<Rep::Tail> tail = rep_->LoadTail(queue);
  if (!tail.ok()) return tail.status();
  if (first > tail->end) {
    return OutOfRange(kReasonNotWritten, absl::StrCat("queue ", queue, " ends before sequence ", tail->end,
                                                      ": it cannot be trimmed up to ", first));
  }
  {
    MutexLock lock(&rep_->trim_mutex);
    if (first <= rep_->trims.First(queue)) return absl::OkStatus();
    rocksdb::WriteBatch batch;
    batch.Put(rep_->family(Family::kOwn), FirstKey(queue), BigEndian(first));
    if (absl::Status status = rep_->WriteNow(&batch, Sync::kNo); !status.ok()) return status;
    rep_->trims.Set(queue, first);
    rep_->unreclaimed.insert(queue);
  }
  return sync == Sync::kYes ? rep_->SettleTrims() : absl::OkStatus();
}

absl::Status Store::Rep::SettleTrims() {
  const std::vector<TrimPoints::Point> points = trims.Pending();
  if (points.empty()) return absl::OkStatus();
  rocksdb::WriteBatch nothing;
  if (absl::Status status = WriteNow(&nothing, Sync::kYes); !status.ok()) return status;
  for (const TrimPoints::Point& point : points) trims.SetDurable(point.queue, point.first);
  DropFiles(points);
  return absl::OkStatus();
}

void Store::Rep::DropFiles(const std::vector<TrimPoints::Point>& points) {
  std::vector<std::pair<MessageKey, MessageKey>> keys;
  std::vector<rocksdb::Slice> slices;
  std::vector<rocksdb::RangePtr> ranges;
  keys.reserve(points.size());
  slices.reserve(2 * points.size());
  for (const TrimPoints::Point& point : points) {
    keys.emplace_back(MessageKey(point.queue, 0), MessageKey(point.queue, point.first));
    slices.push_back(ToSlice(keys.back().first.bytes()));
    slices.push_back(ToSlice(keys.back().second.bytes()));
    ranges.emplace_back(&slices[slices.size() - 2], &slices[slices.size() - 1]);
  }
  const rocksdb::Status status = rocksdb::DeleteFilesInRanges(db.get(), family(Family::kMessages), ranges.data(),
                                                              ranges.size(), /*include_end=*/false);
  if (!status.ok()) (void)health->Note(status);
}

absl::Status Store::DeleteQueue(uint64_t queue) {
  if (absl::Status status = rep_->health->Check(/*messages=*/false); !status.ok()) return status;
  const MessageKey from(queue, 0);
  const std::string prefix = BigEndian(queue);
  // The last queue's keys are followed by none: beyond them is any longer key.
  const std::string to = AfterPrefix(prefix).empty() ? std::string(kMessageKeyBytes + 1, '\xff') : AfterPrefix(prefix);
  MutexLock lock(&rep_->trim_mutex);
  rocksdb::WriteBatch batch;
  batch.DeleteRange(rep_->family(Family::kMessages), ToSlice(from.bytes()), to);
  batch.Delete(rep_->family(Family::kOwn), FirstKey(queue));
  if (absl::Status status = rep_->WriteNow(&batch, Sync::kYes); !status.ok()) return status;
  rep_->trims.Erase(queue);
  rep_->unreclaimed.insert(queue);
  {
    MutexLock tails_lock(&rep_->mutex);
    rep_->tails.erase(queue);
  }
  rep_->DropFiles({{queue, UINT64_MAX}});
  return absl::OkStatus();
}

void Store::Housekeep() {
  if (rep_->health->Check(/*messages=*/false).ok()) (void)rep_->SettleTrims();
  rep_->health->LookAtDisk();
  if (rep_->health->low()) rep_->Reclaim();
  if (rep_->health->stuck()) rep_->Resume();
}

void Store::Rep::Reclaim() {
  if (!health->Check(/*messages=*/false).ok()) return;
  std::vector<uint64_t> queues;
  {
    MutexLock lock(&trim_mutex);
    queues.assign(unreclaimed.begin(), unreclaimed.end());
    unreclaimed.clear();
  }
  if (queues.empty()) return;
  // The log goes when all that is in it is in files.
  const std::vector<rocksdb::ColumnFamilyHandle*> all(families.begin(), families.end());
  if (!db->Flush(rocksdb::FlushOptions(), all).ok()) return;
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  for (uint64_t queue : queues) {
    const MessageKey from(queue, 0);
    const MessageKey to(queue, trims.First(queue));
    const rocksdb::Slice begin = ToSlice(from.bytes());
    const rocksdb::Slice end = ToSlice(to.bytes());
    if (!db->CompactRange(options, family(Family::kMessages), &begin, &end).ok()) break;
  }
  health->LookAtDisk();
}

void Store::Rep::Resume() {
  uint64_t in_memory = 0;
  db->GetAggregatedIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &in_memory);
  // What is in memory is written first, since nobody knows what the log holds.
  if (health->free_bytes() <= in_memory) return;
  const rocksdb::Status status = db->Resume();
  if (status.ok()) {
    health->Unstick();
  } else if (!status.IsNoSpace() && !status.IsBusy()) {
    (void)health->Note(status);
  }
  health->LookAtDisk();
}

absl::Status Store::health() const { return rep_->health->Check(/*messages=*/true); }

}  // namespace nmq::log
