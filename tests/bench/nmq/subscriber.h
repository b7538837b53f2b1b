#ifndef NMQ_TESTS_BENCH_NMQ_SUBSCRIBER_H_
#define NMQ_TESTS_BENCH_NMQ_SUBSCRIBER_H_

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>

#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/bench/nmq/heard_stream.h"
#include "tests/bench/nmq/poller.h"
#include "tests/bench/nmq/stream_board.h"

namespace nmq::bench {

// What the streams of one polling thread share.
struct ReceiveLane {
  HearingLane hearing;
  // Of the frame that is looked at.
  std::vector<grpc::Slice> slices;
  std::vector<absl::string_view> pieces;
  // Last, so that its thread ends before what it uses goes.
  Poller poller;
};

// One Subscribe stream, read as raw frames. All events come on the lane's thread.
class Subscriber final : public Tag {
 public:
  struct Manner {
    HearingManner hearing = {};
    // Reads nothing after the first frame.
    bool stalled = false;
  };

  // `request` is an encoded SubscribeRequest. Everything must outlive the stream, which ends with board->Ended().
  Subscriber(grpc::GenericStub* stub, ReceiveLane* lane, StreamBoard* board, const Manner& manner);

  void Start(const grpc::ByteBuffer& request);
  void Cancel() { context_.TryCancel(); }

  const HeardStream& heard() const { return heard_; }

  void Run(bool ok) override;

 private:
  enum class State { kStarting, kRequesting, kReading, kFinishing };

  bool OnFrame();

  ReceiveLane* const lane_;
  StreamBoard* const board_;
  const bool stalled_;
  State state_ = State::kStarting;
  grpc::ClientContext context_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer frame_;
  grpc::Status status_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  bool broken_ = false;
  HeardStream heard_;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_SUBSCRIBER_H_
