#ifndef NMQ_SERVER_AUDIT_AUDIT_LOG_H_
#define NMQ_SERVER_AUDIT_AUDIT_LOG_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/worker.h"
#include "google/protobuf/message.h"
#include "server/call/call.h"
#include "server/call/named.h"
#include "server/limits/token_bucket.h"
#include "server/limits/use_table.h"

namespace nmq {

// Who administered what, and who was turned away, one JSON object a line, for those who must be able to tell later. It
// has no payloads and nothing that somebody could call with.
//
// A thread of its own writes. What comes while too much waits for it is left out and counted: a line says how many. So
// are, beyond a rate of its identity, refusals and calls of Admin that changed nothing; all who are nobody have one
// rate. A write that fails is named in the log and counted, and the next one is tried. Thread-safe; callers do not wait
// for the disk.
class AuditLog {
 public:
  // Refusals that are written of an identity: so many at once, then so many a second.
  static constexpr int kRefusalsAtOnce = 100;
  static constexpr int kRefusalsPerSecond = 10;
  // Lines that wait to be written.
  static constexpr int kLinesMax = 4096;

  // An rpc of Admin. Refers to what the caller keeps.
  struct Administration {
    absl::string_view name_space;
    const google::protobuf::Message& request;
    const google::protobuf::Message& answer;  // looked at if there is one
  };

  // Appends to this file, which is made for its user only; "stderr" is standard error. UNAVAILABLE if it cannot be
  // opened, or is neither a regular file nor a character device. `clock` must outlive this.
  static absl::StatusOr<std::unique_ptr<AuditLog>> Open(const std::string& path, const Clock* clock);
  // Writes what waits, but waits for nobody who does not read standard error.
  ~AuditLog();

  // A call was refused what it names.
  void Refused(const Call& call, const Named& what, const absl::Status& why) ABSL_LOCKS_EXCLUDED(mu_);
  // A call of the rpc with this path was refused before anybody looked at what it names.
  void Refused(const Call& call, absl::string_view path, const absl::Status& why) ABSL_LOCKS_EXCLUDED(mu_);
  // An rpc of Admin that its caller may call was answered with `outcome`.
  void Administered(const Call& call, const Administration& what, const absl::Status& outcome) ABSL_LOCKS_EXCLUDED(mu_);
  // Writes how many were left out, if any, though no line follows. For somebody who looks from time to time.
  void TellLeftOut() ABSL_LOCKS_EXCLUDED(mu_);

  // From now on writes to the file that the path names now, for those who rename it.
  void Reopen();
  // Waits until what came before is written.
  void Flush() { writer_.Flush(); }

  // Since the start: lines left out, and lines that could not be written.
  uint64_t left_out() const { return left_out_.load(std::memory_order_relaxed); }
  uint64_t failed() const { return failed_.load(std::memory_order_relaxed); }

 private:
  AuditLog(std::string path, const Clock* clock);

  absl::Status OpenFile();
  std::string LeftOut(uint64_t lines) const;
  // Hands a line to the thread, and before it how many were left out, if any. One that `bucket` has no room for is left
  // out; null: none is.
  void Add(std::string line, TokenBucket* bucket) ABSL_LOCKS_EXCLUDED(mu_);
  // The same with the bucket of the caller.
  void AddBounded(std::string line, const Call& call) ABSL_LOCKS_EXCLUDED(mu_);
  // On the writer's thread.
  void Write(const std::string& line);
  // False, with errno, if what is written to takes nothing; waits a while for it, unless it did so in vain before.
  bool MayWrite();

  const std::string path_;
  const Clock* const clock_;
  std::atomic<uint64_t> left_out_{0};
  std::atomic<uint64_t> failed_{0};
  std::atomic<int> waiting_{0};
  Mutex mu_;                                      // a leaf; guards what is in the buckets, too
  uint64_t untold_ ABSL_GUARDED_BY(mu_) = 0;      // left out, and in no line yet
  const std::shared_ptr<TokenBucket> strangers_;  // of those who are nobody
  UseTable<TokenBucket> identities_;
  // For the writer's thread.
  int file_ = -1;
  bool within_line_ = false;  // a part of a line is the last that was written
  bool stalled_ = false;      // it took nothing the last time
  Worker writer_;             // last: it uses the rest
};

}  // namespace nmq

#endif  // NMQ_SERVER_AUDIT_AUDIT_LOG_H_
