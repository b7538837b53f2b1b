#ifndef NMQ_TESTS_BENCH_NMQ_SUBSCRIBER_H_
#define NMQ_TESTS_BENCH_NMQ_SUBSCRIBER_H_

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/harness/histogram.h"
#include "tests/bench/nmq/poller.h"
#include "tests/bench/nmq/wire_scanner.h"

namespace nmq::bench {

// How far the streams of a set are, for those who wait. Thread-safe.
class StreamBoard {
 public:
  explicit StreamBoard(int streams) : streams_(streams) {}

  void Ready(absl::Duration heartbeat);
  // A stream is over, with what the server or this side said.
  void Ended(const absl::Status& status);
  // From here on, an ended stream is no error.
  void ExpectEnds();

  // Waits until all streams are ready or one has failed.
  absl::Status AwaitReady(absl::Duration patience);
  void AwaitEnds();
  absl::Status health() const;
  absl::Duration heartbeat() const;

 private:
  const int streams_;
  mutable absl::Mutex mutex_;
  int ready_ ABSL_GUARDED_BY(mutex_) = 0;
  int ended_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ends_expected_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status health_ ABSL_GUARDED_BY(mutex_);
  absl::Duration heartbeat_ ABSL_GUARDED_BY(mutex_);
};

// What the streams of one polling thread share.
struct ReceiveLane {
  Poller poller;
  // Touched by the poller's thread only; read when all streams have ended.
  std::vector<grpc::Slice> slices;
  FrameScan scan;
  Histogram latency;
  // Publishing times between which latency is recorded.
  std::atomic<int64_t> record_from{INT64_MAX};
  std::atomic<int64_t> record_to{INT64_MAX};
};

// One Subscribe stream, read as raw frames. All events come on the lane's thread.
class Subscriber final : public Tag {
 public:
  struct Manner {
    Look look = Look::kFirst;
    // Every message of the queue is for it.
    bool whole = true;
    // Messages are numbered, and so their order can be seen.
    bool numbers = true;
    // Reads nothing after the first frame.
    bool stalled = false;
  };

  // `request` is an encoded SubscribeRequest. Everything must outlive the stream, which ends with board->Ended().
  Subscriber(grpc::GenericStub* stub, ReceiveLane* lane, StreamBoard* board, const Manner& manner);

  void Start(const grpc::ByteBuffer& request);
  void Cancel() { context_.TryCancel(); }

  // By any thread.
  void AddTo(ReceiveTotals* totals) const;
  uint64_t progress() const { return messages_.load(std::memory_order_relaxed) + Load(missing_); }

  void Run(bool ok) override;

 private:
  enum class State { kStarting, kRequesting, kReading, kFinishing };
  using Counter = std::atomic<uint64_t>;

  static uint64_t Load(const Counter& counter) { return counter.load(std::memory_order_relaxed); }
  // Only the lane's thread writes.
  static void Add(Counter* counter, uint64_t more) { counter->store(Load(*counter) + more, std::memory_order_relaxed); }

  bool OnFrame();
  bool OnOtherFrame();
  void OnBatch();

  ReceiveLane* const lane_;
  StreamBoard* const board_;
  const Manner manner_;
  State state_ = State::kStarting;
  grpc::ClientContext context_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer frame_;
  grpc::Status status_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  // The sequence that comes next.
  uint64_t next_sequence_ = 1;
  bool broken_ = false;

  alignas(64) Counter messages_ = 0;
  Counter missing_ = 0;
  Counter gaps_ = 0;
  Counter disorder_ = 0;
  Counter heartbeats_ = 0;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_SUBSCRIBER_H_
