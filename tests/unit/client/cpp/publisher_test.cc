#include "client/cpp/publisher.h"

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "base/deadline.h"
#include "base/errors.h"
#include "base/grpc_deadline.h"
#include "client/cpp/client.h"
#include "gtest/gtest.h"
#include "tests/unit/client/cpp/fake_server.h"

namespace nmq {
inline namespace client {
namespace {

using nmq::fake::FakePublishStream;
using nmq::fake::FakeServer;
using nmq::fake::Inbox;
using nmq::fake::kPatience;
using nmq::fake::Refusal;

class PublisherTest : public ::testing::Test {
 protected:
  PublisherTest() { client_ = MustConnect(Options()); }

  ClientOptions Options() {
    ClientOptions options;
    options.server = server_.address();
    options.namespace_name = "shop";
    options.backoff = {.initial = absl::Milliseconds(5), .max = absl::Milliseconds(50)};
    options.connect_timeout = kPatience;
    options.wait_for_server = absl::ZeroDuration();
    return options;
  }

  static std::unique_ptr<Client> MustConnect(const ClientOptions& options) {
    absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(options);
    EXPECT_TRUE(client.ok()) << client.status();
    return client.ok() ? *std::move(client) : nullptr;
  }

  // Results are kept in results_.
  std::unique_ptr<Publisher> MakePublisher(PublisherOptions options = {}) {
    options.on_result = [this](const BatchResult& result) { results_.Put(result); };
    return client_->NewPublisher(std::move(options));
  }

  static absl::Status Add(Publisher* publisher, int count) {
    for (int i = 0; i < count; ++i) {
      absl::Status status = publisher->Add(MakeMessage("DB", "CREATE", absl::StrCat(i)));
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  FakeServer server_;
  Inbox<BatchResult> results_;
  std::unique_ptr<Client> client_;
};

TEST_F(PublisherTest, NothingIsOpenedBeforeTheFirstMessage) {
  const auto publisher = MakePublisher();
  const FlushResult flushed = publisher->Flush();
  EXPECT_TRUE(flushed.status.ok());
  EXPECT_EQ(flushed.accepted, 0u);
  EXPECT_EQ(server_.publish_streams.total(), 0u);
}

TEST_F(PublisherTest, LoneMessageGoesAtOnce) {
  const auto publisher = MakePublisher();
  ASSERT_TRUE(Add(publisher.get(), 1).ok());
  const v1::PublishStreamRequest request = server_.publish_streams.Next()->requests.Next();
  EXPECT_EQ(request.messages_size(), 1);
  EXPECT_EQ(request.session(), "session-1");
  EXPECT_EQ(request.namespace_(), "shop");
}

TEST_F(PublisherTest, WhatComesWhileAnAnswerIsAwaitedGoesTogether) {
  const auto publisher = MakePublisher();
  ASSERT_TRUE(Add(publisher.get(), 1).ok());
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  const v1::PublishStreamRequest first = stream->requests.Next();
  ASSERT_TRUE(Add(publisher.get(), 20).ok());
  EXPECT_EQ(stream->requests.total(), 1u);
  stream->Accept(first);
  const v1::PublishStreamRequest second = stream->requests.Next();
  EXPECT_EQ(second.messages_size(), 20);
  EXPECT_EQ(second.messages(7).payload(), "7");
  EXPECT_EQ(second.session(), "");
  stream->Accept(second);
  const FlushResult flushed = publisher->Flush();
  EXPECT_TRUE(flushed.status.ok()) << flushed.status;
  EXPECT_EQ(flushed.accepted, 21u);
  EXPECT_EQ(results_.Next().first_message, 0u);
  const BatchResult result = results_.Next();
  EXPECT_EQ(result.first_message, 1u);
  EXPECT_EQ(result.messages, 20u);
  EXPECT_EQ(result.outcome, BatchOutcome::kAccepted);
}

TEST_F(PublisherTest, EachMessageIsToldWhereItWent) {
  const auto publisher = MakePublisher();
  Inbox<uint64_t> sequences;
  const auto put = [&sequences](const absl::StatusOr<PublishResult>& result) {
    sequences.Put(result.ok() ? result->sequence : 0);
  };
  ASSERT_TRUE(publisher->Publish(MakeMessage("DB", "CREATE", "0"), put).ok());
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  const v1::PublishStreamRequest first = stream->requests.Next();
  // Those that nobody asks about count all the same.
  ASSERT_TRUE(Add(publisher.get(), 2).ok());
  ASSERT_TRUE(publisher->Publish(MakeMessage("DB", "CREATE", "3"), put).ok());
  std::future<absl::StatusOr<PublishResult>> last = publisher->Publish(MakeMessage("DB", "CREATE", "4"));
  const auto accept = [&stream](const v1::PublishStreamRequest& request, uint64_t from, uint64_t to) {
    v1::PublishStreamResponse response;
    response.set_batch(request.batch());
    v1::SequenceRange* const range = response.mutable_accepted()->add_ranges();
    range->set_queue("DB");
    range->set_epoch(3);
    range->set_first(from);
    range->set_last(to);
    stream->Send(response);
  };
  accept(first, 10, 10);
  const v1::PublishStreamRequest second = stream->requests.Next();
  EXPECT_EQ(second.messages_size(), 4);
  accept(second, 11, 14);
  EXPECT_TRUE(publisher->Flush().status.ok());
  // They were told before the flush was over.
  ASSERT_EQ(sequences.total(), 2u);
  EXPECT_EQ(sequences.Next(), 10u);
  EXPECT_EQ(sequences.Next(), 13u);
  const absl::StatusOr<PublishResult> result = last.get();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->sequence, 14u);
  EXPECT_EQ(result->epoch, 3u);
}

TEST_F(PublisherTest, EachMessageIsToldThatItWasRefused) {
  const auto publisher = MakePublisher();
  std::future<absl::StatusOr<PublishResult>> result = publisher->Publish(MakeMessage("DB", "CREATE", "0"));
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  stream->Refuse(stream->requests.Next(), Refusal(grpc::StatusCode::NOT_FOUND, "QUEUE_NOT_FOUND", "no such queue"));
  EXPECT_EQ(result.get().status().code(), absl::StatusCode::kNotFound);
}

TEST_F(PublisherTest, NobodyWhoAsksIsForgottenAtTheEnd) {
  auto publisher = MakePublisher();
  std::future<absl::StatusOr<PublishResult>> sent = publisher->Publish(MakeMessage("DB", "CREATE", "0"));
  server_.publish_streams.Next()->requests.Next();
  std::future<absl::StatusOr<PublishResult>> unsent = publisher->Publish(MakeMessage("DB", "CREATE", "1"));
  publisher.reset();
  EXPECT_FALSE(sent.get().ok());
  EXPECT_EQ(unsent.get().status().code(), absl::StatusCode::kCancelled);
}

TEST_F(PublisherTest, AFutureHasTheReasonWhyAMessageWasNotTaken) {
  const auto publisher = MakePublisher();
  ASSERT_TRUE(client_->Disconnect().ok());
  EXPECT_EQ(publisher->Publish(MakeMessage("DB", "CREATE", "0")).get().status().code(), absl::StatusCode::kCancelled);
}

TEST_F(PublisherTest, ThoseWhomAnAnswerFreesTravelTogether) {
  absl::Notification answered;
  absl::Notification go_on;
  std::atomic<int> answers = 0;
  const auto publisher = client_->NewPublisher({.on_result = [&](const BatchResult&) {
    if (++answers != 2) return;
    answered.Notify();
    go_on.WaitForNotification();
  }});
  ASSERT_TRUE(Add(publisher.get(), 1).ok());
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  const v1::PublishStreamRequest first = stream->requests.Next();
  ASSERT_TRUE(Add(publisher.get(), 20).ok());
  stream->Accept(first);
  stream->Accept(stream->requests.Next());
  answered.WaitForNotification();
  // Nothing awaits an answer, and the publisher's thread has still to come.
  ASSERT_TRUE(Add(publisher.get(), 20).ok());
  go_on.Notify();
  EXPECT_EQ(stream->requests.Next().messages_size(), 20);
}

TEST_F(PublisherTest, WhoComesAloneIsNotKeptForThoseWhoStayAway) {
  const auto publisher = MakePublisher();
  ASSERT_TRUE(Add(publisher.get(), 1).ok());
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  const v1::PublishStreamRequest first = stream->requests.Next();
  ASSERT_TRUE(Add(publisher.get(), 20).ok());
  stream->Accept(first);
  stream->Accept(stream->requests.Next());
  EXPECT_EQ(results_.Next().messages, 1u);
  EXPECT_EQ(results_.Next().messages, 20u);
  ASSERT_TRUE(Add(publisher.get(), 1).ok());
  EXPECT_EQ(stream->requests.Next().messages_size(), 1);
}

TEST_F(PublisherTest, FullBatchDoesNotWaitForTheAnswerBefore) {
  const auto publisher = MakePublisher({.max_batch_messages = 5, .window = 2});
  ASSERT_TRUE(Add(publisher.get(), 1).ok());
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  EXPECT_EQ(stream->requests.Next().messages_size(), 1);
  ASSERT_TRUE(Add(publisher.get(), 5).ok());
  EXPECT_EQ(stream->requests.Next().messages_size(), 5);
}

TEST_F(PublisherTest, BatchIsFullByBytesToo) {
  const auto publisher = MakePublisher({.max_batch_bytes = 1000, .window = 10});
  ASSERT_TRUE(publisher->Add(MakeMessage("DB", "CREATE", "first")).ok());
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  stream->requests.Next();
  const std::string large(400, 'x');
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(publisher->Add(MakeMessage("DB", "CREATE", large)).ok());
  EXPECT_EQ(stream->requests.Next().messages_size(), 2);
  // Larger than a batch: alone.
  ASSERT_TRUE(publisher->Add(MakeMessage("DB", "CREATE", std::string(5000, 'x'))).ok());
  EXPECT_EQ(stream->requests.Next().messages_size(), 1);
  EXPECT_EQ(stream->requests.Next().messages(0).payload().size(), 5000u);
}

TEST_F(PublisherTest, ServersLimitsBoundTheBatches) {
  server_.limits.set_batch_messages(3);
  client_ = MustConnect(Options());
  const auto publisher = MakePublisher({.max_batch_messages = 100, .window = 10});
  ASSERT_TRUE(Add(publisher.get(), 1).ok());
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  stream->requests.Next();
  ASSERT_TRUE(Add(publisher.get(), 3).ok());
  EXPECT_EQ(stream->requests.Next().messages_size(), 3);
}

TEST_F(PublisherTest, AddBlocksWhileTheWindowIsFull) {
  const auto publisher = MakePublisher({.max_batch_messages = 1, .window = 2});
  std::atomic<int> added = 0;
  absl::Status status;
  std::thread adder([&] {
    for (int i = 0; i < 6 && status.ok(); ++i) {
      status = publisher->Add(MakeMessage("DB", "CREATE", absl::StrCat(i)));
      ++added;
    }
  });
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  const v1::PublishStreamRequest first = stream->requests.Next();
  const v1::PublishStreamRequest second = stream->requests.Next();
  // Two on their way, one gathered; the fourth must wait.
  EXPECT_LE(added, 3);
  EXPECT_EQ(stream->requests.total(), 2u);
  stream->Accept(first);
  stream->Accept(second);
  for (int i = 2; i < 6; ++i) {
    const v1::PublishStreamRequest request = stream->requests.Next();
    EXPECT_EQ(request.messages(0).payload(), absl::StrCat(i));
    stream->Accept(request);
  }
  adder.join();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(publisher->Flush().accepted, 6u);
}

TEST_F(PublisherTest, RefusedBatchIsCountedAndTheRestGoesOn) {
  const auto publisher = MakePublisher();
  ASSERT_TRUE(Add(publisher.get(), 1).ok());
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  stream->Refuse(stream->requests.Next(),
                 Refusal(grpc::StatusCode::NOT_FOUND, "QUEUE_UNKNOWN", "messages[0]: no queue \"DB\""));
  FlushResult flushed = publisher->Flush();
  EXPECT_EQ(flushed.refused, 1u);
  EXPECT_EQ(ReasonOf(flushed.status), "QUEUE_UNKNOWN");
  ASSERT_TRUE(Add(publisher.get(), 2).ok());
  const v1::PublishStreamRequest next = stream->requests.Next();
  stream->Accept(next);
  if (next.messages_size() == 1) stream->Accept(stream->requests.Next());
  flushed = publisher->Flush();
  EXPECT_TRUE(flushed.status.ok()) << flushed.status;
  EXPECT_EQ(flushed.accepted, 2u);
  EXPECT_EQ(flushed.refused, 0u);
}

TEST_F(PublisherTest, BrokenStreamLeavesTheSentUnknownAndSendsTheRest) {
  const auto publisher = MakePublisher({.window = 1});
  ASSERT_TRUE(Add(publisher.get(), 1).ok());
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  stream->requests.Next();
  ASSERT_TRUE(Add(publisher.get(), 3).ok());
  server_.accept_all_batches = true;
  stream->End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "connection reset"));
  const FlushResult flushed = publisher->Flush();
  EXPECT_EQ(flushed.unknown, 1u);
  EXPECT_EQ(flushed.accepted, 3u);
  EXPECT_EQ(flushed.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(results_.Next().outcome, BatchOutcome::kUnknown);
  const BatchResult next = results_.Next();
  EXPECT_EQ(next.outcome, BatchOutcome::kAccepted);
  EXPECT_EQ(next.first_message, 1u);
}

TEST_F(PublisherTest, WhatWasNeverSentIsRefusedWhenTheServerStaysAway) {
  server_.Stop();
  // What is sent before the client notices would be unknown.
  EXPECT_TRUE(client_->channel()->WaitForStateChange(GRPC_CHANNEL_READY, ToGrpc(Deadline::In(kPatience))));
  const auto publisher = MakePublisher({.give_up_after = absl::Milliseconds(100)});
  ASSERT_TRUE(Add(publisher.get(), 3).ok());
  const FlushResult flushed = publisher->Flush();
  EXPECT_EQ(flushed.refused, 3u);
  EXPECT_EQ(flushed.unknown, 0u);
  EXPECT_EQ(flushed.status.code(), absl::StatusCode::kUnavailable);
  // It is not the end: the next message tries again.
  server_.accept_all_batches = true;
  server_.Start();
  FlushResult again;
  do {
    ASSERT_TRUE(Add(publisher.get(), 1).ok());
    again = publisher->Flush();
  } while (!again.status.ok());
  EXPECT_EQ(again.accepted, 1u);
}

TEST_F(PublisherTest, LostSessionIsReplacedAndNothingIsLostOrDoubled) {
  const auto publisher = MakePublisher();
  server_.ForgetSessions();
  ASSERT_TRUE(Add(publisher.get(), 1).ok());
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  EXPECT_EQ(stream->requests.Next().session(), "session-1");
  server_.accept_all_batches = true;
  stream->End(Refusal(grpc::StatusCode::NOT_FOUND, "SESSION_UNKNOWN", "session: unknown"));
  const FlushResult flushed = publisher->Flush();
  EXPECT_TRUE(flushed.status.ok()) << flushed.status;
  EXPECT_EQ(flushed.accepted, 1u);
  EXPECT_EQ(server_.publish_streams.Next()->requests.Next().session(), "session-2");
}

TEST_F(PublisherTest, BatchRefusedForTheSessionIsSentAgainInOrder) {
  const auto publisher = MakePublisher({.max_batch_messages = 1, .window = 2});
  server_.ForgetSessions();
  ASSERT_TRUE(Add(publisher.get(), 2).ok());
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  const v1::PublishStreamRequest first = stream->requests.Next();
  const v1::PublishStreamRequest second = stream->requests.Next();
  server_.accept_all_batches = true;
  const grpc::Status lost = Refusal(grpc::StatusCode::NOT_FOUND, "SESSION_EXPIRED", "session: expired");
  stream->Refuse(first, lost);
  stream->Refuse(second, lost);
  EXPECT_EQ(publisher->Flush().accepted, 2u);
  const std::shared_ptr<FakePublishStream> next = server_.publish_streams.Next();
  EXPECT_EQ(next->requests.Next().messages(0).payload(), "0");
  EXPECT_EQ(next->requests.Next().messages(0).payload(), "1");
}

TEST_F(PublisherTest, SessionThatIsLostAgainRefusesTheBatch) {
  const auto publisher = MakePublisher();
  ASSERT_TRUE(Add(publisher.get(), 1).ok());
  const grpc::Status lost = Refusal(grpc::StatusCode::NOT_FOUND, "SESSION_UNKNOWN", "session: unknown");
  server_.publish_streams.Next()->End(lost);
  server_.publish_streams.Next()->End(lost);
  const FlushResult flushed = publisher->Flush();
  EXPECT_EQ(flushed.refused, 1u);
  EXPECT_EQ(ReasonOf(flushed.status), "SESSION_UNKNOWN");
}

TEST_F(PublisherTest, ServersFinalWordClosesThePublisher) {
  const auto publisher = MakePublisher();
  ASSERT_TRUE(Add(publisher.get(), 1).ok());
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  stream->requests.Next();
  ASSERT_TRUE(Add(publisher.get(), 2).ok());
  stream->End(Refusal(grpc::StatusCode::NOT_FOUND, "NAMESPACE_UNKNOWN", "no namespace \"shop\""));
  const FlushResult flushed = publisher->Flush();
  EXPECT_EQ(flushed.refused, 3u);
  EXPECT_EQ(flushed.unknown, 0u);
  EXPECT_EQ(ReasonOf(Add(publisher.get(), 1)), "NAMESPACE_UNKNOWN");
}

TEST_F(PublisherTest, AnswerToAnotherBatchIsNotBelieved) {
  const auto publisher = MakePublisher();
  ASSERT_TRUE(Add(publisher.get(), 1).ok());
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  v1::PublishStreamRequest other = stream->requests.Next();
  other.set_batch(4711);
  stream->Accept(other);
  const FlushResult flushed = publisher->Flush();
  EXPECT_EQ(flushed.unknown, 1u);
  EXPECT_EQ(flushed.accepted, 0u);
}

TEST_F(PublisherTest, WhatIsNoAnswerLeavesTheBatchUnknownAndTheRestIsSent) {
  const auto publisher = MakePublisher({.window = 1});
  ASSERT_TRUE(Add(publisher.get(), 1).ok());
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  const v1::PublishStreamRequest first = stream->requests.Next();
  ASSERT_TRUE(Add(publisher.get(), 2).ok());
  server_.accept_all_batches = true;
  stream->SendBytes("\x12\x7fzu");
  // Not believed any more.
  stream->Accept(first);
  const FlushResult flushed = publisher->Flush();
  EXPECT_EQ(flushed.unknown, 1u);
  EXPECT_EQ(flushed.accepted, 2u);
  EXPECT_EQ(flushed.status.code(), absl::StatusCode::kDataLoss);
}

TEST_F(PublisherTest, MessageMayBeChangedAndAddedAgain) {
  server_.accept_all_batches = true;
  const auto publisher = MakePublisher();
  Message message = MakeMessage("DB", "CREATE", "");
  for (int i = 0; i < 50; ++i) {
    message.set_payload(absl::StrCat(i));
    ASSERT_TRUE(publisher->Add(message).ok());
  }
  EXPECT_EQ(publisher->Flush().accepted, 50u);
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  for (int i = 0; i < 50;) {
    const v1::PublishStreamRequest request = stream->requests.Next();
    ASSERT_GT(request.messages_size(), 0);
    for (const Message& sent : request.messages()) EXPECT_EQ(sent.payload(), absl::StrCat(i++));
  }
}

TEST_F(PublisherTest, FlushGivesUpAfterItsTimeout) {
  const auto publisher = MakePublisher();
  ASSERT_TRUE(Add(publisher.get(), 1).ok());
  EXPECT_EQ(publisher->Flush(absl::Milliseconds(20)).status.code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(PublisherTest, FlushReturnsThoughAnotherThreadNeverStopsAdding) {
  server_.accept_all_batches = true;
  std::atomic<bool> stop = false;
  Publisher* adding = nullptr;
  PublisherOptions options;
  // On the publisher's thread: whenever something is answered, something else waits.
  options.on_result = [&](const BatchResult&) {
    if (!stop) EXPECT_TRUE(Add(adding, 1).ok());
  };
  const auto publisher = client_->NewPublisher(options);
  adding = publisher.get();
  ASSERT_TRUE(Add(publisher.get(), 1).ok());
  const FlushResult flushed = publisher->Flush(kPatience);
  EXPECT_TRUE(flushed.status.ok()) << flushed.status;
  EXPECT_GE(flushed.accepted, 1u);
  stop = true;
  EXPECT_TRUE(publisher->Flush(kPatience).status.ok());
}

TEST_F(PublisherTest, DisconnectFreesABlockedAdd) {
  const auto publisher = MakePublisher({.max_batch_messages = 1, .window = 1});
  absl::Status status;
  std::thread adder([&] { status = Add(publisher.get(), 100); });
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  stream->requests.Next();
  EXPECT_TRUE(client_->Disconnect().ok());
  adder.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  const FlushResult flushed = publisher->Flush();
  EXPECT_EQ(flushed.unknown, 1u);
  EXPECT_EQ(flushed.accepted, 0u);
}

TEST_F(PublisherTest, DestructorDoesNotWaitForAnswers) {
  auto publisher = MakePublisher();
  ASSERT_TRUE(Add(publisher.get(), 1).ok());
  server_.publish_streams.Next()->requests.Next();
  publisher.reset();
  EXPECT_EQ(results_.Next().outcome, BatchOutcome::kUnknown);
}

TEST_F(PublisherTest, ManyThreadsShareAPublisher) {
  server_.accept_all_batches = true;
  const auto publisher = MakePublisher({.max_batch_messages = 10});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { EXPECT_TRUE(Add(publisher.get(), 500).ok()); });
  }
  for (std::thread& thread : threads) thread.join();
  const FlushResult flushed = publisher->Flush();
  EXPECT_TRUE(flushed.status.ok()) << flushed.status;
  EXPECT_EQ(flushed.accepted, 2000u);
}

TEST_F(PublisherTest, WithoutSessionNoneIsSent) {
  ClientOptions options = Options();
  options.lazy = true;
  options.publish_with_session = false;
  client_ = MustConnect(options);
  const size_t connects = server_.connects.total();
  const auto publisher = MakePublisher();
  ASSERT_TRUE(Add(publisher.get(), 1).ok());
  EXPECT_EQ(server_.publish_streams.Next()->requests.Next().session(), "");
  EXPECT_EQ(server_.connects.total(), connects);
}

}  // namespace
}  // namespace client
}  // namespace nmq
