#include <set>
#include <string>
#include <vector>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Publishes one batch on a stream of its own.
absl::StatusOr<v1::PublishStreamResponse> PublishBatch(World* world, v1::PublishStreamRequest request) {
  PublishStream stream(&world->broker(), TestCall());
  v1::PublishStreamResponse response;
  const absl::Status status = PublishOn(&stream, request, &response);
  if (!status.ok()) return status;
  return response;
}

v1::PublishStreamRequest Batch(const std::vector<Post>& posts, uint64_t number = 1) {
  v1::PublishStreamRequest request;
  request.set_batch(number);
  for (const Post& post : posts) *request.add_messages() = ToMessage(post);
  return request;
}

std::string RefusedMetadata(const v1::PublishStreamResponse& response, const std::string& name) {
  absl::Status status(static_cast<absl::StatusCode>(response.refused().code()), response.refused().message());
  for (const auto& detail : response.refused().details()) {
    status.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return MetadataOf(status, name);
}

TEST(Publish, AnswersWithThePlaceOfTheMessage) {
  World world;
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  auto first = world.Publish({.payload = "1"});
  auto second = world.PublishAs(member, {.payload = "2"});
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->sequence(), 1u);
  EXPECT_EQ(second->sequence(), 2u);
  EXPECT_EQ(first->epoch(), second->epoch());
  EXPECT_FALSE(first->has_matched());
  const Heard heard = listener->HearAll();
  ASSERT_EQ(heard.messages.size(), 2u);
  EXPECT_EQ(heard.messages[0].id(), first->id());
  EXPECT_EQ(heard.messages[1].id(), second->id());
  EXPECT_EQ(heard.messages[0].epoch(), first->epoch());
  EXPECT_EQ(heard.messages[0].publisher(), "");
  EXPECT_EQ(heard.messages[1].publisher(), member.id);
  EXPECT_EQ(heard.messages[0].publish_time().seconds(), 1'700'000'000);
}

TEST(Publish, DeliversWhatThePublisherSaid) {
  World world;
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  v1::PublishRequest request;
  v1::Message* message = request.mutable_message();
  message->set_queue("DB");
  message->set_event("CREATE");
  message->set_payload(std::string("\0\xff binary", 9));
  message->set_content_type("application/json");
  message->set_key("k-1");
  (*message->mutable_headers())["a"] = "1";
  (*message->mutable_headers())["b"] = "";
  const v1::Message sent = *message;
  ASSERT_TRUE(PublishTo(&world.broker(), &request).ok());
  v1::Message heard = listener->HearAll().messages.at(0);
  heard.clear_id();
  heard.clear_epoch();
  heard.clear_sequence();
  heard.clear_publish_time();
  EXPECT_EQ(heard.DebugString(), sent.DebugString());
}

TEST(Publish, OverwritesWhatIsTheServersToSay) {
  World world;
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  v1::PublishRequest request;
  v1::Message* message = request.mutable_message();
  message->set_queue("DB");
  message->set_event("CREATE");
  message->set_id("forged");
  message->set_epoch(77);
  message->set_sequence(99);
  message->set_publisher("somebody");
  message->mutable_publish_time()->set_seconds(1);
  const auto response = PublishTo(&world.broker(), &request);
  ASSERT_TRUE(response.ok());
  const v1::Message heard = listener->HearAll().messages.at(0);
  EXPECT_EQ(heard.id(), response->id());
  EXPECT_EQ(heard.epoch(), response->epoch());
  EXPECT_EQ(heard.sequence(), 1u);
  EXPECT_EQ(heard.publisher(), "");
  EXPECT_EQ(heard.publish_time().seconds(), 1'700'000'000);
}

TEST(Publish, IdsAreUniqueOverQueuesAndNamespaces) {
  World world("namespace { name: 'other' automatic_queues: true }");
  std::set<std::string> ids;
  for (int i = 0; i < 50; ++i) {
    for (const char* queue : {"a", "b", "c"}) {
      for (const char* name_space : {"default", "other"}) {
        EXPECT_TRUE(ids.insert(world.Publish({.queue = queue}, name_space)->id()).second);
      }
    }
  }
}

TEST(Publish, WithoutAMessageIsRefused) {
  World world;
  v1::PublishRequest request;
  const absl::Status status = PublishTo(&world.broker(), &request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MetadataOf(status, "field"), "message");
}

TEST(Publish, NeverMakesANamespace) {
  World world;
  const absl::Status status = world.Publish({}, "nowhere").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), "NAMESPACE_NOT_FOUND");
  EXPECT_EQ(world.Publish({}, "nowhere").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(world.Publish({}, "no name").status().code(), absl::StatusCode::kInvalidArgument);
  v1::ListNamespacesResponse response;
  ASSERT_TRUE(world.registry().ListNamespaces(TestCall(), {}, &response).ok());
  EXPECT_EQ(response.namespaces_size(), 1);
}

TEST(Publish, IntoTheSessionsNamespaceOnly) {
  World world("namespace { name: 'one' automatic_queues: true }");
  const Member member = world.Connect("one");
  v1::PublishRequest request;
  request.set_session(member.session);
  request.set_namespace_("default");
  *request.mutable_message() = ToMessage({});
  const absl::Status status = PublishTo(&world.broker(), &request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), "OTHER_NAMESPACE");
  request.set_namespace_("one");
  EXPECT_TRUE(PublishTo(&world.broker(), &request).ok());
}

