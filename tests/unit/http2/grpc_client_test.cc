// gRPC's own client talks to a loop, over TCP.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/errors.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/create_channel.h"
#include "gtest/gtest.h"
#include "nmq/v1/message_queue.grpc.pb.h"
#include "server/frame/frame.h"
#include "server/http2/loop.h"
#include "server/http2/socket.h"
#include "server/limits/memory_budget.h"
#include "server/metrics/metrics.h"
#include "server/queue/lane.h"
#include "server/rpc/exchange.h"
#include "server/rpc/listen.h"
#include "tests/testing/notification.h"

namespace nmq::http2 {
namespace {

constexpr uint64_t kMessageMax = 8 << 20;

class Owned : public rpc::Handler {
 public:
  explicit Owned(rpc::Exchange* exchange) : exchange_(exchange) {}
  void OnSize(uint64_t) override { exchange_->Read(); }
  void OnMessage(const rpc::RequestBytes&) override {}
  void OnNoMore() override { exchange_->Finish(absl::CancelledError("no request")); }
  void OnDone() override { delete this; }

 protected:
  rpc::Exchange* const exchange_;
};

// Answers with what the message has as its event, and the size of its payload; an event "error" is one.
class Publish final : public Owned {
 public:
  explicit Publish(rpc::Exchange* exchange) : Owned(exchange) { exchange_->Read(); }
  void OnMessage(const rpc::RequestBytes& bytes) override {
    v1::PublishRequest request;
    ASSERT_TRUE(bytes.Decode(&request).ok());
    if (request.message().event() == "error") {
      exchange_->Finish(ResourceExhausted("TOO_MUCH", "100% is too much\nreally", absl::Seconds(3)));
      return;
    }
    v1::PublishResponse response;
    response.set_id(absl::StrCat(request.message().event(), exchange_->Metadata("x-tag").value_or("")));
    response.set_sequence(request.message().payload().size());
    exchange_->FinishWith(Frame(response));
  }
};

// Answers each batch with its number of messages.
class PublishStream final : public Owned {
 public:
  explicit PublishStream(rpc::Exchange* exchange) : Owned(exchange) { exchange_->Read(); }
  void OnMessage(const rpc::RequestBytes& bytes) override {
    v1::PublishStreamRequest request;
    ASSERT_TRUE(bytes.Decode(&request).ok());
    v1::PublishStreamResponse response;
    response.mutable_accepted()->add_ranges()->set_last(static_cast<uint64_t>(request.messages_size()));
    exchange_->Write(Frame(response));
  }
  void OnWritten(bool ok) override {
    if (ok) exchange_->Read();
  }
  void OnNoMore() override { exchange_->Finish(absl::OkStatus()); }
};

// Sends so many messages of `size`, and then waits for its end.
class Subscribe final : public Owned {
 public:
  Subscribe(rpc::Exchange* exchange, int count, size_t size, Notification* cancelled)
      : Owned(exchange), left_(count), size_(size), cancelled_(cancelled) {
    exchange_->Read();
  }
  void OnMessage(const rpc::RequestBytes&) override { OnWritten(true); }
  void OnWritten(bool ok) override {
    if (!ok || left_-- == 0) return;
    v1::SubscribeResponse response;
    response.mutable_batch()->add_messages()->set_payload(std::string(size_, 0));
    exchange_->Write(Frame(response));
  }
  void OnCancelled() override {
    exchange_->Finish(absl::CancelledError("gone"));
    cancelled_->Notify();
  }

 private:
  int left_;
  const size_t size_;
  Notification* const cancelled_;
};

class GrpcClientTest : public testing::Test {
 protected:
  GrpcClientTest() {
    Loop::Options options;
    options.message_bytes_max = kMessageMax;
    options.held_bytes_max = 64 << 20;
    options.wide_bytes = 32 << 20;
    loop_ = std::make_shared<Loop>(options, &lane_, &RealClock(), &metrics_, rpc::Loop::Memory{&memory_, &memory_});
    loop_->methods().Add("/nmq.v1.MessageQueue/Publish", [](rpc::Exchange* exchange) { return new Publish(exchange); });
    loop_->methods().Add("/nmq.v1.MessageQueue/PublishStream",
                         [](rpc::Exchange* exchange) { return new PublishStream(exchange); });
    loop_->methods().Add("/nmq.v1.MessageQueue/Subscribe", [this](rpc::Exchange* exchange) {
      return new Subscribe(exchange, 200, 100'000, &cancelled_);
    });
    loop_->Start();
    auto listening = rpc::Listen("127.0.0.1:0");
    EXPECT_TRUE(listening.ok());
    listener_ = listening->sockets[0];
    stub_ = v1::MessageQueue::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", listening->port), grpc::InsecureChannelCredentials()));
    acceptor_ = std::thread([this] { Accept(); });
  }
  ~GrpcClientTest() override {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    close(listener_);
    loop_->Shutdown();
    loop_->Join();
  }

  void Accept() {
    while (true) {
      pollfd waiting = {listener_, POLLIN, 0};
      poll(&waiting, 1, -1);
      const int socket = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket < 0) return;
      loop_->Adopt(std::make_unique<Socket>(socket), "peer");
    }
  }

