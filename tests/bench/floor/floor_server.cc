// The least that a gRPC server can do: every batch that is published makes it send bytes that were prepared. Lone
// messages go out with their own payload, so that their latency can be seen; subscribers that want an event or are in
// rooms are looked up by that name. It keeps nothing else. One thread, one completion queue.

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <deque>
#include <iostream>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/grpc/connections.h"
#include "tests/bench/floor/prepared.h"
#include "tests/bench/nmq/connection.h"
#include "tests/bench/nmq/poller.h"

namespace nmq::bench {
namespace {

// Batches with fewer messages are looked into.
constexpr uint64_t kLookBelow = 100;
// Lone messages that are kept for those who have not been sent them.
constexpr uint64_t kKept = 4096;

class Call;

struct Floor {
  grpc::AsyncGenericService service;
  std::unique_ptr<grpc::ServerCompletionQueue> queue;
  std::unique_ptr<grpc::Server> server;
  // As nmqd does it, frames of several streams of a connection go out together.
  rpc::Connections connections{&RealClock()};
  std::unique_ptr<Prepared> prepared;
  // Of every batch: the publisher sends the same one again and again.
  size_t batch_bytes = 0;
  uint64_t batch_messages = 0;
  // Messages published.
  uint64_t published = 0;
  // Entry of message number n at n % kKept; empty if it was not looked into.
  std::vector<grpc::Slice> kept = std::vector<grpc::Slice>(kKept);
  // Who hears everything.
  std::unordered_set<Call*> subscribers;
  // Who hears what is for a room or of an event.
  absl::flat_hash_map<std::string, std::vector<Call*>> routes;
  // Of those, who has something new.
  std::vector<Call*> ready;
};

// The room that a message is for, or its event.
const std::string& RouteOf(const nmq::v1::Message& message) {
  return message.audience().rooms().empty() ? message.event() : message.audience().rooms(0);
}

// One call of any rpc. Deletes itself when it has ended and nothing of it is under way.
class Call final {
 public:
  explicit Call(Floor* floor) : floor_(floor), stream_(&context_) {
    ++pending_;
    floor_->service.RequestCall(&context_, &stream_, floor_->queue.get(), floor_->queue.get(), &on_call_);
  }

  // Of those who hear everything: writes what has been published since the last frame.
  void WriteNew() {
    if (writing_ || floor_->published == heard_) return;
    const uint64_t messages = std::min(floor_->published - heard_, floor_->prepared->messages_per_frame());
    std::vector<grpc::Slice> entries;
    for (uint64_t i = heard_; i < heard_ + messages && floor_->published - i <= kKept; ++i) {
      const grpc::Slice& kept = floor_->kept[i % kKept];
      if (kept.size() == 0) break;
      entries.push_back(kept);
    }
    heard_ += messages;
    Write(entries.size() == messages ? Prepared::FrameOf(entries) : floor_->prepared->Frame(messages));
  }

  // Of the others: one message more to be written, by WriteDue.
  void Owe() {
    if (due_++ == 0) floor_->ready.push_back(this);
  }
  void ExpectWrite() {
    if (!writing_) floor_->connections.Expect(connection_);
  }
  void WriteDue() {
    if (writing_ || due_ == 0) return;
    const uint64_t messages = std::min(due_, floor_->prepared->messages_per_frame());
    due_ -= messages;
    Write(floor_->prepared->Frame(messages));
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
    } else if (routed_) {
      WriteDue();
    } else if (subscribed_) {
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
    floor_->subscribers.erase(this);
    std::erase(floor_->ready, this);
    if (routed_) {
      for (auto& [name, calls] : floor_->routes) std::erase(calls, this);
    }
    ++pending_;
    stream_.Finish(grpc::Status::OK, &on_finish_);
  }

  void Subscribe() {
    nmq::v1::SubscribeRequest request;
    Decode(request_, &request);
    subscribed_ = true;
    heard_ = floor_->published;
    for (const std::string& room : request.rooms()) floor_->routes[room].push_back(this);
    if (request.rooms().empty() && !request.patterns(0).event().empty()) {
      for (const auto& pattern : request.patterns()) floor_->routes[pattern.event()].push_back(this);
    }
    routed_ = !request.rooms().empty() || !request.patterns(0).event().empty();
    if (!routed_) floor_->subscribers.insert(this);
    nmq::v1::SubscribeResponse response;
    response.mutable_ready()->mutable_heartbeat()->set_seconds(15);
    Write(Encode(response));
  }

  void OnBatch() {
    if (request_.Length() != floor_->batch_bytes) Learn();
    if (!floor_->routes.empty()) {
      Route();
    } else if (!floor_->subscribers.empty() && floor_->batch_messages < kLookBelow) {
      Keep();
    }
    floor_->published += floor_->batch_messages;
    unanswered_.push_back(floor_->batch_messages);
    if (!writing_) WriteAnswer();
    Read();
  }

  // Prepares for batches like this one.
  void Learn() {
    Decode(request_, &batch_);
    floor_->batch_bytes = request_.Length();
    floor_->batch_messages = static_cast<uint64_t>(batch_.messages_size());
    if (floor_->prepared == nullptr && batch_.messages_size() > 0) {
      floor_->prepared = std::make_unique<Prepared>(batch_.messages(0));
    }
  }

  void Route() {
    Decode(request_, &batch_);
    for (const auto& message : batch_.messages()) {
      const auto found = floor_->routes.find(RouteOf(message));
      if (found == floor_->routes.end()) continue;
      for (Call* const call : found->second) call->Owe();
    }
  }

  void Keep() {
    Decode(request_, &batch_);
    uint64_t number = floor_->published;
    for (const auto& message : batch_.messages()) {
      floor_->kept[number++ % kKept] = floor_->prepared->Entry(message.payload());
    }
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
  bool subscribed_ = false;
  bool routed_ = false;
  bool writing_ = false;
  bool finishing_ = false;
  // Of what was published, what has been written; and of what was routed here, what has not.
  uint64_t heard_ = 0;
  uint64_t due_ = 0;
  std::deque<uint64_t> unanswered_;
  grpc::ByteBuffer request_;
  nmq::v1::PublishStreamRequest batch_;
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
  std::vector<Call*> ready;
  while (true) {
    gpr_timespec deadline = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    while (floor->queue->AsyncNext(&tag, &ok, deadline) == grpc::CompletionQueue::GOT_EVENT) {
      static_cast<Tag*>(tag)->Run(ok);
      deadline = gpr_time_0(GPR_CLOCK_MONOTONIC);
    }
    ready.swap(floor->ready);
    for (Call* const call : ready) call->ExpectWrite();
    for (Call* const call : ready) call->WriteDue();
    ready.clear();
    if (std::exchange(written, floor->published) != floor->published) {
      for (Call* const subscriber : floor->subscribers) subscriber->WriteNew();
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