TEST(AutomaticQueue, IsMadeOnlyWhereTheNamespaceAllowsIt) {
  World world("namespace { name: 'strict' queue { name: 'DB' } }");
  EXPECT_TRUE(world.Publish({.queue = "new"}).ok());
  const absl::Status status = world.Publish({.queue = "new"}, "strict").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), "QUEUE_NOT_FOUND");
  EXPECT_EQ(MetadataOf(status, "queue"), "new");
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("and makes none by itself"));
  EXPECT_TRUE(world.Publish({.queue = "DB"}, "strict").ok());
}

TEST(AutomaticQueue, IsBounded) {
  World world("limits { queues_per_namespace: 3 }");
  EXPECT_TRUE(world.Publish({.queue = "a"}).ok());
  EXPECT_TRUE(world.Publish({.queue = "b"}).ok());
  EXPECT_TRUE(world.Publish({.queue = "c"}).ok());
  const absl::Status status = world.Publish({.queue = "d"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(MetadataOf(status, "limit"), "queues_per_namespace");
  EXPECT_EQ(MetadataOf(status, "value"), "4");
  EXPECT_EQ(MetadataOf(status, "bound"), "3");
  EXPECT_EQ(world.Refused(), 1u);
  EXPECT_TRUE(world.Publish({.queue = "a"}).ok());
}

TEST(AutomaticQueue, BatchMakesAllItsQueuesOrNone) {
  World world("limits { queues_per_namespace: 3 }");
  auto refused = PublishBatch(&world, Batch({{.queue = "a"}, {.queue = "b"}, {.queue = "c"}, {.queue = "d"}}));
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(RefusedMetadata(*refused, "limit"), "queues_per_namespace");
  v1::ListQueuesResponse queues;
  ASSERT_TRUE(world.registry().ListQueues(TestCall(), {}, &queues).ok());
  EXPECT_EQ(queues.queues_size(), 0);
  EXPECT_TRUE(
      PublishBatch(&world, Batch({{.queue = "a"}, {.queue = "b"}, {.queue = "a"}, {.queue = "c"}}))->has_accepted());
}

TEST(AutomaticQueue, HasTheRetentionOfItsNamespace) {
  World world("namespace { name: 'default' automatic_retention { messages: 7 } }");
  ASSERT_TRUE(world.Publish({.queue = "a"}).ok());
  v1::ListQueuesResponse queues;
  ASSERT_TRUE(world.registry().ListQueues(TestCall(), {}, &queues).ok());
  EXPECT_EQ(queues.queues(0).retention().messages(), 7u);
  EXPECT_TRUE(queues.queues(0).automatic());
}

TEST(DeclaredEvents, AnythingElseIsNotFound) {
  World world("namespace { name: 'default' queue { name: 'DB' event: 'DELETE' event: 'CREATE' } }");
  EXPECT_TRUE(world.Publish({.event = "CREATE"}).ok());
  EXPECT_TRUE(world.Publish({.event = "DELETE"}).ok());
  const absl::Status status = world.Publish({.event = "DROP"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), "EVENT_NOT_FOUND");
  EXPECT_EQ(MetadataOf(status, "event"), "DROP");
  EXPECT_THAT(std::string(status.message()), HasSubstr("CREATE, DELETE"));
  EXPECT_EQ(world.Publish({.event = "create"}).status().code(), absl::StatusCode::kNotFound);
}

TEST(Batch, IsAnsweredWithOneRangeForEachQueueInOrderOfAppearance) {
  World world;
  auto first = PublishBatch(&world, Batch({{.queue = "b"}, {.queue = "a"}, {.queue = "b"}, {.queue = "c"}}, 41));
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->batch(), 41u);
  ASSERT_EQ(first->accepted().ranges_size(), 3);
  EXPECT_EQ(first->accepted().ranges(0).queue(), "b");
  EXPECT_EQ(first->accepted().ranges(0).first(), 1u);
  EXPECT_EQ(first->accepted().ranges(0).last(), 2u);
  EXPECT_EQ(first->accepted().ranges(1).queue(), "a");
  EXPECT_EQ(first->accepted().ranges(2).queue(), "c");
  EXPECT_FALSE(first->accepted().has_matched());
  auto second = PublishBatch(&world, Batch({{.queue = "b"}}));
  EXPECT_EQ(second->accepted().ranges(0).first(), 3u);
}

TEST(Batch, KeepsItsOrderInEachQueue) {
  World world;
  const Member member = world.Connect();
  auto listener = world.Listen(member, {{"b", ""}});
  std::vector<Post> posts;
  std::vector<std::string> expected;
  for (int i = 0; i < 300; ++i) {
    posts.push_back({.queue = i % 3 == 0 ? "a" : "b", .payload = std::to_string(i)});
    if (i % 3 != 0) expected.push_back(posts.back().payload);
  }
  ASSERT_TRUE(PublishBatch(&world, Batch(posts))->has_accepted());
  EXPECT_EQ(listener->Payloads(), expected);
}

TEST(Batch, IsTakenWholeOrNotAtAll) {
  World world("namespace { name: 'default' automatic_queues: true queue { name: 'FS' event: 'x' } }");
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  const std::vector<std::pair<Post, absl::StatusCode>> cases = {
      {{.queue = "FS", .event = "y"}, absl::StatusCode::kNotFound},
      {{.queue = "no name"}, absl::StatusCode::kInvalidArgument},
      {{.event = ""}, absl::StatusCode::kInvalidArgument},
      {{.clients = {"c-nobody"}}, absl::StatusCode::kNotFound},
      {{.queue = "new", .clients = {"c-nobody"}}, absl::StatusCode::kNotFound},
      {{.payload = std::string((1 << 20) + 1, 'x')}, absl::StatusCode::kResourceExhausted},
  };
  for (const auto& [bad, code] : cases) {
    auto response = PublishBatch(&world, Batch({{.queue = "made"}, {.queue = "FS", .event = "x"}, bad}));
    ASSERT_TRUE(response.ok());
    EXPECT_EQ(response->refused().code(), static_cast<int>(code));
    EXPECT_THAT(response->refused().message(), HasSubstr("messages[2]"));
    EXPECT_THAT(listener->HearAll().order, IsEmpty());
  }
  v1::ListQueuesResponse queues;
  ASSERT_TRUE(world.registry().ListQueues(TestCall(), {}, &queues).ok());
  EXPECT_EQ(queues.queues_size(), 1) << queues.DebugString();
  EXPECT_EQ(world.Refused(), 1u);
}

TEST(Batch, CountsMatchesOfAllMessages) {
  World world;
  const Member one = world.Connect("", {"a"});
  const Member two = world.Connect();
  auto first = world.Listen(one);
  auto second = world.Listen(two, {{"DB", "CREATE"}});
  v1::PublishStreamRequest request = Batch({{.queue = "DB"}, {.queue = "FS"}, {.rooms = {"a"}}, {.event = "x"}});
  request.set_count_matches(true);
  auto response = PublishBatch(&world, request);
  EXPECT_EQ(response->accepted().matched(), 5u);
  EXPECT_EQ(first->HearAll().messages.size() + second->HearAll().messages.size(), 5u);
}

TEST(Batch, IsBoundedInMessages) {
  World world("limits { batch_messages: 3 }");
  EXPECT_TRUE(PublishBatch(&world, Batch({{}, {}}))->has_accepted());
  EXPECT_TRUE(PublishBatch(&world, Batch({{}, {}, {}}))->has_accepted());
  auto refused = PublishBatch(&world, Batch({{}, {}, {}, {}}));
  EXPECT_EQ(RefusedMetadata(*refused, "limit"), "batch_messages");
  EXPECT_EQ(RefusedMetadata(*refused, "value"), "4");
  EXPECT_EQ(RefusedMetadata(*refused, "bound"), "3");
  EXPECT_EQ(world.Refused(), 1u);
}

TEST(Batch, IsBoundedInBytes) {
  World world("limits { batch_bytes: 1000 }");
  for (const size_t size : {999, 1000, 1001}) {
    PublishStream stream(&world.broker(), TestCall());
    v1::PublishStreamRequest request = Batch({{}});
    std::string* const payload = request.mutable_messages(0)->mutable_payload();
    while (request.ByteSizeLong() < size) payload->append(size - request.ByteSizeLong(), 'x');
    while (request.ByteSizeLong() > size) payload->pop_back();
    ASSERT_EQ(request.ByteSizeLong(), size);
    v1::PublishStreamResponse response;
    ASSERT_TRUE(PublishOn(&stream, request, &response).ok());
    EXPECT_EQ(response.has_accepted(), size <= 1000) << size;
    if (size > 1000) {
      EXPECT_EQ(RefusedMetadata(response, "limit"), "batch_bytes");
    }
  }
  EXPECT_EQ(world.Refused(), 1u);
}

TEST(Batch, MustNotBeEmpty) {
  World world;
  auto response = PublishBatch(&world, Batch({}));
  EXPECT_EQ(response->refused().code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
}

TEST(PublishStream, KeepsSessionAndNamespaceOfItsFirstRequest) {
  World world("namespace { name: 'one' automatic_queues: true }");
  const Member member = world.Connect("one");
  PublishStream stream(&world.broker(), TestCall());
  auto publish = [&](const std::string& session, const std::string& name_space) {
    v1::PublishStreamRequest request = Batch({{}});
    request.set_session(session);
    request.set_namespace_(name_space);
    v1::PublishStreamResponse response;
    return PublishOn(&stream, request, &response);
  };
  EXPECT_TRUE(publish(member.session, "").ok());
  EXPECT_TRUE(publish("", "").ok());
  EXPECT_TRUE(publish(member.session, "one").ok());
  EXPECT_EQ(MetadataOf(publish("", "default"), "field"), "namespace");
  EXPECT_EQ(MetadataOf(publish("other", ""), "field"), "session");
  auto listener = world.Listen(member, {{"**", ""}}, Earliest());
  EXPECT_EQ(listener->HearAll().messages.size(), 3u);
}

TEST(PublishStream, EndsWhenItsClientIsGone) {
  World world;
  const Member member = world.Connect();
  PublishStream stream(&world.broker(), TestCall());
  v1::PublishStreamRequest request = Batch({{}});
  request.set_session(member.session);
  v1::PublishStreamResponse response;
  ASSERT_TRUE(PublishOn(&stream, request, &response).ok());
  ASSERT_TRUE(world.Disconnect(member).ok());
  request = Batch({{}});
  const absl::Status status = PublishOn(&stream, request, &response);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), "SESSION_EXPIRED");
}

