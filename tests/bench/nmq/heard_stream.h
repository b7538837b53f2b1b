#ifndef NMQ_TESTS_BENCH_NMQ_HEARD_STREAM_H_
#define NMQ_TESTS_BENCH_NMQ_HEARD_STREAM_H_

#include <atomic>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/harness/histogram.h"
#include "tests/bench/nmq/stream_board.h"
#include "tests/bench/nmq/wire_scanner.h"

namespace nmq::bench {

// What the streams of one thread share.
struct HearingLane {
  // Touched by that thread only; read when all streams have ended.
  FrameScan scan;
  Histogram latency;
  // Publishing times between which latency is recorded.
  std::atomic<int64_t> record_from{INT64_MAX};
  std::atomic<int64_t> record_to{INT64_MAX};
};

// How much is looked at.
struct HearingManner {
  Look look = Look::kFirst;
  // Every message of the queue is for it.
  bool whole = true;
  // Messages are numbered, and so their order can be seen.
  bool numbers = true;
};

// What one Subscribe stream has heard, however it was received: checks and counts its frames. One thread hears, any
// thread asks.
class HeardStream {
 public:
  // Both must outlive it.
  HeardStream(HearingLane* lane, StreamBoard* board, const HearingManner& manner)
      : lane_(lane), board_(board), manner_(manner) {}

  // The next frame, an encoded SubscribeResponse in pieces. False if it is none.
  bool OnFrame(absl::Span<const absl::string_view> pieces);

  void AddTo(ReceiveTotals* totals) const;
  // What it has heard or was told to be missing.
  uint64_t progress() const { return Load(messages_) + Load(missing_); }

 private:
  using Counter = std::atomic<uint64_t>;

  static uint64_t Load(const Counter& counter) { return counter.load(std::memory_order_relaxed); }
  // Only one thread writes.
  static void Add(Counter* counter, uint64_t more) { counter->store(Load(*counter) + more, std::memory_order_relaxed); }

  void OnBatch();
  bool OnOtherFrame(absl::Span<const absl::string_view> pieces);

  HearingLane* const lane_;
  StreamBoard* const board_;
  const HearingManner manner_;
  // The sequence that comes next.
  uint64_t next_sequence_ = 1;

  alignas(64) Counter messages_ = 0;
  Counter missing_ = 0;
  Counter gaps_ = 0;
  Counter disorder_ = 0;
  Counter heartbeats_ = 0;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_HEARD_STREAM_H_
