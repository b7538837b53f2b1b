#include "tests/testing/fault_file_system.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "rocksdb/system_clock.h"

namespace nmq {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// Without a slash at the end.
std::string Trimmed(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string DirectoryOf(const std::string& path) { return Trimmed(std::filesystem::path(path).parent_path().string()); }

std::optional<std::string> ContentOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class ImpatientClock final : public rocksdb::SystemClockWrapper {
 public:
  ImpatientClock() : SystemClockWrapper(rocksdb::SystemClock::Default()) {}
  const char* Name() const override { return "ImpatientClock"; }
  void SleepForMicroseconds(int us) override { target_->SleepForMicroseconds(std::min(us, 1000)); }
};

class FaultEnv final : public rocksdb::EnvWrapper {
 public:
  explicit FaultEnv(std::unique_ptr<rocksdb::Env> env) : EnvWrapper(std::move(env)) {
    system_clock_ = std::make_shared<ImpatientClock>();
  }
  const char* Name() const override { return "FaultEnv"; }
};

}  // namespace

class FaultFileSystem::File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(std::string path, std::unique_ptr<rocksdb::FSWritableFile> file, FaultFileSystem* fs)
      : FSWritableFileOwnerWrapper(std::move(file)), path_(std::move(path)), fs_(fs) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    uint64_t taken = 0;
    IOStatus status = fs_->AdmitBytes(path_, data.size(), &taken);
    const IOStatus written = target()->Append(Slice(data.data(), taken), options, debug);
    return status.ok() ? written : status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& /*info*/,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus PositionedAppend(const Slice& /*data*/, uint64_t /*offset*/, const IOOptions& /*options*/,
                            IODebugContext* /*debug*/) override {
    return IOStatus::NotSupported("only appending");
  }
  IOStatus Truncate(uint64_t bytes, const IOOptions& options, IODebugContext* debug) override {
    const IOStatus status = target()->Truncate(bytes, options, debug);
    if (status.ok()) fs_->SetSize(path_, bytes);
    return status;
  }
  IOStatus Sync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override { return fs_->SyncFile(path_); }
  IOStatus Fsync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override { return fs_->SyncFile(path_); }
  IOStatus RangeSync(uint64_t /*offset*/, uint64_t /*bytes*/, const IOOptions& /*options*/,
                     IODebugContext* /*debug*/) override {
    return IOStatus::OK();
  }
  // Space is counted as it is written.
  void PrepareWrite(size_t /*offset*/, size_t /*bytes*/, const IOOptions& /*options*/,
                    IODebugContext* /*debug*/) override {}
  IOStatus Allocate(uint64_t /*offset*/, uint64_t /*bytes*/, const IOOptions& /*options*/,
                    IODebugContext* /*debug*/) override {
    return IOStatus::OK();
  }

 private:
  const std::string path_;
  FaultFileSystem* const fs_;
};

class FaultFileSystem::ReadFile final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  ReadFile(std::string path, std::unique_ptr<rocksdb::FSRandomAccessFile> file, const FaultFileSystem* fs)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), path_(std::move(path)), fs_(fs) {}

  IOStatus Read(uint64_t offset, size_t bytes, const IOOptions& options, Slice* result, char* scratch,
                IODebugContext* debug) const override {
    if (IOStatus status = fs_->CheckRead(path_); !status.ok()) return status;
    return target()->Read(offset, bytes, options, result, scratch, debug);
  }

 private:
  const std::string path_;
  const FaultFileSystem* const fs_;
};

class FaultFileSystem::OverwritableFile final : public rocksdb::FSRandomRWFileOwnerWrapper {
 public:
  OverwritableFile(std::string path, std::unique_ptr<rocksdb::FSRandomRWFile> file, FaultFileSystem* fs)
      : FSRandomRWFileOwnerWrapper(std::move(file)), path_(std::move(path)), fs_(fs) {}

