#include "tests/bench/nmq/heard_stream.h"

#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq::bench {

bool HeardStream::OnFrame(absl::Span<const absl::string_view> pieces) {
  if (!ScanFrame(pieces, manner_.look, &lane_->scan)) return false;
  if (lane_->scan.kind != FrameKind::kBatch) return OnOtherFrame(pieces);
  OnBatch();
  return true;
}

void HeardStream::AddTo(ReceiveTotals* totals) const {
  totals->messages += Load(messages_);
  totals->missing += Load(missing_);
  totals->gaps += Load(gaps_);
  totals->disorder += Load(disorder_);
  totals->heartbeats += Load(heartbeats_);
}

void HeardStream::OnBatch() {
  const FrameScan& scan = lane_->scan;
  if (scan.views.empty()) return;
  const uint64_t first = scan.views.front().sequence;
  if (manner_.numbers && (manner_.whole ? first != next_sequence_ : first < next_sequence_)) Add(&disorder_, 1);
  // At least; some between them may be for others.
  next_sequence_ = first + scan.messages;
  Add(&messages_, scan.messages);

  const int64_t from = lane_->record_from.load(std::memory_order_relaxed);
  if (from == INT64_MAX) return;
  const int64_t to = lane_->record_to.load(std::memory_order_relaxed);
  const int64_t now = Now();
  for (const MessageView& view : scan.views) {
    if (view.timestamp >= from && view.timestamp < to) lane_->latency.Add(now - view.timestamp);
  }
}

bool HeardStream::OnOtherFrame(absl::Span<const absl::string_view> pieces) {
  nmq::v1::SubscribeResponse response;
  if (!response.ParseFromString(absl::StrJoin(pieces, ""))) return false;
  if (response.has_ready()) {
    // A queue that is not there yet has no position: it starts with sequence 1.
    for (const auto& position : response.ready().positions()) next_sequence_ = position.sequence() + 1;
    const auto& heartbeat = response.ready().heartbeat();
    board_->Ready(absl::Seconds(heartbeat.seconds()) + absl::Nanoseconds(heartbeat.nanos()));
  } else if (response.has_gap()) {
    const nmq::v1::Gap& gap = response.gap();
    if (gap.last() < gap.first()) return false;
    Add(&gaps_, 1);
    Add(&missing_, gap.last() - gap.first() + 1);
    next_sequence_ = gap.last() + 1;
  } else if (response.has_heartbeat()) {
    Add(&heartbeats_, 1);
  }
  return true;
}

}  // namespace nmq::bench
