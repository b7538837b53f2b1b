#include "tests/bench/nmq/subscriber.h"

#include "absl/status/status.h"
#include "tests/bench/nmq/connection.h"
#include "tests/bench/nmq/methods.h"

namespace nmq::bench {

Subscriber::Subscriber(grpc::GenericStub* stub, ReceiveLane* lane, StreamBoard* board, const Manner& manner)
    : lane_(lane),
      board_(board),
      stalled_(manner.stalled),
      stream_(stub->PrepareCall(&context_, kSubscribeMethod, lane->poller.queue())),
      heard_(&lane->hearing, board, manner.hearing) {}

void Subscriber::Start(const grpc::ByteBuffer& request) {
  request_ = request;
  stream_->StartCall(this);
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
      if (ok && !broken_ && !stalled_) return stream_->Read(&frame_, this);
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
  lane_->pieces.clear();
  for (const grpc::Slice& slice : lane_->slices) {
    lane_->pieces.emplace_back(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return heard_.OnFrame(lane_->pieces);
}

}  // namespace nmq::bench