  IOStatus Write(uint64_t offset, const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    const IOStatus status = fs_->AdmitOverwrite(path_, offset, data.size());
    return status.ok() ? target()->Write(offset, data, options, debug) : status;
  }
  IOStatus Sync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override { return fs_->SyncFile(path_); }
  IOStatus Fsync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override { return fs_->SyncFile(path_); }

 private:
  const std::string path_;
  FaultFileSystem* const fs_;
};

class FaultFileSystem::Directory final : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(std::string path, std::unique_ptr<rocksdb::FSDirectory> directory, FaultFileSystem* fs)
      : FSDirectoryWrapper(std::move(directory)), path_(std::move(path)), fs_(fs) {}

  IOStatus Fsync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override { return fs_->SyncDirectory(path_); }
  IOStatus FsyncWithDirOptions(const IOOptions& /*options*/, IODebugContext* /*debug*/,
                               const rocksdb::DirFsyncOptions& /*directory_options*/) override {
    return fs_->SyncDirectory(path_);
  }

 private:
  const std::string path_;
  FaultFileSystem* const fs_;
};

void FaultFileSystem::CutPowerAfter(uint64_t changes) {
  MutexLock lock(&mutex_);
  changes_left_ = changes;
}

bool FaultFileSystem::power_is_off() const {
  MutexLock lock(&mutex_);
  return changes_left_ == uint64_t{0};
}

void FaultFileSystem::SwallowSyncs(bool swallow) {
  MutexLock lock(&mutex_);
  swallow_syncs_ = swallow;
}

void FaultFileSystem::FailSyncs(bool fail) {
  MutexLock lock(&mutex_);
  fail_syncs_ = fail;
}

void FaultFileSystem::FailReads(bool fail) {
  MutexLock lock(&mutex_);
  fail_reads_ = fail;
}

void FaultFileSystem::OnSync(std::function<void()> hook) {
  MutexLock lock(&mutex_);
  on_sync_ = std::move(hook);
}

void FaultFileSystem::OnWrite(std::function<void()> hook) {
  MutexLock lock(&mutex_);
  on_write_ = std::move(hook);
}

void FaultFileSystem::DenyWriting(bool deny) {
  MutexLock lock(&mutex_);
  deny_writing_ = deny;
}

void FaultFileSystem::SetSpace(uint64_t bytes, Freed freed) {
  MutexLock lock(&mutex_);
  space_ = bytes;
  freed_ = freed;
}

void FaultFileSystem::Undo(const Change& change) {
  std::error_code ignored;
  if (change.from.empty()) {
    std::filesystem::remove(change.path, ignored);
    files_.erase(change.path);
  } else {
    std::filesystem::rename(change.path, change.from, ignored);
    if (const auto file = files_.extract(change.path)) files_[change.from] = file.mapped();
  }
  if (change.replaced.has_value()) std::ofstream(change.path, std::ios::binary) << *change.replaced;
}

void FaultFileSystem::Undo(const Overwrite& overwrite, std::mt19937* random) {
  constexpr size_t kSectorBytes = 512;
  std::fstream file(overwrite.path, std::ios::binary | std::ios::in | std::ios::out);
  for (size_t at = 0; at < overwrite.before.size(); at += kSectorBytes) {
    if (random != nullptr && std::uniform_int_distribution<int>(0, 1)(*random) == 0) continue;
    const std::string sector = overwrite.before.substr(at, kSectorBytes);
    file.seekp(static_cast<std::streamoff>(overwrite.offset + at));
    file.write(sector.data(), static_cast<std::streamsize>(sector.size()));
  }
}

void FaultFileSystem::RestorePower(std::mt19937* random) {
  MutexLock lock(&mutex_);
  for (; !overwrites_.empty(); overwrites_.pop_back()) Undo(overwrites_.back(), random);
  for (; !changes_.empty(); changes_.pop_back()) Undo(changes_.back());
  for (const auto& [path, sizes] : files_) {
    uint64_t kept = sizes.synced;
    if (random != nullptr) kept = std::uniform_int_distribution<uint64_t>(sizes.synced, sizes.bytes)(*random);
    std::error_code ignored;
    if (kept < sizes.bytes) std::filesystem::resize_file(path, kept, ignored);
  }
  files_.clear();
  changes_left_.reset();
}