  Metrics metrics_;
  MemoryBudget memory_{64 << 20};
  broker::Lane lane_{0};
  Notification cancelled_;
  std::shared_ptr<Loop> loop_;
  int listener_ = -1;
  std::thread acceptor_;
  std::unique_ptr<v1::MessageQueue::Stub> stub_;
};

TEST_F(GrpcClientTest, UnaryCallsOfAnySize) {
  for (const size_t size : {0, 1, 1'000, 70'000, 4 << 20}) {
    grpc::ClientContext context;
    context.AddMetadata("x-tag", "-tagged");
    v1::PublishRequest request;
    request.mutable_message()->set_event("event");
    request.mutable_message()->set_payload(std::string(size, 'x'));
    v1::PublishResponse response;
    const grpc::Status status = stub_->Publish(&context, request, &response);
    ASSERT_TRUE(status.ok()) << size << " " << status.error_message();
    EXPECT_EQ(response.id(), "event-tagged");
    EXPECT_EQ(response.sequence(), size);
  }
}

TEST_F(GrpcClientTest, CompressedRequest) {
  for (const auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    grpc::ClientContext context;
    context.set_compression_algorithm(algorithm);
    v1::PublishRequest request;
    request.mutable_message()->set_payload(std::string(1 << 20, 'x'));
    v1::PublishResponse response;
    const grpc::Status status = stub_->Publish(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.sequence(), 1u << 20);
  }
}

TEST_F(GrpcClientTest, BombIsRefused) {
  grpc::ClientContext context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  v1::PublishRequest request;
  request.mutable_message()->set_payload(std::string(100 << 20, 'x'));
  v1::PublishResponse response;
  EXPECT_EQ(stub_->Publish(&context, request, &response).error_code(), grpc::RESOURCE_EXHAUSTED);
}

TEST_F(GrpcClientTest, ErrorComesWithItsTextAndDetails) {
  grpc::ClientContext context;
  v1::PublishRequest request;
  request.mutable_message()->set_event("error");
  v1::PublishResponse response;
  const grpc::Status status = stub_->Publish(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(), "100% is too much\nreally");
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.details_size(), 2);
}

TEST_F(GrpcClientTest, BothSidesStream) {
  grpc::ClientContext context;
  const auto stream = stub_->PublishStream(&context);
  v1::PublishStreamRequest request;
  v1::PublishStreamResponse response;
  for (uint64_t i = 1; i <= 500; ++i) {
    request.add_messages()->set_payload(std::string(100, 'x'));
    ASSERT_TRUE(stream->Write(request));
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.accepted().ranges(0).last(), i);
  }
  stream->WritesDone();
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(GrpcClientTest, SubscriberReadsAndCancels) {
  grpc::ClientContext context;
  v1::SubscribeRequest request;
  const auto stream = stub_->Subscribe(&context, request);
  v1::SubscribeResponse response;
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.batch().messages(0).payload().size(), 100'000u);
  }
  context.TryCancel();
  cancelled_.WaitForNotification();
  EXPECT_EQ(stream->Finish().error_code(), grpc::CANCELLED);
}

TEST_F(GrpcClientTest, DeadlineOfAStreamIsKept) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
  v1::SubscribeRequest request;
  const auto stream = stub_->Subscribe(&context, request);
  v1::SubscribeResponse response;
  while (stream->Read(&response)) {
  }
  EXPECT_EQ(stream->Finish().error_code(), grpc::DEADLINE_EXCEEDED);
  cancelled_.WaitForNotification();
}

TEST_F(GrpcClientTest, UnknownMethod) {
  grpc::ClientContext context;
  v1::JoinResponse response;
  EXPECT_EQ(stub_->Join(&context, v1::JoinRequest(), &response).error_code(), grpc::UNIMPLEMENTED);
}

}  // namespace
}  // namespace nmq::http2
