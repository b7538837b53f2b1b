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

namespace nmq {

// Who administered what, and who was turned away, one JSON object a line, for those who must be able to tell later. It
// has no payloads and nothing that somebody could call with.
//
// A thread of its own writes. What comes while too much waits for it, and refusals beyond a rate, are left out and
// counted: a line says how many. A write that fails is named in the log and counted, and the next one is tried.
// Thread-safe; callers do not wait for the disk.
class AuditLog {
 public:
  // Refusals that are written: so many at once, then so many a second.
  static constexpr int kRefusalsAtOnce = 100;
  static constexpr int kRefusalsPerSecond = 10;
  // Lines that wait to be written.
  static constexpr int kLinesMax = 4096;

  // Appends to this file, which is made for its user only; "stderr" is standard error. `clock` must outlive this.
  static absl::StatusOr<std::unique_ptr<AuditLog>> Open(const std::string& path, const Clock* clock);
  // Writes what waits.
  ~AuditLog();

  // A call was refused what it names.
  void Refused(const Call& call, const Named& what, const absl::Status& why) ABSL_LOCKS_EXCLUDED(mu_);
  // A call of this rpc was refused before anybody looked at what it names.
  void Refused(const Call& call, absl::string_view rpc, const absl::Status& why) ABSL_LOCKS_EXCLUDED(mu_);
  // An rpc of Admin was answered with `outcome`.
  void Administered(const Call& call, const google::protobuf::Message& request, const absl::Status& outcome)
      ABSL_LOCKS_EXCLUDED(mu_);

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
  // False if a refusal is one too many now.
  bool MayWriteRefusal() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Hands a line to the thread, and before it how many were left out, if any.
  void Add(std::string line, bool refusal) ABSL_LOCKS_EXCLUDED(mu_);
  // On the writer's thread.
  void Write(const std::string& line);

  const std::string path_;
  const Clock* const clock_;
  std::atomic<uint64_t> left_out_{0};
  std::atomic<uint64_t> failed_{0};
  std::atomic<int> waiting_{0};
  Mutex mu_;                                                // a leaf
  double refusals_ ABSL_GUARDED_BY(mu_) = kRefusalsAtOnce;  // that may be written now
  absl::Duration refilled_ ABSL_GUARDED_BY(mu_);            // when that was counted
  uint64_t untold_ ABSL_GUARDED_BY(mu_) = 0;                // left out, and in no line yet
  int file_ = -1;                                           // for the writer's thread
  Worker writer_;                                           // last: it uses the rest
};

}  // namespace nmq

#endif  // NMQ_SERVER_AUDIT_AUDIT_LOG_H_
