// A stand-in for the disk under RocksDB.
#ifndef NMQ_TESTS_TESTING_FAULT_FILE_SYSTEM_H_
#define NMQ_TESTS_TESTING_FAULT_FILE_SYSTEM_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "rocksdb/env.h"
#include "rocksdb/file_system.h"

namespace nmq {

// The real file system, until told to misbehave. It keeps account of what was synced, so that losing the power can be
// played: what a file got after its last sync goes, what was overwritten there since comes back, and files and renames
// whose directory was not synced since are undone.
// Deleting is at once for good. Nothing is really synced, which is faster. Thread-safe.
class FaultFileSystem : public rocksdb::FileSystemWrapper {
 public:
  FaultFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FaultFileSystem"; }

  // The power goes off after so many more changes: nothing can be changed any more.
  void CutPowerAfter(uint64_t changes) ABSL_LOCKS_EXCLUDED(mutex_);
  void CutPower() { CutPowerAfter(0); }
  bool power_is_off() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Drops what was not synced, or with `random` any part of its end, and switches on. No file may be open for writing.
  void RestorePower(std::mt19937* random) ABSL_LOCKS_EXCLUDED(mutex_);

  // Says that syncs are done, and does not count them.
  void SwallowSyncs(bool swallow) ABSL_LOCKS_EXCLUDED(mutex_);
  // Every sync of a file fails, as with a broken disk.
  void FailSyncs(bool fail) ABSL_LOCKS_EXCLUDED(mutex_);
  // Every read of a table's file fails, as with a broken disk.
  void FailReads(bool fail) ABSL_LOCKS_EXCLUDED(mutex_);
  // To be called before each sync of a log of the store, by the thread that syncs and under no lock; it may take its
  // time. What the store notes of its syncs in another file, at times of its own, is left out.
  void OnSync(std::function<void()> hook) ABSL_LOCKS_EXCLUDED(mutex_);
  // The same before each write to any file.
  void OnWrite(std::function<void()> hook) ABSL_LOCKS_EXCLUDED(mutex_);
  // Nothing may be written or made, as in a directory of somebody else.
  void DenyWriting(bool deny) ABSL_LOCKS_EXCLUDED(mutex_);
  // How many bytes can be written from now on. Deleting files makes room, unless somebody else takes it.
  enum class Freed { kIsRoom, kIsTaken };
  void SetSpace(uint64_t bytes, Freed freed = Freed::kIsRoom) ABSL_LOCKS_EXCLUDED(mutex_);

  rocksdb::IOStatus NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* result,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomRWFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus CreateDirIfMissing(const std::string& path, const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Truncate(const std::string& path, size_t bytes, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetFreeSpace(const std::string& path, const rocksdb::IOOptions& options, uint64_t* bytes,
                                 rocksdb::IODebugContext* debug) override;

 private:
  class File;
  class ReadFile;
  class OverwritableFile;
  class Directory;

  struct Sizes {
    uint64_t bytes = 0;
    uint64_t synced = 0;
  };
  // A file that was made or renamed since its directory was synced.
  struct Change {
    std::string directory;
    std::string path;
    std::string from;                     // empty if it was made
    std::optional<std::string> replaced;  // what was at `path` before
  };

  // Bytes of a file that were overwritten since it was synced.
  struct Overwrite {
    std::string path;
    uint64_t offset;
    std::string before;
  };

  // Whether something may be changed now; counts it.
  rocksdb::IOStatus Admit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Undo(const Change& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // With `random`, only some sectors.
  void Undo(const Overwrite& overwrite, std::mt19937* random) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  rocksdb::IOStatus AdmitOverwrite(const std::string& path, uint64_t offset, uint64_t bytes)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // How many of the bytes the disk takes.
  rocksdb::IOStatus AdmitBytes(const std::string& path, uint64_t bytes, uint64_t* taken) ABSL_LOCKS_EXCLUDED(mutex_);
  rocksdb::IOStatus CheckRead(const std::string& path) const ABSL_LOCKS_EXCLUDED(mutex_);
  rocksdb::IOStatus SyncFile(const std::string& path) ABSL_LOCKS_EXCLUDED(mutex_);
  rocksdb::IOStatus SyncDirectory(const std::string& path) ABSL_LOCKS_EXCLUDED(mutex_);
  void SetSize(const std::string& path, uint64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  mutable Mutex mutex_;
  std::optional<uint64_t> changes_left_ ABSL_GUARDED_BY(mutex_);
  bool swallow_syncs_ ABSL_GUARDED_BY(mutex_) = false;
  bool fail_syncs_ ABSL_GUARDED_BY(mutex_) = false;
  bool fail_reads_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> on_sync_ ABSL_GUARDED_BY(mutex_);
  std::function<void()> on_write_ ABSL_GUARDED_BY(mutex_);
  bool deny_writing_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<uint64_t> space_ ABSL_GUARDED_BY(mutex_);
  Freed freed_ ABSL_GUARDED_BY(mutex_) = Freed::kIsRoom;
  std::unordered_map<std::string, Sizes> files_ ABSL_GUARDED_BY(mutex_);  // those written to since the power came
  std::vector<Change> changes_ ABSL_GUARDED_BY(mutex_);
  std::vector<Overwrite> overwrites_ ABSL_GUARDED_BY(mutex_);
};

// The environment with this file system, in which nobody sleeps long: RocksDB waits a second after each failure.
std::unique_ptr<rocksdb::Env> NewFaultEnv(const std::shared_ptr<FaultFileSystem>& fs);

}  // namespace nmq

#endif  // NMQ_TESTS_TESTING_FAULT_FILE_SYSTEM_H_
