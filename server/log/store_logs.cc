// A look at the logs before RocksDB reads them: whether what was synced is there, and what is torn.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "rocksdb/env.h"
#include "server/log/log_check.h"
#include "server/log/store_errors.h"
#include "server/log/store_rep.h"

namespace nmq::log {
namespace {

// What is behind a loss is kept under its name with this: nobody reads it again.
constexpr char kAside[] = ".aside";

// DATA_LOSS if the end of a manifest is damaged in a way that RocksDB would not see.
absl::Status CheckManifestEnd(const std::string& directory, const std::string& name, rocksdb::Env* env) {
  const std::string path = absl::StrCat(directory, "/", name);
  uint64_t bytes = 0;
  std::unique_ptr<rocksdb::RandomAccessFile> file;
  rocksdb::Status status = env->GetFileSize(path, &bytes);
  if (status.ok()) status = env->NewRandomAccessFile(path, &file, rocksdb::EnvOptions());
  rocksdb::Slice block;
  const uint64_t start = bytes / kLogBlockBytes * kLogBlockBytes;
  std::string buffer(bytes - start, '\0');
  if (status.ok() && !buffer.empty()) status = file->Read(start, buffer.size(), &block, buffer.data());
  if (!status.ok()) return OpenError(directory, status, "");
  const std::optional<size_t> damaged = FindDamagedLength(ToView(block));
  if (!damaged.has_value()) return absl::OkStatus();
  return Damaged(directory, absl::StrCat("damaged; bring it back from a backup: ", name, ": the record at offset ",
                                         start + *damaged, " has a wrong length"));
}

absl::Status CheckManifests(const std::string& directory, rocksdb::Env* env) {
  std::vector<std::string> names;
  const rocksdb::Status status = env->GetChildren(directory, &names);
  if (!status.ok()) return OpenError(directory, status, "");
  for (const std::string& name : names) {
    if (!absl::StartsWith(name, "MANIFEST-")) continue;
    if (absl::Status checked = CheckManifestEnd(directory, name, env); !checked.ok()) return checked;
  }
  return absl::OkStatus();
}

// Hands to the disk what a run that was killed has left to the operating system: this one would take it for stored.
// What is behind `bytes` is cut off.
rocksdb::Status SyncLog(const std::string& path, std::optional<uint64_t> bytes, rocksdb::Env* env) {
  std::unique_ptr<rocksdb::WritableFile> file;
  rocksdb::Status status = env->ReopenWritableFile(path, &file, rocksdb::EnvOptions());
  if (status.ok() && bytes.has_value()) status = file->Truncate(*bytes);
  if (status.ok()) status = file->Sync();
  return status.ok() ? file->Close() : status;
}

rocksdb::Status SyncEntries(const std::string& directory, rocksdb::Env* env) {
  std::unique_ptr<rocksdb::Directory> entries;
  const rocksdb::Status status = env->NewDirectory(directory, &entries);
  return status.ok() ? entries->Fsync() : status;
}

}  // namespace

absl::Status Store::Rep::PrepareLogs() {
  if (!env->FileExists(directory + "/CURRENT").ok()) return absl::OkStatus();  // there is nothing yet
  // Another process may be about to write to them. RocksDB takes the lock again.
  rocksdb::FileLock* lock = nullptr;
  const rocksdb::Status locked = env->LockFile(directory + "/LOCK", &lock);
  if (!locked.ok()) return OpenError(directory, locked, "");
  const absl::Status status = CheckLogs();
  const rocksdb::Status unlocked = env->UnlockFile(lock);
  if (status.ok() && !unlocked.ok()) return OpenError(directory, unlocked, "");
  return status;
}

absl::Status Store::Rep::CheckLogs() {
  if (absl::Status status = CheckManifests(directory, env); !status.ok()) return status;
  std::vector<LogFile> files;
  rocksdb::Status status = ListLogs(directory, env, &files);
  std::vector<FoundLog> logs;
  for (size_t i = 0; i < files.size() && status.ok(); ++i) {
    status = SyncLog(absl::StrCat(directory, "/", files[i].name), std::nullopt, env);
    if (!status.ok()) break;
    absl::StatusOr<FoundLog> found = ScanLog(files[i]);
    if (!found.ok()) return found.status();
    logs.push_back(*std::move(found));
  }
  if (status.ok()) status = SyncEntries(directory, env);
  if (!status.ok()) return OpenError(directory, status, "");

  std::optional<SyncMark> mark;
  status = marks.Load(&mark);
  if (status.IsCorruption()) return Damaged(directory, status.ToString());
  if (!status.ok()) return OpenError(directory, status, "");
  found_mark = mark.has_value();
  // Of what an older version has left nobody knows what was synced: RocksDB decides about its end.
  if (mark.has_value()) {
    if (absl::Status synced = CheckSynced(*mark, &logs); !synced.ok()) return synced;
    if (absl::Status dropped = DropTorn(logs); !dropped.ok()) return dropped;
  }
  finished_logs.clear();
  for (const FoundLog& found : logs) finished_logs[found.file.number] = found.last_change;
  return absl::OkStatus();
}

absl::StatusOr<Store::Rep::FoundLog> Store::Rep::ScanLog(const LogFile& file) const {
  std::unique_ptr<rocksdb::SequentialFile> content;
  rocksdb::Status status =
      env->NewSequentialFile(absl::StrCat(directory, "/", file.name), &content, rocksdb::EnvOptions());
  LogScanner scanner;
  std::string buffer(kLogBlockBytes, '\0');
  rocksdb::Slice block(buffer);
  while (status.ok() && block.size() == kLogBlockBytes) {
    status = content->Read(kLogBlockBytes, &block, buffer.data());
    if (status.ok()) scanner.Add(ToView(block));
  }
  if (!status.ok()) return OpenError(directory, status, "");
  if (scanner.damaged()) {
    return Damaged(directory, absl::StrCat("damaged; bring it back from a backup: ", file.name,
                                           ": the record at offset ", scanner.end(),
                                           " is not whole, and another one "
                                           "follows"));
  }
  return FoundLog{file, scanner.last_change(), scanner.end(), scanner.bytes()};
}

absl::Status Store::Rep::CheckSynced(const SyncMark& mark, std::vector<FoundLog>* logs) {
  std::optional<uint64_t> needed;  // the number of the oldest log that counts
  for (const SyncMark::Log& synced : mark.logs) {
    const auto found =
        std::find_if(logs->begin(), logs->end(), [&](const FoundLog& one) { return one.file.number == synced.number; });
    if (found != logs->end() && found->last_change >= synced.change) continue;
    if (!needed.has_value()) {
      absl::StatusOr<uint64_t> first = FirstLogNeeded();
      if (!first.ok()) return first.status();
      needed = *first;
    }
    // What was in it is in tables.
    if (synced.number < *needed) continue;
    const std::string what = found == logs->end()
                                 ? absl::StrCat(absl::Dec(synced.number, absl::kZeroPad6), ".log is missing, which was")
                                 : absl::StrCat(found->file.name, " is whole up to offset ", found->end,
                                                " only, with change ", found->last_change, ", and was");
    const absl::Status lost = Incomplete(directory, absl::StrCat(what, " synced up to change ", synced.change));
    if (!accept_loss) return lost;
    loss = lost;
    return SetAside(synced.number, logs);
  }
  return absl::OkStatus();
}

absl::Status Store::Rep::SetAside(uint64_t number, std::vector<FoundLog>* logs) {
  while (!logs->empty() && logs->back().file.number > number) {
    const std::string& name = logs->back().file.name;
    const std::string path = absl::StrCat(directory, "/", name);
    const rocksdb::Status moved = env->RenameFile(path, path + kAside);
    if (!moved.ok()) return OpenError(directory, moved, "");
    notes.push_back(absl::StrCat("store in \"", directory, "\": ", name, " is set aside as ", name, kAside,
                                 ", for it may build on what is lost"));
    logs->pop_back();
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> Store::Rep::FirstLogNeeded() {
  const DatabaseSettings settings = Settings();
  rocksdb::DBOptions options = DatabaseOptions(settings);
  // It is about what the manifest says, not about the logs.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
  options.listeners.clear();
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::OpenForReadOnly(options, directory, Families(settings), &handles, &opened);
  if (!status.ok()) return OpenError(directory, status, log->Text());
  const std::unique_ptr<rocksdb::DB> reader(opened);
  uint64_t number = 0;
  const bool known = reader->GetIntProperty(rocksdb::DB::Properties::kMinLogNumberToKeep, &number);
  for (rocksdb::ColumnFamilyHandle* handle : handles) reader->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  return known ? number : 0;
}

absl::Status Store::Rep::DropTorn(const std::vector<FoundLog>& logs) {
  for (const FoundLog& found : logs) {
    if (found.end == found.bytes) continue;
    const rocksdb::Status cut = SyncLog(absl::StrCat(directory, "/", found.file.name), found.end, env);
    if (!cut.ok()) return OpenError(directory, cut, "");
    notes.push_back(absl::StrCat("store in \"", directory, "\": dropped the last ", found.bytes - found.end,
                                 " bytes of ", found.file.name, ", from offset ", found.end,
                                 " on: a record that was not written to its end, and not synced as far as is known"));
  }
  return absl::OkStatus();
}

absl::Status Store::Rep::CheckMarked() {
  std::string value;
  const rocksdb::Status found = db->Get(rocksdb::ReadOptions(), family(Family::kOwn), kMarkedKey, &value);
  if (!found.ok() && !found.IsNotFound()) return ReadError(directory, found);
  marked = found.ok();
  if (!marked || found_mark || !loss.ok()) return absl::OkStatus();
  const absl::Status missing =
      Incomplete(directory, absl::StrCat(kSyncMarkFile, " is missing, which says what was synced"));
  if (!accept_loss) return missing;
  loss = missing;
  return absl::OkStatus();
}

absl::Status Store::Rep::BeginMarks() {
  // Opening has synced the logs.
  marks.Note(db->GetLatestSequenceNumber());
  marks.Start(finished_logs);
  // If there is no room for it now, there will be.
  if (!marks.Write().ok() || marked) return absl::OkStatus();
  rocksdb::WriteBatch batch;
  batch.Put(family(Family::kOwn), kMarkedKey, "");
  marked = true;
  return WriteNow(&batch, Sync::kYes);
}

void Store::Rep::LogNotes() {
  std::vector<std::string> lines;
  {
    MutexLock lock(&open_mutex);
    lines.swap(notes);
  }
  for (const std::string& line : lines) LOG(WARNING) << line;
}

}  // namespace nmq::log
