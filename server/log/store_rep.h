// What is inside a Store; for its own sources only.
#ifndef NMQ_SERVER_LOG_STORE_REP_H_
#define NMQ_SERVER_LOG_STORE_REP_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "rocksdb/db.h"
#include "rocksdb/listener.h"
#include "server/log/store.h"
#include "server/log/store_format.h"
#include "server/log/store_options.h"
#include "server/log/sync_marks.h"
#include "server/log/trim_points.h"

namespace nmq::log {

inline rocksdb::Slice ToSlice(absl::string_view text) { return rocksdb::Slice(text.data(), text.size()); }
inline absl::string_view ToView(const rocksdb::Slice& slice) { return absl::string_view(slice.data(), slice.size()); }

// Whether the store can write. Thread-safe; RocksDB reports failures of its threads here.
class StoreHealth final : public rocksdb::EventListener {
 public:
  // `marks` must outlive the database.
  StoreHealth(std::string directory, rocksdb::Env* env, uint64_t reserve_bytes, SyncMarks* marks)
      : directory_(std::move(directory)), env_(env), reserve_bytes_(reserve_bytes), marks_(marks) {}

  // Why nothing, or with `messages` no messages, can be written.
  absl::Status Check(bool messages) const ABSL_LOCKS_EXCLUDED(mutex_);
  // What a failed write means, for all that follow. The error to answer with.
  absl::Status Note(const rocksdb::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);
  // So many bytes of messages are about to be written: looks at the disk when it is time.
  void Spend(uint64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  void LookAtDisk() ABSL_LOCKS_EXCLUDED(mutex_);
  // RocksDB writes nothing until it is opened anew, since a write found no room, or no descriptor.
  bool stuck() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Nothing is written any more.
  void Fail(const absl::Status& why) ABSL_LOCKS_EXCLUDED(mutex_);
  void Unstick() ABSL_LOCKS_EXCLUDED(mutex_);
  // There is less room than the reserve.
  bool low() const ABSL_LOCKS_EXCLUDED(mutex_);
  uint64_t free_bytes() const ABSL_LOCKS_EXCLUDED(mutex_);

  // The database whose listener this is, null while none is open for writing; the answer is what it was.
  rocksdb::DB* Watch(rocksdb::DB* db) { return db_.exchange(db); }

  const char* Name() const override { return "nmq.health"; }
  // A new log begins. The one before goes to the disk first, whoever asks for it or not: otherwise losing the power
  // could leave what came later without what came before.
  void OnMemTableSealed(const rocksdb::MemTableInfo& /*info*/) override;
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override;
  // The store goes on by itself, so that it knows.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status /*error*/,
                            bool* automatic) override {
    *automatic = false;
  }

 private:
  const std::string directory_;
  rocksdb::Env* const env_;
  const uint64_t reserve_bytes_;
  SyncMarks* const marks_;
  std::atomic<rocksdb::DB*> db_{nullptr};
  mutable Mutex mutex_;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  enum class Want { kNothing, kRoom, kDescriptors };
  Want stuck_ ABSL_GUARDED_BY(mutex_) = Want::kNothing;
  uint64_t free_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t spent_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // since the last look
};

struct Store::Rep {
  // The end of a queue that is appended to.
  struct Tail {
    uint64_t end = 1;
    uint64_t total = 0;  // see MessageValue
    int64_t time_us = 0;
    bool busy = false;  // somebody appends
  };

  explicit Rep(const Options& opts);
  // Closes the database.
  ~Rep();

  absl::Status Open() ABSL_EXCLUSIVE_LOCKS_REQUIRED(open_mutex);
  absl::Status OpenDatabase(bool read_only) ABSL_EXCLUSIVE_LOCKS_REQUIRED(open_mutex);
  void CloseDatabase() ABSL_EXCLUSIVE_LOCKS_REQUIRED(open_mutex);
  absl::Status CheckFormat() ABSL_SHARED_LOCKS_REQUIRED(open_mutex);
  absl::Status LoadTrimPoints() ABSL_SHARED_LOCKS_REQUIRED(open_mutex);
  DatabaseSettings Settings() const ABSL_SHARED_LOCKS_REQUIRED(open_mutex);

  // What is in store_logs.cc: a look at the logs before RocksDB reads them, while no other process can have them open.
  // Hands all of them to the disk. DATA_LOSS if they are damaged, or if what was synced is missing and may not be.
  absl::Status PrepareLogs() ABSL_EXCLUSIVE_LOCKS_REQUIRED(open_mutex);
  absl::Status CheckLogs() ABSL_EXCLUSIVE_LOCKS_REQUIRED(open_mutex);
  struct FoundLog {
    LogFile file;
    uint64_t last_change;  // of what is whole; 0 if there is none
    uint64_t end;          // where what is whole ends
    uint64_t bytes;
  };
  absl::StatusOr<FoundLog> ScanLog(const LogFile& file) const;
  absl::Status CheckSynced(const SyncMark& mark, std::vector<FoundLog>* logs) ABSL_EXCLUSIVE_LOCKS_REQUIRED(open_mutex);
  // Renames the logs behind this one.
  absl::Status SetAside(uint64_t number, std::vector<FoundLog>* logs) ABSL_EXCLUSIVE_LOCKS_REQUIRED(open_mutex);
  // The number of the oldest log that RocksDB needs.
  absl::StatusOr<uint64_t> FirstLogNeeded() ABSL_EXCLUSIVE_LOCKS_REQUIRED(open_mutex);
  // Cuts off what is torn.
  absl::Status DropTorn(const std::vector<FoundLog>& logs) ABSL_EXCLUSIVE_LOCKS_REQUIRED(open_mutex);
  // Not OK if marks were made once, and there is none.
  absl::Status CheckMarked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(open_mutex);
  // From now on it is noted what is synced.
  absl::Status BeginMarks() ABSL_EXCLUSIVE_LOCKS_REQUIRED(open_mutex);
  void LogNotes() ABSL_LOCKS_EXCLUDED(open_mutex);