TEST(PublishStream, WithAnUnknownSessionOrNamespaceEnds) {
  World world;
  v1::PublishStreamRequest request = Batch({{}});
  request.set_session("nonsense");
  EXPECT_EQ(PublishBatch(&world, request).status().code(), absl::StatusCode::kNotFound);
  request.clear_session();
  request.set_namespace_("nowhere");
  EXPECT_EQ(PublishBatch(&world, request).status().code(), absl::StatusCode::kNotFound);
}

TEST(PublishStream, CountsForItsClient) {
  World world;
  const Member member = world.Connect();
  v1::PublishStreamRequest request = Batch({{}, {}, {}});
  request.set_session(member.session);
  ASSERT_TRUE(PublishBatch(&world, request).ok());
  v1::GetClientRequest get;
  get.set_client_id(member.id);
  v1::GetClientResponse client;
  ASSERT_TRUE(world.registry().GetClient(TestCall(), get, &client).ok());
  EXPECT_EQ(client.client().counters().published_messages(), 3u);
}

TEST(Draining, RefusesWhatIsNewAndLetsTheRestGoOn) {
  World world;
  const Member member = world.Connect("", {"red"});
  auto listener = world.Listen(member);
  ASSERT_TRUE(world.Publish({.payload = "1"}).ok());
  world.broker().StartDrain();
  const absl::Status status = world.Publish({}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), "DRAINING");
  EXPECT_TRUE(status.GetPayload(kRetryInfoTypeUrl).has_value());
  EXPECT_EQ(PublishBatch(&world, Batch({{}})).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(world.TryConnect({}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(world.TryListen(SubscribeTo(member, {{"**", ""}})).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(listener->Payloads(), ElementsAre("1"));
  EXPECT_TRUE(world.Leave(member, {"red"}).ok());
  EXPECT_TRUE(world.Disconnect(member).ok());
}

// Those who hear the same in the same turn share one look at the queue; who comes later, or is slower, must not.
TEST(Listeners, OfOneQueueHearTheSameEachInItsOwnTime) {
  World world;
  const Member member = world.Connect();
  auto first = world.Listen(member);
  auto second = world.Listen(member);
  auto slow = world.Listen(member);
  const std::vector<std::string> two = {"1", "2"};
  for (const std::string& payload : two) ASSERT_TRUE(world.Publish({.payload = payload}).ok());
  EXPECT_EQ(first->Payloads(), two);
  EXPECT_EQ(second->Payloads(), two);
  auto late = world.Listen(member);
  for (const std::string payload : {"3", "4"}) ASSERT_TRUE(world.Publish({.payload = payload}).ok());
  EXPECT_THAT(first->Payloads(), ElementsAre("3", "4"));
  EXPECT_THAT(late->Payloads(), ElementsAre("3", "4"));
  EXPECT_THAT(slow->Payloads(), ElementsAre("1", "2", "3", "4"));
  EXPECT_THAT(second->Payloads(), ElementsAre("3", "4"));
}

TEST(Listeners, WhoAskForLessAtATimeHearAllTheSame) {
  World world;
  const Member member = world.Connect();
  auto first = world.Listen(member);
  auto second = world.Listen(member);
  for (const std::string payload : {"1", "2", "3"}) ASSERT_TRUE(world.Publish({.payload = payload}).ok());
  EXPECT_THAT(first->Payloads(), ElementsAre("1", "2", "3"));
  EXPECT_THAT(second->HearAll(/*bytes_max=*/1).payloads(), ElementsAre("1", "2", "3"));
}

TEST(Listeners, AnExceptedOneDoesNotHearWhatItsNeighbourHeard) {
  World world;
  const Member one = world.Connect();
  const Member other = world.Connect("", {"kitchen"});
  auto hears = world.Listen(one);
  auto too = world.Listen(one);
  auto excepted = world.Listen(other);
  ASSERT_TRUE(world.Publish({.payload = "1"}).ok());
  ASSERT_TRUE(world.Publish({.payload = "2", .except_rooms = {"kitchen"}}).ok());
  EXPECT_THAT(hears->Payloads(), ElementsAre("1", "2"));
  EXPECT_THAT(too->Payloads(), ElementsAre("1", "2"));
  EXPECT_THAT(excepted->Payloads(), ElementsAre("1"));
}

}  // namespace
}  // namespace nmq::broker