IOStatus FaultFileSystem::Admit() {
  if (changes_left_ == uint64_t{0}) return IOStatus::IOError("the power is off");
  if (deny_writing_) return IOStatus::IOError("While writing", "Permission denied");
  if (changes_left_.has_value()) --*changes_left_;
  return IOStatus::OK();
}

IOStatus FaultFileSystem::AdmitBytes(const std::string& path, uint64_t bytes, uint64_t* taken) {
  std::function<void()> on_write;
  {
    MutexLock lock(&mutex_);
    on_write = on_write_;
  }
  if (on_write) on_write();
  MutexLock lock(&mutex_);
  *taken = 0;
  if (IOStatus status = Admit(); !status.ok()) return status;
  *taken = space_.has_value() ? std::min(*space_, bytes) : bytes;
  files_[path].bytes += *taken;
  if (space_.has_value()) *space_ -= *taken;
  if (*taken == bytes) return IOStatus::OK();
  IOStatus full = IOStatus::NoSpace("While appending to file", path);
  full.SetRetryable(true);
  return full;
}

IOStatus FaultFileSystem::CheckRead(const std::string& path) const {
  MutexLock lock(&mutex_);
  return fail_reads_ ? IOStatus::IOError("While pread", path + ": Input/output error") : IOStatus::OK();
}

IOStatus FaultFileSystem::AdmitOverwrite(const std::string& path, uint64_t offset, uint64_t bytes) {
  MutexLock lock(&mutex_);
  if (IOStatus status = Admit(); !status.ok()) return status;
  overwrites_.push_back({path, offset, ContentOf(path).value_or("").substr(offset, bytes)});
  return IOStatus::OK();
}

IOStatus FaultFileSystem::SyncFile(const std::string& path) {
  std::function<void()> on_sync;
  {
    MutexLock lock(&mutex_);
    if (absl::EndsWith(path, ".log")) on_sync = on_sync_;
  }
  if (on_sync) on_sync();
  MutexLock lock(&mutex_);
  if (IOStatus status = Admit(); !status.ok()) return status;
  if (fail_syncs_) return IOStatus::IOError("While fsync", path + ": Input/output error");
  if (swallow_syncs_) return IOStatus::OK();
  if (const auto file = files_.find(path); file != files_.end()) file->second.synced = file->second.bytes;
  overwrites_.erase(std::remove_if(overwrites_.begin(), overwrites_.end(),
                                   [&](const Overwrite& overwrite) { return overwrite.path == path; }),
                    overwrites_.end());
  return IOStatus::OK();
}

IOStatus FaultFileSystem::SyncDirectory(const std::string& path) {
  MutexLock lock(&mutex_);
  if (IOStatus status = Admit(); !status.ok()) return status;
  if (swallow_syncs_) return IOStatus::OK();
  changes_.erase(
      std::remove_if(changes_.begin(), changes_.end(), [&](const Change& change) { return change.directory == path; }),
      changes_.end());
  return IOStatus::OK();
}

void FaultFileSystem::SetSize(const std::string& path, uint64_t bytes) {
  MutexLock lock(&mutex_);
  Sizes& sizes = files_[path];
  sizes.bytes = bytes;
  sizes.synced = std::min(sizes.synced, bytes);
}

IOStatus FaultFileSystem::NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions& options,
                                              std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                              IODebugContext* debug) {
  const IOStatus status = target()->NewRandomAccessFile(path, options, result, debug);
  if (status.ok()) *result = std::make_unique<ReadFile>(path, std::move(*result), this);
  return status;
}