  // Not OK if there is no database to read from.
  absl::Status Readable() const ABSL_SHARED_LOCKS_REQUIRED(open_mutex);
  rocksdb::ColumnFamilyHandle* family(Family which) const ABSL_SHARED_LOCKS_REQUIRED(open_mutex) {
    return families[static_cast<size_t>(which)];
  }
  rocksdb::ColumnFamilyHandle* family(Table table) const ABSL_SHARED_LOCKS_REQUIRED(open_mutex);

  // The last message that is stored, or where the next one goes if there is none.
  absl::StatusOr<Tail> FindTail(uint64_t queue) const ABSL_SHARED_LOCKS_REQUIRED(open_mutex);
  // The tail, from memory if it is there.
  absl::StatusOr<Tail> LoadTail(uint64_t queue) ABSL_SHARED_LOCKS_REQUIRED(open_mutex) ABSL_LOCKS_EXCLUDED(mutex);
  // What is wrong with a message that is not there.
  absl::Status Missing(uint64_t queue, uint64_t sequence) const ABSL_SHARED_LOCKS_REQUIRED(open_mutex)
      ABSL_LOCKS_EXCLUDED(mutex);
  // A message's value; `bytes` holds what it points to.
  absl::StatusOr<MessageValue> GetMessage(uint64_t queue, uint64_t sequence, rocksdb::PinnableSlice* bytes) const
      ABSL_SHARED_LOCKS_REQUIRED(open_mutex);
  absl::StatusOr<uint64_t> BytesOf(uint64_t queue, uint64_t first, uint64_t end) const
      ABSL_SHARED_LOCKS_REQUIRED(open_mutex);

  // Takes the tails of the batch's queues; nobody else may append to them until they are given back.
  absl::Status TakeTails(const Batch& batch, absl::flat_hash_map<uint64_t, Tail>* taken)
      ABSL_SHARED_LOCKS_REQUIRED(open_mutex) ABSL_LOCKS_EXCLUDED(mutex);
  void GiveBackTails(const absl::flat_hash_map<uint64_t, Tail>& taken, bool written) ABSL_LOCKS_EXCLUDED(mutex);
  // The batch as RocksDB takes it, each message with the total that it makes. `taken` are moved on.
  absl::Status Translate(const Batch& batch, absl::flat_hash_map<uint64_t, Tail>* taken, rocksdb::WriteBatch* to) const
      ABSL_SHARED_LOCKS_REQUIRED(open_mutex);

  // Writes, whatever room the disk has.
  absl::Status WriteNow(rocksdb::WriteBatch* batch, Sync sync) ABSL_SHARED_LOCKS_REQUIRED(open_mutex);
  // Gives up messages before `first`, until the power is lost: see SettleTrims.
  absl::Status WriteTrim(uint64_t queue, uint64_t first) ABSL_SHARED_LOCKS_REQUIRED(open_mutex)
      ABSL_LOCKS_EXCLUDED(trim_mutex, mutex);
  // Makes trims durable and lets their files go.
  absl::Status SettleTrims() ABSL_SHARED_LOCKS_REQUIRED(open_mutex);
  void DropFiles(const std::vector<TrimPoints::Point>& points) ABSL_SHARED_LOCKS_REQUIRED(open_mutex);
  // On a disk with little room: rewrites files that hold what was given up.
  void Reclaim() ABSL_SHARED_LOCKS_REQUIRED(open_mutex) ABSL_LOCKS_EXCLUDED(trim_mutex);
  // After a full disk: opens the database anew, if there is room for it.
  void Reopen() ABSL_EXCLUSIVE_LOCKS_REQUIRED(open_mutex);

  const Options store_options;
  const std::string directory;
  rocksdb::Env* const env;
  TrimPoints trims;
  SyncMarks marks;
  const std::shared_ptr<StoreHealth> health;
  std::shared_ptr<WarningLog> log;

  // Held by whoever uses the database; alone by who opens it anew.
  mutable Mutex open_mutex ABSL_ACQUIRED_BEFORE(trim_mutex, mutex);
  std::unique_ptr<rocksdb::DB> db ABSL_GUARDED_BY(open_mutex);
  std::array<rocksdb::ColumnFamilyHandle*, kFamilies> families ABSL_GUARDED_BY(open_mutex) = {};
  // The last change in each log that was there when the database was opened; nothing more is appended to these.
  std::map<uint64_t, uint64_t> finished_logs ABSL_GUARDED_BY(open_mutex);
  bool found_mark ABSL_GUARDED_BY(open_mutex) = false;         // there was one when the database was opened
  bool marked ABSL_GUARDED_BY(open_mutex) = false;             // the database says that there is one
  bool accept_loss ABSL_GUARDED_BY(open_mutex);                // only while the store is opened
  absl::Status loss ABSL_GUARDED_BY(open_mutex);               // what is missing that was synced, if that is accepted
  std::vector<std::string> notes ABSL_GUARDED_BY(open_mutex);  // for the log, once no mutex is held

  // Trims are written in the order in which they are seen.
  Mutex trim_mutex;
  absl::flat_hash_set<uint64_t> unreclaimed ABSL_GUARDED_BY(trim_mutex);  // queues trimmed since the last Reclaim

  mutable Mutex mutex;
  absl::flat_hash_map<uint64_t, Tail> tails ABSL_GUARDED_BY(mutex);  // of queues that were looked at
};

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_STORE_REP_H_
