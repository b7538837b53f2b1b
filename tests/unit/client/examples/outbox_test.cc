#include "client/examples/outbox.h"

#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "tests/unit/client/cpp/fake_server.h"

namespace nmq {
namespace examples {
namespace {

using fake::FakePublishStream;
using fake::FakeServer;

class OutboxTest : public testing::Test {
 protected:
  OutboxTest() {
    ClientOptions options;
    options.server = server_.address();
    options.lazy = true;
    options.wait_for_server = absl::ZeroDuration();
    options.backoff = {.initial = absl::Milliseconds(5), .max = absl::Milliseconds(50)};
    client_ = *Client::Connect(options);
    outbox_ = std::make_unique<NmqOutbox>(client_.get(), absl::Milliseconds(100));
  }

  static Published Await(std::future<Published> answer) {
    EXPECT_EQ(answer.wait_for(absl::ToChronoSeconds(fake::kPatience)), std::future_status::ready);
    return answer.get();
  }

  FakeServer server_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<NmqOutbox> outbox_;
};

TEST_F(OutboxTest, TellsTheSequence) {
  std::future<Published> answer = outbox_->Publish(MakeMessage("DB", "CREATE", "x"));
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  v1::PublishStreamResponse response;
  response.set_batch(stream->requests.Next().batch());
  v1::SequenceRange* range = response.mutable_accepted()->add_ranges();
  range->set_queue("DB");
  range->set_epoch(3);
  range->set_first(17);
  range->set_last(17);
  stream->Send(response);
  const Published published = Await(std::move(answer));
  EXPECT_EQ(published.outcome, Published::Outcome::kYes);
  EXPECT_EQ(published.epoch, 3u);
  EXPECT_EQ(published.sequence, 17u);
}

TEST_F(OutboxTest, EachMessageOfABatchHasItsOwnSequence) {
  std::future<Published> first = outbox_->Publish(MakeMessage("DB", "CREATE", "1"));
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  const v1::PublishStreamRequest lone = stream->requests.Next();
  // These gather while the first is on its way.
  std::future<Published> second = outbox_->Publish(MakeMessage("DB", "CREATE", "2"));
  std::future<Published> other = outbox_->Publish(MakeMessage("FS", "create", "3"));
  std::future<Published> third = outbox_->Publish(MakeMessage("DB", "CREATE", "4"));
  const auto accept = [&stream](const v1::PublishStreamRequest& request, uint64_t db, uint64_t fs) {
    v1::PublishStreamResponse response;
    response.set_batch(request.batch());
    for (const auto& [queue, start] : {std::pair<const char*, uint64_t>("DB", db), {"FS", fs}}) {
      v1::SequenceRange* range = response.mutable_accepted()->add_ranges();
      range->set_queue(queue);
      range->set_first(start);
    }
    stream->Send(response);
  };
  accept(lone, 5, 0);
  EXPECT_EQ(Await(std::move(first)).sequence, 5u);
  const v1::PublishStreamRequest batch = stream->requests.Next();
  ASSERT_EQ(batch.messages_size(), 3);
  accept(batch, 6, 9);
  EXPECT_EQ(Await(std::move(second)).sequence, 6u);
  EXPECT_EQ(Await(std::move(other)).sequence, 9u);
  EXPECT_EQ(Await(std::move(third)).sequence, 7u);
}

TEST_F(OutboxTest, ARefusedMessageIsNotPublished) {
  std::future<Published> answer = outbox_->Publish(MakeMessage("DB", "CREATE", "x"));
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  stream->Refuse(stream->requests.Next(),
                 fake::Refusal(grpc::StatusCode::NOT_FOUND, "QUEUE_NOT_FOUND", "there is no queue DB"));
  const Published published = Await(std::move(answer));
  EXPECT_EQ(published.outcome, Published::Outcome::kNo);
  EXPECT_NE(published.error.find("there is no queue DB"), std::string::npos) << published.error;
}

TEST_F(OutboxTest, WithoutAServerAMessageIsGivenUpAsNotPublished) {
  server_.Stop();
  EXPECT_EQ(Await(outbox_->Publish(MakeMessage("DB", "CREATE", "x"))).outcome, Published::Outcome::kNo);
}

TEST_F(OutboxTest, TheFateOfAMessageIsUnknownIfTheConnectionBreaksBeforeTheAnswer) {
  std::future<Published> answer = outbox_->Publish(MakeMessage("DB", "CREATE", "x"));
  const std::shared_ptr<FakePublishStream> stream = server_.publish_streams.Next();
  stream->requests.Next();
  stream->End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "going"));
  const Published published = Await(std::move(answer));
  EXPECT_EQ(published.outcome, Published::Outcome::kUnknown);
  EXPECT_FALSE(published.error.empty());
}

TEST_F(OutboxTest, PublishesAgainWhenTheServerIsBack) {
  server_.accept_all_batches = true;
  server_.Stop();
  EXPECT_EQ(Await(outbox_->Publish(MakeMessage("DB", "CREATE", "x"))).outcome, Published::Outcome::kNo);
  server_.Start();
  const absl::Time deadline = absl::Now() + fake::kPatience;
  while (Await(outbox_->Publish(MakeMessage("DB", "CREATE", "x"))).outcome != Published::Outcome::kYes) {
    ASSERT_LT(absl::Now(), deadline);
  }
}

TEST_F(OutboxTest, AnswersEverythingAtItsEnd) {
  std::future<Published> answer = outbox_->Publish(MakeMessage("DB", "CREATE", "x"));
  server_.publish_streams.Next()->requests.Next();
  outbox_.reset();
  EXPECT_EQ(Await(std::move(answer)).outcome, Published::Outcome::kUnknown);
}

TEST_F(OutboxTest, PublishesNothingForADisconnectedClient) {
  EXPECT_TRUE(client_->Disconnect().ok());
  EXPECT_EQ(Await(outbox_->Publish(MakeMessage("DB", "CREATE", "x"))).outcome, Published::Outcome::kNo);
}

}  // namespace
}  // namespace examples
}  // namespace nmq