IOStatus FaultFileSystem::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) {
  MutexLock lock(&mutex_);
  if (IOStatus status = Admit(); !status.ok()) return status;
  std::optional<std::string> replaced = ContentOf(path);
  const IOStatus status = target()->NewWritableFile(path, options, result, debug);
  if (!status.ok()) return status;
  changes_.push_back({DirectoryOf(path), path, "", std::move(replaced)});
  files_[path] = Sizes();
  *result = std::make_unique<File>(path, std::move(*result), this);
  return status;
}

IOStatus FaultFileSystem::ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) {
  MutexLock lock(&mutex_);
  if (IOStatus status = Admit(); !status.ok()) return status;
  const IOStatus status = target()->ReopenWritableFile(path, options, result, debug);
  if (!status.ok()) return status;
  const uint64_t bytes = std::filesystem::file_size(path);
  files_.try_emplace(path, Sizes{bytes, bytes});
  *result = std::make_unique<File>(path, std::move(*result), this);
  return status;
}

IOStatus FaultFileSystem::NewRandomRWFile(const std::string& path, const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSRandomRWFile>* result, IODebugContext* debug) {
  const IOStatus status = target()->NewRandomRWFile(path, options, result, debug);
  if (status.ok()) *result = std::make_unique<OverwritableFile>(path, std::move(*result), this);
  return status;
}

IOStatus FaultFileSystem::NewDirectory(const std::string& path, const IOOptions& options,
                                       std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext* debug) {
  const IOStatus status = target()->NewDirectory(path, options, result, debug);
  if (status.ok()) *result = std::make_unique<Directory>(Trimmed(path), std::move(*result), this);
  return status;
}

IOStatus FaultFileSystem::CreateDirIfMissing(const std::string& path, const IOOptions& options, IODebugContext* debug) {
  if (target()->FileExists(path, options, debug).ok()) return target()->CreateDirIfMissing(path, options, debug);
  MutexLock lock(&mutex_);
  if (IOStatus status = Admit(); !status.ok()) return status;
  return target()->CreateDirIfMissing(path, options, debug);
}

IOStatus FaultFileSystem::DeleteFile(const std::string& path, const IOOptions& options, IODebugContext* debug) {
  MutexLock lock(&mutex_);
  if (IOStatus status = Admit(); !status.ok()) return status;
  std::error_code missing;
  const uint64_t bytes = std::filesystem::file_size(path, missing);
  const IOStatus status = target()->DeleteFile(path, options, debug);
  if (!status.ok()) return status;
  files_.erase(path);
  if (space_.has_value() && freed_ == Freed::kIsRoom && !missing) *space_ += bytes;
  return status;
}

IOStatus FaultFileSystem::Truncate(const std::string& path, size_t bytes, const IOOptions& options,
                                   IODebugContext* debug) {
  const IOStatus status = target()->Truncate(path, bytes, options, debug);
  if (status.ok()) SetSize(path, bytes);
  return status;
}

IOStatus FaultFileSystem::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                     IODebugContext* debug) {
  MutexLock lock(&mutex_);
  if (IOStatus status = Admit(); !status.ok()) return status;
  Change change = {DirectoryOf(to), to, from, ContentOf(to)};
  const IOStatus status = target()->RenameFile(from, to, options, debug);
  if (!status.ok()) return status;
  changes_.push_back(std::move(change));
  files_.erase(to);
  if (const auto file = files_.extract(from)) files_[to] = file.mapped();
  return status;
}

IOStatus FaultFileSystem::GetFreeSpace(const std::string& path, const IOOptions& options, uint64_t* bytes,
                                       IODebugContext* debug) {
  MutexLock lock(&mutex_);
  if (!space_.has_value()) return target()->GetFreeSpace(path, options, bytes, debug);
  *bytes = *space_;
  return IOStatus::OK();
}

std::unique_ptr<rocksdb::Env> NewFaultEnv(const std::shared_ptr<FaultFileSystem>& fs) {
  return std::make_unique<FaultEnv>(rocksdb::NewCompositeEnv(fs));
}

}  // namespace nmq
