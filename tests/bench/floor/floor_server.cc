// The least that a gRPC server can do: every batch that is published makes it send prepared bytes of as many messages
// to every subscriber. It looks at nothing, keeps nothing and routes nothing. One thread, one completion queue.

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
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

#include "absl/strings/str_cat.h"
#include "nmq/v1/message_queue.pb.h"
#include "tests/bench/nmq/connection.h"
#include "tests/bench/nmq/poller.h"

namespace nmq::bench {
namespace {

// Bytes of one frame, as nmqd has it on its way to one subscription.
constexpr size_t kFrameBytes = 256 << 10;
// Messages of one prepared slice.
constexpr uint64_t kPrepared = 100;

std::string Varint(uint64_t value) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream(&stream).WriteVarint64(value);
  return bytes;
}

// Entries of Batch.messages as nmqd writes them, of the size that the given message has there.
class Prepared {
 public:
  explicit Prepared(const nmq::v1::Message& published) {
    nmq::v1::Message message = published;
    message.clear_audience();
    message.set_id("hofxff2x7o-12345");
    message.set_sequence(12345);
    message.mutable_publish_time()->set_seconds(1700000000);
    message.mutable_publish_time()->set_nanos(123456789);
    nmq::v1::Batch one;
    *one.add_messages() = message;
    one_ = grpc::Slice(one.SerializeAsString());
    std::string all;
    for (uint64_t i = 0; i < kPrepared; ++i) all += one.SerializeAsString();
    many_ = grpc::Slice(all);
  }

  uint64_t messages_per_frame() const { return std::max<uint64_t>(1, kFrameBytes / one_.size()); }

  // A frame with that many messages.
  grpc::ByteBuffer Frame(uint64_t messages) const {
    std::vector<grpc::Slice> slices = {grpc::Slice(absl::StrCat("\x12", Varint(messages * one_.size())))};
    for (; messages >= kPrepared; messages -= kPrepared) slices.push_back(many_);
    for (; messages > 0; --messages) slices.push_back(one_);
    return grpc::ByteBuffer(slices.data(), slices.size());
  }

 private:
  grpc::Slice one_;
  grpc::Slice many_;
};

class Call;

struct Floor {
  grpc::AsyncGenericService service;
  std::unique_ptr<grpc::ServerCompletionQueue> queue;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<Prepared> prepared;
  // Of every batch: the publisher sends the same one again and again.
  size_t batch_bytes = 0;
  uint64_t batch_messages = 0;
  // Messages published.
  uint64_t published = 0;
  std::unordered_set<Call*> subscribers;
};

// One call of any rpc. Deletes itself when it has ended and nothing of it is under way.
class Call final {
 public:
  explicit Call(Floor* floor) : floor_(floor), stream_(&context_) {
    ++pending_;
    floor_->service.RequestCall(&context_, &stream_, floor_->queue.get(), floor_->queue.get(), &on_call_);
  }

  // Writes what has been published since the last frame.
  void Advance() {
    if (writing_ || floor_->published == heard_) return;
    const uint64_t messages = std::min(floor_->published - heard_, floor_->prepared->messages_per_frame());
    heard_ += messages;
    Write(floor_->prepared->Frame(messages));
  }

 private:
  void OnCall(bool ok) {
    finishing_ = !ok;
    if (ok) {
      new Call(floor_);
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
    } else if (subscribed_) {
      Advance();
    }
    Done();
  }

  void OnFinish(bool) { Done(); }

  void Done() {
    if (--pending_ == 0 && finishing_) delete this;
  }

  void Read() {
    ++pending_;
    stream_.Read(&request_, &on_read_);
  }

  void Write(const grpc::ByteBuffer& frame) {
    ++pending_;
    writing_ = true;
    stream_.Write(frame, &on_write_);
  }

  void Finish() {
    if (subscribed_) floor_->subscribers.erase(this);
    if (std::exchange(finishing_, true)) return;
    ++pending_;
    stream_.Finish(grpc::Status::OK, &on_finish_);
  }

  void Subscribe() {
    subscribed_ = true;
    heard_ = floor_->published;
    floor_->subscribers.insert(this);
    nmq::v1::SubscribeResponse response;
    response.mutable_ready()->mutable_heartbeat()->set_seconds(15);
    Write(Encode(response));
  }

  void OnBatch() {
    if (request_.Length() != floor_->batch_bytes) Learn();
    floor_->published += floor_->batch_messages;
    unanswered_.push_back(floor_->batch_messages);
    if (!writing_) WriteAnswer();
    Read();
  }

  // Prepares for batches like this one.
  void Learn() {
    nmq::v1::PublishStreamRequest batch;
    Decode(request_, &batch);
    floor_->batch_bytes = request_.Length();
    floor_->batch_messages = static_cast<uint64_t>(batch.messages_size());
    if (floor_->prepared == nullptr && batch.messages_size() > 0) {
      floor_->prepared = std::make_unique<Prepared>(batch.messages(0));
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
  int pending_ = 0;
  bool subscribed_ = false;
  bool writing_ = false;
  bool finishing_ = false;
  // What has been written of what has been published.
  uint64_t heard_ = 0;
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
  while (true) {
    gpr_timespec deadline = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    while (floor->queue->AsyncNext(&tag, &ok, deadline) == grpc::CompletionQueue::GOT_EVENT) {
      static_cast<Tag*>(tag)->Run(ok);
      deadline = gpr_time_0(GPR_CLOCK_MONOTONIC);
    }
    if (std::exchange(written, floor->published) == floor->published) continue;
    for (Call* const subscriber : floor->subscribers) subscriber->Advance();
  }
}

}  // namespace
}  // namespace nmq::bench

int main() {
  std::signal(SIGTERM, [](int) { _exit(0); });
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
