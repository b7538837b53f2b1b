// What of the write-ahead logs is known to be on the disk. That is kept beside them, in the file SYNCED, so that an
// opening can tell a log that has lost its end from one that never got it. FORMAT.md shows its bytes.
#ifndef NMQ_SERVER_LOG_SYNC_MARKS_H_
#define NMQ_SERVER_LOG_SYNC_MARKS_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "rocksdb/env.h"
#include "rocksdb/status.h"

namespace nmq::log {

inline constexpr char kSyncMarkFile[] = "SYNCED";

struct SyncMark {
  struct Log {
    uint64_t number;  // of the log: its file is named after it
    uint64_t change;  // its changes up to this one are on the disk
  };
  uint64_t generation = 0;  // rises with each mark that is written
  std::vector<Log> logs;    // those that the database may need, the oldest first
};

// The file has two marks, which are written in turn, so that one is whole whenever the power goes.
inline constexpr size_t kSyncMarkBytes = 4096;
// More logs than a mark has room for, it leaves out the oldest.
inline constexpr size_t kSyncMarkLogsMax = 254;
std::string EncodeSyncMark(const SyncMark& mark);
// The newer one of the two in the file's `content`; nothing if none is whole.
std::optional<SyncMark> DecodeSyncMarks(absl::string_view content);

// The write-ahead logs in a directory, the oldest first.
struct LogFile {
  uint64_t number;
  std::string name;
};
rocksdb::Status ListLogs(const std::string& directory, rocksdb::Env* env, std::vector<LogFile>* logs);

// Keeps the file: a thread writes twice a second what has been synced since. Thread-safe.
class SyncMarks {
 public:
  // `env` must outlive it.
  SyncMarks(std::string directory, rocksdb::Env* env);
  // Writes nothing more.
  ~SyncMarks();

  // What the file says; nothing if there is none. Corruption if it is damaged. From then on marks follow that one.
  rocksdb::Status Load(std::optional<SyncMark>* mark) ABSL_LOCKS_EXCLUDED(mu_);
  // Begins to write. Nothing is appended any more to `finished`: logs by number, with the last change in each.
  void Start(std::map<uint64_t, uint64_t> finished) ABSL_LOCKS_EXCLUDED(mu_);
  // All changes up to this one are on the disk. Costs next to nothing.
  void Note(uint64_t change);
  // The greatest of these.
  uint64_t noted() const { return synced_.load(std::memory_order_acquire); }
  // Writes what is noted and not written, if it was started.
  rocksdb::Status Write() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  rocksdb::Status Gather(uint64_t synced, std::vector<SyncMark::Log>* logs) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The first change of a log; 0 if it has none yet.
  rocksdb::Status FindFirst(const LogFile& log, uint64_t* change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  rocksdb::Status Put(const SyncMark& mark) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  rocksdb::Status MakeFile(const std::string& content) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string directory_;
  rocksdb::Env* const env_;
  std::atomic<uint64_t> synced_{0};

  Mutex mu_;  // a leaf: nothing is locked under it
  CondVar changed_;
  bool started_ ABSL_GUARDED_BY(mu_) = false;
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t generation_ ABSL_GUARDED_BY(mu_) = 0;
  std::optional<uint64_t> marked_ ABSL_GUARDED_BY(mu_);  // what the last mark was made for
  std::map<uint64_t, uint64_t> finished_ ABSL_GUARDED_BY(mu_);
  std::map<uint64_t, uint64_t> firsts_ ABSL_GUARDED_BY(mu_);          // first changes, by the log's number
  std::unique_ptr<rocksdb::RandomRWFile> file_ ABSL_GUARDED_BY(mu_);  // stays open: a mark needs no descriptor
  std::thread thread_;
};

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_SYNC_MARKS_H_
