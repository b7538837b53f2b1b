// The least that a gRPC server can do: every batch that is published makes it send bytes that were prepared. Lone
// messages go out with their own payload, so that their latency can be seen; subscribers that want an event or are in
// rooms are looked up by that name. It keeps nothing else. One thread, one completion queue.

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <unistd.h>

#include <csignal>
#include <deque>
#include <iostream>
#include <memory>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/grpc/connections.h"
#include "tests/bench/floor/audience.h"
#include "tests/bench/nmq/connection.h"
#include "tests/bench/nmq/methods.h"
#include "tests/bench/nmq/poller.h"

namespace nmq::bench {
namespace {

struct Floor {
  grpc::AsyncGenericService service;
  std::unique_ptr<grpc::ServerCompletionQueue> queue;
  std::unique_ptr<grpc::Server> server;
  // As nmqd does it, frames of several streams of a connection go out together.
  rpc::Connections connections{&RealClock()};
  Audience<grpc::Slice> audience;
  // Of the one that writes.
  std::vector<grpc::Slice> frame;
};

// One call of any rpc. Deletes itself when it has ended and nothing of it is under way.
class Call final : public Listener {
 public:
  explicit Call(Floor* floor) : floor_(floor), stream_(&context_) {
    ++pending_;
    floor_->service.RequestCall(&context_, &stream_, floor_->queue.get(), floor_->queue.get(), &on_call_);
  }

  // WriteNew() will follow in this turn.
  void ExpectWrite() {
    if (!writing_) floor_->connections.Expect(connection_);
  }
  // Writes what is new to it, unless something is on its way, after which it does the same.
  void WriteNew() {
    if (writing_) return;
    std::vector<grpc::Slice>& frame = floor_->frame;
    if (floor_->audience.TakeFrame(this, &frame)) Write(grpc::ByteBuffer(frame.data(), frame.size()));
  }

 private:
  void OnCall(bool ok) {
    finishing_ = !ok;
    if (ok) {
      new Call(floor_);
      connection_ = floor_->connections.Enter(context_.peer());
      Read();
    }
    Done();
  }

  void OnRead(bool ok) {
    if (!ok) {
      Finish();
    } else if (context_.method() == kSubscribeMethod) {
      Subscribe();
    } else if (context_.method() == kPublishStreamMethod) {
      OnBatch();
    } else {
      Answer();
    }
    Done();
  }

  void OnWrite(bool ok) {
    writing_ = false;
    if (!ok) {
      Finish();
    } else if (!unanswered_.empty()) {
      WriteAnswer();
    } else {
      WriteNew();
    }
    Done();
  }

  void OnFinish(bool) { Done(); }

  void Done() {
    if (--pending_ > 0 || !finishing_) return;
    if (connection_ != nullptr) floor_->connections.Leave(connection_);
    delete this;
  }

  void Read() {
    ++pending_;
    stream_.Read(&request_, &on_read_);
  }

  void Write(const grpc::ByteBuffer& frame) {
    ++pending_;
    writing_ = true;
    floor_->connections.BeforeWrite(connection_);
    stream_.Write(frame, &on_write_);
  }

  void Finish() {
    if (std::exchange(finishing_, true)) return;
    floor_->audience.Remove(this);
    ++pending_;
    stream_.Finish(grpc::Status::OK, &on_finish_);
  }

  void Subscribe() {
    nmq::v1::SubscribeRequest request;
    Decode(request_, &request);
    floor_->audience.Add(request, this);
    nmq::v1::SubscribeResponse response;
    response.mutable_ready()->mutable_heartbeat()->set_seconds(15);
    Write(Encode(response));
  }

  void OnBatch() {
    unanswered_.push_back(floor_->audience.Publish(
        request_.Length(), [this](nmq::v1::PublishStreamRequest* batch) { return Decode(request_, batch); }));
    if (!writing_) WriteAnswer();
    Read();
  }

  void WriteAnswer() {
    nmq::v1::PublishStreamResponse response;
    nmq::v1::SequenceRange* const range = response.mutable_accepted()->add_ranges();
    range->set_first(1);
    range->set_last(unanswered_.front());
    unanswered_.pop_front();
    Write(Encode(response));
  }

  // Of a unary call.
  void Answer() {
    nmq::v1::PublishResponse published;
    published.set_id("hofxff2x7o-12345");
    published.set_sequence(12345);
    nmq::v1::ConnectResponse connected;
    connected.set_session("floor");
    ++pending_;
    finishing_ = true;
    stream_.WriteAndFinish(context_.method() == kPublishMethod ? Encode(published) : Encode(connected),
                           grpc::WriteOptions(), grpc::Status::OK, &on_finish_);
  }

  Floor* const floor_;
  rpc::Connections::Connection* connection_ = nullptr;
  int pending_ = 0;
  bool writing_ = false;
  bool finishing_ = false;
  std::deque<uint64_t> unanswered_;
  grpc::ByteBuffer request_;
  MemberTag<Call, &Call::OnCall> on_call_{this};
  MemberTag<Call, &Call::OnRead> on_read_{this};
  MemberTag<Call, &Call::OnWrite> on_write_{this};
  MemberTag<Call, &Call::OnFinish> on_finish_{this};
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_;
};

// First takes all that has arrived, then writes, as nmqd does.
[[noreturn]] void Serve(Floor* floor) {
  new Call(floor);
  void* tag;
  bool ok;
  uint64_t written = 0;
  std::vector<Listener*> ready;
  while (true) {
    gpr_timespec deadline = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    while (floor->queue->AsyncNext(&tag, &ok, deadline) == grpc::CompletionQueue::GOT_EVENT) {
      static_cast<Tag*>(tag)->Run(ok);
      deadline = gpr_time_0(GPR_CLOCK_MONOTONIC);
    }
    floor->audience.TakeReady(&ready);
    for (Listener* const listener : ready) static_cast<Call*>(listener)->ExpectWrite();
    for (Listener* const listener : ready) static_cast<Call*>(listener)->WriteNew();
    ready.clear();
    if (std::exchange(written, floor->audience.published()) != floor->audience.published()) {
      for (Listener* const listener : floor->audience.everyone()) static_cast<Call*>(listener)->WriteNew();
    }
    floor->connections.EndTurn();
  }
}

}  // namespace
}  // namespace nmq::bench

int main() {
  std::signal(SIGTERM, [](int) { _exit(0); });
  // As in nmqd: the distribution's Abseil has its checks on.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  nmq::bench::Floor floor;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterAsyncGenericService(&floor.service);
  builder.SetMaxReceiveMessageSize(64 << 20);
  floor.queue = builder.AddCompletionQueue();
  floor.server = builder.BuildAndStart();
  if (floor.server == nullptr) {
    std::cerr << "floor_server: cannot listen on 127.0.0.1\n";
    return 1;
  }
  std::cout << "floor_server ready grpc=127.0.0.1:" << port << std::endl;
  nmq::bench::Serve(&floor);
}
