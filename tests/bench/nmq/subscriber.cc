#include "tests/bench/nmq/subscriber.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "nmq/v1/message_queue.pb.h"
#include "tests/bench/nmq/connection.h"

namespace nmq::bench {

void StreamBoard::Ready(absl::Duration heartbeat) {
  absl::MutexLock lock(&mutex_);
  ++ready_;
  heartbeat_ = heartbeat;
}

void StreamBoard::Ended(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  ++ended_;
  if (ends_expected_ || !health_.ok()) return;
  health_ = status.ok() ? absl::InternalError("a stream ended with OK") : status;
}

void StreamBoard::ExpectEnds() {
  absl::MutexLock lock(&mutex_);
  ends_expected_ = true;
}

absl::Status StreamBoard::AwaitReady(absl::Duration patience) {
  const auto settled = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return ready_ == streams_ || !health_.ok(); };
  absl::MutexLock lock(&mutex_);
  if (!mutex_.AwaitWithTimeout(absl::Condition(&settled), patience)) {
    return absl::DeadlineExceededError(absl::StrCat("only ", ready_, " of ", streams_, " subscriptions are live"));
  }
  return health_;
}

void StreamBoard::AwaitEnds() {
  const auto all_ended = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return ended_ == streams_; };
  absl::MutexLock lock(&mutex_, absl::Condition(&all_ended));
}

absl::Status StreamBoard::health() const {
  absl::MutexLock lock(&mutex_);
  return health_;
}

absl::Duration StreamBoard::heartbeat() const {
  absl::MutexLock lock(&mutex_);
  return heartbeat_;
}

Subscriber::Subscriber(grpc::GenericStub* stub, ReceiveLane* lane, StreamBoard* board, const Manner& manner)
    : lane_(lane),
      board_(board),
      manner_(manner),
      stream_(stub->PrepareCall(&context_, kSubscribeMethod, lane->poller.queue())) {}

void Subscriber::Start(const grpc::ByteBuffer& request) {
  request_ = request;
  stream_->StartCall(this);
}

void Subscriber::AddTo(ReceiveTotals* totals) const {
  totals->messages += Load(messages_);
  totals->missing += Load(missing_);
  totals->gaps += Load(gaps_);
  totals->disorder += Load(disorder_);
  totals->heartbeats += Load(heartbeats_);
}

void Subscriber::Run(bool ok) {
  switch (state_) {
    case State::kStarting:
      state_ = State::kRequesting;
      if (ok) return stream_->WriteLast(request_, grpc::WriteOptions(), this);
      break;
    case State::kRequesting:
      state_ = State::kReading;
      request_.Clear();
      if (ok) return stream_->Read(&frame_, this);
      break;
    case State::kReading:
      broken_ = ok && !OnFrame();
      if (ok && !broken_ && !manner_.stalled) return stream_->Read(&frame_, this);
      if (broken_) {
        context_.TryCancel();
      }
      break;
    case State::kFinishing:
      board_->Ended(broken_ ? absl::DataLossError("a frame that is none, or no gap's end") : FromGrpc(status_));
      return;
  }
  state_ = State::kFinishing;
  stream_->Finish(&status_, this);
}

bool Subscriber::OnFrame() {
  if (!frame_.Dump(&lane_->slices).ok()) return false;
  if (!ScanFrame(lane_->slices, manner_.look, &lane_->scan)) return false;
  if (lane_->scan.kind != FrameKind::kBatch) return OnOtherFrame();
  OnBatch();
  return true;
}

void Subscriber::OnBatch() {
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

bool Subscriber::OnOtherFrame() {
  nmq::v1::SubscribeResponse response;
  if (!Decode(frame_, &response)) return false;
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
