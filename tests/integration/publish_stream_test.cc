// PublishStream: batches in, one result each, in order.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"

namespace nmq::integration {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Request = v1::PublishStreamRequest;
using Response = v1::PublishStreamResponse;

// A stream, one batch at a time or several.
class PublishingStream {
 public:
  explicit PublishingStream(Api* api) : context_(NewContext()), stream_(api->queue().PublishStream(context_.get())) {}
  ~PublishingStream() {
    if (!finished_) {
      context_->TryCancel();
      End();
    }
  }

  bool Write(const Request& request) { return stream_->Write(request); }
  bool Read(Response* response) { return stream_->Read(response); }
  void WritesDone() { EXPECT_TRUE(stream_->WritesDone()); }
  Response Publish(const Request& request) {
    Response response;
    EXPECT_TRUE(Write(request) && Read(&response));
    return response;
  }
  // Reads what is left.
  grpc::Status End() {
    finished_ = true;
    Response response;
    while (stream_->Read(&response)) {
    }
    return stream_->Finish();
  }
  void Cancel() { context_->TryCancel(); }

 private:
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReaderWriter<Request, Response>> stream_;
  bool finished_ = false;
};

Request Batch(uint64_t number, const std::vector<v1::Message>& messages) {
  Request request;
  request.set_batch(number);
  for (const v1::Message& message : messages) *request.add_messages() = message;
  return request;
}

// A refusal as a gRPC status, so that Summary reads it.
grpc::Status RefusalOf(const Response& response) {
  const google::rpc::Status& refused = response.refused();
  return grpc::Status(static_cast<grpc::StatusCode>(refused.code()), refused.message(), refused.SerializeAsString());
}

class PublishStreamTest : public testing::Test {
 protected:
  TestServer server_{kShopConfig};
  Api api_{server_};
};

TEST_F(PublishStreamTest, ResultsComeInTheOrderOfTheBatches) {
  auto listener = TestClient(&api_).Subscribe("DB");
  PublishingStream stream(&api_);
  constexpr uint64_t kBatches = 200;
  std::thread writer([&] {
    for (uint64_t i = 0; i < kBatches; ++i) {
      EXPECT_TRUE(stream.Write(Batch(
          1000 - i, {MakeMessage("DB", "E", absl::StrCat(2 * i)), MakeMessage("DB", "E", absl::StrCat(2 * i + 1))})));
    }
    stream.WritesDone();
  });
  for (uint64_t i = 0; i < kBatches; ++i) {
    Response response;
    ASSERT_TRUE(stream.Read(&response));
    EXPECT_EQ(response.batch(), 1000 - i);
    ASSERT_EQ(response.accepted().ranges_size(), 1);
    EXPECT_EQ(response.accepted().ranges(0).first(), 2 * i + 1);
    EXPECT_EQ(response.accepted().ranges(0).last(), 2 * i + 2);
  }
  writer.join();
  EXPECT_EQ(Summary(stream.End()), "OK");
  for (uint64_t i = 0; i < 2 * kBatches; ++i) ASSERT_EQ(listener->NextMessage().payload(), absl::StrCat(i));
}

TEST_F(PublishStreamTest, ABatchForSeveralQueuesTellsTheRangeOfEach) {
  const TestClient client(&api_);
  auto db = client.Subscribe("DB");
  auto all = client.Subscribe("**");
  Request request = Batch(7, {MakeMessage("FS", "E", "1"), MakeMessage("DB", "E", "2"), MakeMessage("FS", "E", "3")});
  request.set_count_matches(true);
  PublishingStream stream(&api_);
  const Response response = stream.Publish(request);
  EXPECT_EQ(response.batch(), 7);
  ASSERT_EQ(response.accepted().ranges_size(), 2);
  EXPECT_EQ(response.accepted().ranges(0).queue(), "FS");
  EXPECT_EQ(response.accepted().ranges(0).last(), 2);
  EXPECT_EQ(response.accepted().ranges(1).queue(), "DB");
  EXPECT_EQ(response.accepted().ranges(1).last(), 1);
  EXPECT_EQ(response.accepted().matched(), 4);
  EXPECT_EQ(db->NextMessage().payload(), "2");
  EXPECT_THAT(all->Payloads(3), testing::UnorderedElementsAre("1", "2", "3"));
}

TEST_F(PublishStreamTest, ARefusedBatchIsRefusedWholeAndDoesNotEndTheStream) {
  const TestClient client(&api_, "shop");
  auto listener = client.Subscribe("**");
  PublishingStream stream(&api_);
  Request first = Batch(1, {MakeMessage("DB", "CREATE", "1")});
  first.set_session(client.session());
  EXPECT_TRUE(stream.Publish(first).has_accepted());

  struct Row {
    std::vector<v1::Message> messages;
    std::string summary;
    std::string text;
  };
  v1::Message to_nobody = MakeMessage("DB", "CREATE", "");
  to_nobody.mutable_audience()->add_clients("c-nobody");
  const std::vector<Row> rows = {
      {{}, "INVALID_ARGUMENT INVALID_FIELD field=messages", "messages: "},
      {{MakeMessage("DB", "CREATE", "lost"), MakeMessage("DB", "UPDATE", "")},
       "NOT_FOUND EVENT_NOT_FOUND event=UPDATE queue=DB",
       "messages[1]: "},
      {{MakeMessage("DB", "CREATE", "lost"), MakeMessage("FS", "E", "lost"), MakeMessage("NET", "E", "")},
       "NOT_FOUND QUEUE_NOT_FOUND namespace=shop queue=NET",
       "messages[2]: "},
      {{MakeMessage("DB", "CREATE", "lost"), MakeMessage("D B", "E", "")},
       "INVALID_ARGUMENT INVALID_FIELD field=queue",
       "messages[1]: queue: "},
      {{MakeMessage("DB", "CREATE", "lost"), to_nobody},
       "NOT_FOUND CLIENT_NOT_FOUND client=c-nobody namespace=shop",
       "messages[1]: "},
      {{MakeMessage("DB", "CREATE", std::string((1 << 20) + 1, 'x'))},
       "RESOURCE_EXHAUSTED LIMIT_EXCEEDED bound=1048576 field=payload limit=payload_bytes value=1048577",
       "messages[0]: payload: "},
  };
  uint64_t number = 10;
  for (const Row& row : rows) {
    const Response response = stream.Publish(Batch(++number, row.messages));
    EXPECT_EQ(response.batch(), number);
    ASSERT_TRUE(response.has_refused());
    EXPECT_EQ(Summary(RefusalOf(response)), row.summary);
    EXPECT_THAT(response.refused().message(), testing::StartsWith(row.text));
  }
  EXPECT_TRUE(stream.Publish(Batch(2, {MakeMessage("DB", "CREATE", "2")})).has_accepted());
  EXPECT_THAT(listener->Payloads(2), ElementsAre("1", "2"));
  stream.WritesDone();
  EXPECT_EQ(Summary(stream.End()), "OK");
}

TEST_F(PublishStreamTest, TheSessionMayBeLeftOutLaterButNotChanged) {
  const TestClient client(&api_);
  const TestClient other(&api_);
  auto listener = client.Subscribe("DB");
  PublishingStream stream(&api_);
  Request request = Batch(1, {MakeMessage("DB", "E", "1")});
  request.set_session(client.session());
  EXPECT_TRUE(stream.Publish(request).has_accepted());
  EXPECT_TRUE(stream.Publish(Batch(2, {MakeMessage("DB", "E", "2")})).has_accepted());
  EXPECT_TRUE(stream.Publish(request).has_accepted());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(listener->NextMessage().publisher(), client.id());
  request.set_session(other.session());
  EXPECT_TRUE(stream.Write(request));
  EXPECT_EQ(Summary(stream.End()), "INVALID_ARGUMENT INVALID_FIELD field=session");
}

TEST_F(PublishStreamTest, TheNamespaceMayBeLeftOutLaterButNotChanged) {
  PublishingStream stream(&api_);
  Request request = Batch(1, {MakeMessage("DB", "CREATE", "1")});
  request.set_namespace_("shop");
  EXPECT_TRUE(stream.Publish(request).has_accepted());
  EXPECT_TRUE(stream.Publish(Batch(2, {MakeMessage("DB", "CREATE", "2")})).has_accepted());
  request.set_namespace_("default");
  EXPECT_TRUE(stream.Write(request));
  const grpc::Status status = stream.End();
  EXPECT_EQ(Summary(status), "INVALID_ARGUMENT INVALID_FIELD field=namespace");
  EXPECT_THAT(status.error_message(), HasSubstr("\"shop\""));
  EXPECT_EQ(InfoOf(&api_, "shop").counters().published_messages(), 2);
}

TEST_F(PublishStreamTest, AnUnknownOriginEndsTheStream) {
  const TestClient client(&api_, "shop");
  struct Row {
    std::string session;
    std::string name_space;
    std::string summary;
  };
  const std::vector<Row> rows = {
      {"nonsense", "", "NOT_FOUND SESSION_UNKNOWN"},
      {"", "nowhere", "NOT_FOUND NAMESPACE_NOT_FOUND namespace=nowhere"},
      {"", "no where", "INVALID_ARGUMENT INVALID_FIELD field=namespace"},
      {client.session(), "default", "FAILED_PRECONDITION OTHER_NAMESPACE"},
  };
  for (const Row& row : rows) {
    Request request = Batch(1, {MakeMessage("DB", "CREATE", "")});
    request.set_session(row.session);
    request.set_namespace_(row.name_space);
    PublishingStream stream(&api_);
    EXPECT_TRUE(stream.Write(request));
    EXPECT_EQ(Summary(stream.End()), row.summary);
  }
}

TEST_F(PublishStreamTest, ADisconnectedClientsStreamEnds) {
  const TestClient client(&api_);
  PublishingStream stream(&api_);
  Request request = Batch(1, {MakeMessage("DB", "E", "1")});
  request.set_session(client.session());
  EXPECT_TRUE(stream.Publish(request).has_accepted());
  client.Disconnect();
  EXPECT_TRUE(stream.Write(request));
  EXPECT_EQ(Summary(stream.End()), "NOT_FOUND SESSION_EXPIRED");
}

TEST_F(PublishStreamTest, HalfClosingAnswersEverythingFirst) {
  PublishingStream stream(&api_);
  constexpr uint64_t kBatches = 100;
  for (uint64_t i = 0; i < kBatches; ++i) EXPECT_TRUE(stream.Write(Batch(i, {MakeMessage("DB", "E", "")})));
  stream.WritesDone();
  for (uint64_t i = 0; i < kBatches; ++i) {
    Response response;
    ASSERT_TRUE(stream.Read(&response));
    EXPECT_EQ(response.batch(), i);
    EXPECT_TRUE(response.has_accepted());
  }
  EXPECT_EQ(Summary(stream.End()), "OK");
}

TEST_F(PublishStreamTest, AStreamWithoutABatchEndsWell) {
  PublishingStream stream(&api_);
  stream.WritesDone();
  EXPECT_EQ(Summary(stream.End()), "OK");
}

TEST_F(PublishStreamTest, APublisherThatDoesNotReadIsNotReadFromEither) {
  // Answers of 10 KB, so that not many fit between server and client; batches of 110 KB, more of them than gRPC's
  // windows ever let through.
  Api unread(server_);
  std::vector<v1::Message> messages;
  for (int i = 0; i < 70; ++i) messages.push_back(MakeMessage(absl::StrCat(i, "-", std::string(120, 'q')), "E", ""));
  messages[0].set_payload(std::string(100'000, 'p'));
  PublishingStream stream(&unread);
  constexpr uint64_t kBatches = 300;
  std::atomic<uint64_t> written{0};
  std::thread writer([&] {
    for (uint64_t i = 0; i < kBatches; ++i) {
      if (!stream.Write(Batch(i, messages))) return;
      ++written;
    }
    stream.WritesDone();
  });
  // What the server has taken in stops growing: no change while a hundred looks are taken.
  uint64_t taken = 0;
  int unchanged = 0;
  ASSERT_TRUE(WaitUntil([&] {
    const uint64_t now = InfoOf(&api_).counters().published_messages() / messages.size();
    unchanged = now > 0 && now == taken ? unchanged + 1 : 0;
    taken = now;
    return unchanged == 100;
  }));
  // The 64 answers that may wait, and what fits into windows and buffers.
  EXPECT_LE(taken, 64 + 40);
  EXPECT_LT(written, kBatches);

  // Once it reads, everything goes on.
  for (uint64_t i = 0; i < kBatches; ++i) {
    Response response;
    ASSERT_TRUE(stream.Read(&response));
    ASSERT_EQ(response.batch(), i);
    ASSERT_TRUE(response.has_accepted());
  }
  writer.join();
  EXPECT_EQ(Summary(stream.End()), "OK");
}

}  // namespace
}  // namespace nmq::integration
