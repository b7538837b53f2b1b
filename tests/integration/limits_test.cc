// Every limit at L-1, L and L+1, over the wire.
#include "server/limits/limits.h"

#include <functional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"

namespace nmq::integration {
namespace {

// The same for all, so that the tests say what they do, not how far.
constexpr char kConfig[] = R"(
    limits {
      payload_bytes: 100
      batch_messages: 5
      batch_bytes: 400
      name_bytes: 20
      headers: 3
      header_name_bytes: 6
      header_value_bytes: 12
      labels: 4
      audience_names: 5
      clients_per_namespace: 8
      rooms_per_namespace: 9
      rooms_per_client: 6
      queues_per_namespace: 7
      subscriptions_per_client: 5
      patterns_per_subscription: 4
      scheduled_messages: 5
    })";

// A server at the beginning of each try.
struct Try {
  TestServer server{kConfig};
  Api api{server};
  TestClient client{&api};

  grpc::Status Connect(const std::function<void(v1::ConnectRequest*)>& fill) {
    v1::ConnectRequest request;
    fill(&request);
    return api.Try(&v1::MessageQueue::Stub::Connect, request);
  }
  grpc::Status Publish(const std::function<void(v1::Message*)>& fill) {
    v1::PublishRequest request;
    request.set_session(client.session());
    *request.mutable_message() = MakeMessage("DB", "E", "");
    fill(request.mutable_message());
    return api.Try(&v1::MessageQueue::Stub::Publish, request);
  }
  grpc::Status PublishBatch(const v1::PublishStreamRequest& request) {
    auto context = NewContext();
    auto stream = api.queue().PublishStream(context.get());
    v1::PublishStreamResponse response;
    EXPECT_TRUE(stream->Write(request) && stream->Read(&response));
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
    if (response.has_accepted()) return grpc::Status::OK;
    return grpc::Status(static_cast<grpc::StatusCode>(response.refused().code()), response.refused().message(),
                        response.refused().SerializeAsString());
  }
  grpc::Status Join(const std::vector<std::string>& rooms) {
    v1::JoinRequest request;
    request.set_session(client.session());
    for (const std::string& room : rooms) request.add_rooms(room);
    return api.Try(&v1::MessageQueue::Stub::Join, request);
  }
  grpc::Status Subscribe(const v1::SubscribeRequest& request) {
    Listener listener(&api, request);
    return listener.live() ? grpc::Status::OK : listener.End();
  }
};

std::vector<std::string> Names(uint64_t count, const std::string& prefix = "n") {
  std::vector<std::string> names;
  for (uint64_t i = 0; i < count; ++i) names.push_back(absl::StrCat(prefix, i));
  return names;
}

// One use of a limit: what to do to reach `size`, and the field that the refusal names, if any.
struct Case {
  std::string name;
  std::string limit;
  std::string field;
  std::function<grpc::Status(Try*, uint64_t size)> use;
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

std::vector<Case> MessageCases() {
  auto publish = [](auto fill) {
    return [fill](Try* t, uint64_t size) { return t->Publish([&](v1::Message* m) { fill(m, size); }); };
  };
  return {
      {"Payload", "payload_bytes", "payload",
       publish([](v1::Message* m, uint64_t size) { m->set_payload(std::string(size, 'p')); })},
      {"Key", "name_bytes", "key", publish([](v1::Message* m, uint64_t size) { m->set_key(std::string(size, 'k')); })},
      {"Headers", "headers", "", publish([](v1::Message* m, uint64_t size) {
         for (const std::string& name : Names(size)) (*m->mutable_headers())[name] = "";
       })},
      {"HeaderName", "header_name_bytes", "headers",
       publish([](v1::Message* m, uint64_t size) { (*m->mutable_headers())[std::string(size, 'h')] = ""; })},
      {"HeaderValue", "header_value_bytes", "headers[\"h\"]",
       publish([](v1::Message* m, uint64_t size) { (*m->mutable_headers())["h"] = std::string(size, 'v'); })},
      {"ContentType", "header_value_bytes", "content_type",
       publish([](v1::Message* m, uint64_t size) { m->set_content_type(std::string(size, 'c')); })},
      {"AudienceRooms", "audience_names", "audience", publish([](v1::Message* m, uint64_t size) {
         for (const std::string& name : Names(size)) m->mutable_audience()->add_rooms(name);
       })},
      {"AudienceOfAllKinds", "audience_names", "audience", publish([](v1::Message* m, uint64_t size) {
         m->mutable_audience()->add_rooms("room");
         m->mutable_audience()->add_except_clients("client");
         for (const std::string& name : Names(size - 2)) m->mutable_audience()->add_except_rooms(name);
       })},
  };
}

std::vector<Case> ClientCases() {
  return {
      {"Labels", "labels", "",
       [](Try* t, uint64_t size) {
         return t->Connect([&](v1::ConnectRequest* request) {
           for (const std::string& name : Names(size)) (*request->mutable_labels())[name] = "";
         });
       }},
      {"LabelName", "header_name_bytes", "labels",
       [](Try* t, uint64_t size) {
         return t->Connect([&](auto* request) { (*request->mutable_labels())[std::string(size, 'l')] = ""; });
       }},
      {"LabelValue", "header_value_bytes", "labels[\"l\"]",
       [](Try* t, uint64_t size) {
         return t->Connect([&](auto* request) { (*request->mutable_labels())["l"] = std::string(size, 'v'); });
       }},
      {"Clients", "clients_per_namespace", "",
       [](Try* t, uint64_t size) {
         grpc::Status status;
         for (uint64_t i = 1; i < size && status.ok(); ++i) status = t->Connect([](auto*) {});  // one is there
         return status;
       }},
      {"RoomsOfAClient", "rooms_per_client", "rooms", [](Try* t, uint64_t size) { return t->Join(Names(size)); }},
      {"RoomsOfAClientOneByOne", "rooms_per_client", "",
       [](Try* t, uint64_t size) {
         grpc::Status status;
         for (uint64_t i = 0; i < size && status.ok(); ++i) status = t->Join({absl::StrCat("n", i), "n0"});
         return status;
       }},
      {"RoomsOfTheNamespace", "rooms_per_namespace", "",
       [](Try* t, uint64_t size) {
         TestClient(&t->api).Join(Names(5, "other"));
         return t->Join(Names(size - 5));
       }},
  };
}

std::vector<Case> SubscribeCases() {
  return {
      {"RoomsBySubscribing", "rooms_per_client", "rooms",
       [](Try* t, uint64_t size) {
         v1::SubscribeRequest request = t->client.SubscribeRequest("DB");
         for (const std::string& name : Names(size)) request.add_rooms(name);
         return t->Subscribe(request);
       }},
      {"Subscriptions", "subscriptions_per_client", "",
       [](Try* t, uint64_t size) {
         std::vector<std::unique_ptr<Listener>> kept;
         for (uint64_t i = 1; i < size; ++i) kept.push_back(t->client.Subscribe("DB"));
         return t->Subscribe(t->client.SubscribeRequest("DB"));
       }},
      {"Patterns", "patterns_per_subscription", "",
       [](Try* t, uint64_t size) {
         v1::SubscribeRequest request = t->client.SubscribeRequest("DB");
         for (uint64_t i = 1; i < size; ++i) request.add_patterns()->set_queue("FS");
         return t->Subscribe(request);
       }},
      {"HeaderFilters", "headers", "",
       [](Try* t, uint64_t size) {
         v1::SubscribeRequest request = t->client.SubscribeRequest("DB");
         for (const std::string& name : Names(size)) request.add_headers()->set_name(name);
         return t->Subscribe(request);
       }},
      {"HeaderFilterName", "header_name_bytes", "headers[0].name",
       [](Try* t, uint64_t size) {
         v1::SubscribeRequest request = t->client.SubscribeRequest("DB");
         request.add_headers()->set_name(std::string(size, 'h'));
         return t->Subscribe(request);
       }},
      {"HeaderFilterValue", "header_value_bytes", "headers[0].value",
       [](Try* t, uint64_t size) {
         v1::SubscribeRequest request = t->client.SubscribeRequest("DB");
         request.add_headers()->set_name("h");
         request.mutable_headers(0)->set_value(std::string(size, 'v'));
         return t->Subscribe(request);
       }},
      {"ResumePositions", "queues_per_namespace", "start.resume.positions",
       [](Try* t, uint64_t size) {
         v1::SubscribeRequest request = t->client.SubscribeRequest("DB");
         for (const std::string& name : Names(size)) {
           request.mutable_start()->mutable_resume()->add_positions()->set_queue(name);
         }
         return t->Subscribe(request);
       }},
  };
}

std::vector<Case> QueueCases() {
  return {
      {"Queues", "queues_per_namespace", "",
       [](Try* t, uint64_t size) {
         grpc::Status status;
         for (uint64_t i = 0; i < size && status.ok(); ++i) {
           status = t->Publish([&](v1::Message* m) { m->set_queue(absl::StrCat("q", i)); });
         }
         return status;
       }},
      {"Scheduled", "scheduled_messages", "",
       [](Try* t, uint64_t size) {
         grpc::Status status;
         for (uint64_t i = 0; i < size && status.ok(); ++i) {
           status = t->Publish(
               [&](v1::Message* m) { m->mutable_deliver_at()->set_seconds(absl::ToUnixSeconds(absl::Now()) + 3600); });
         }
         return status;
       }},
      {"QueuesOfOneBatch", "queues_per_namespace", "",
       [](Try* t, uint64_t size) {
         t->Publish([](v1::Message* m) { m->set_queue("first"); });
         t->Publish([](v1::Message* m) { m->set_queue("second"); });
         t->Publish([](v1::Message* m) { m->set_queue("third"); });
         v1::PublishStreamRequest request;
         for (const std::string& name : Names(size - 3)) *request.add_messages() = MakeMessage(name, "E", "");
         return t->PublishBatch(request);
       }},
      {"BatchMessages", "batch_messages", "",
       [](Try* t, uint64_t size) {
         v1::PublishStreamRequest request;
         for (uint64_t i = 0; i < size; ++i) *request.add_messages() = MakeMessage("DB", "E", "");
         return t->PublishBatch(request);
       }},
      {"BatchBytes", "batch_bytes", "",
       [](Try* t, uint64_t size) {
         v1::PublishStreamRequest request;
         while (request.ByteSizeLong() + 112 <= size) {
           *request.add_messages() = MakeMessage("DB", "E", std::string(80, 'x'));
         }
         *request.add_messages() = MakeMessage("DB", "E", "");
         while (request.ByteSizeLong() < size) request.mutable_messages()->rbegin()->mutable_payload()->push_back('x');
         EXPECT_EQ(request.ByteSizeLong(), size);
         return t->PublishBatch(request);
       }},
  };
}

// Longer than a name may be is no name: INVALID_ARGUMENT, not a limit's refusal.
std::vector<Case> NameCases() {
  return {
      {"Queue", "name_bytes", "queue",
       [](Try* t, uint64_t size) { return t->Publish([&](auto* m) { m->set_queue(std::string(size, 'q')); }); }},
      {"Event", "name_bytes", "event",
       [](Try* t, uint64_t size) { return t->Publish([&](auto* m) { m->set_event(std::string(size, 'e')); }); }},
      {"Room", "name_bytes", "rooms[0]", [](Try* t, uint64_t size) { return t->Join({std::string(size, 'r')}); }},
      {"AudienceRoom", "name_bytes", "audience.rooms[0]",
       [](Try* t, uint64_t size) {
         return t->Publish([&](auto* m) { m->mutable_audience()->add_rooms(std::string(size, 'r')); });
       }},
      {"ClientName", "name_bytes", "name",
       [](Try* t, uint64_t size) { return t->Connect([&](auto* r) { r->set_name(std::string(size, 'c')); }); }},
      {"QueuePattern", "name_bytes", "patterns[0].queue",
       [](Try* t, uint64_t size) {
         return t->Subscribe(t->client.SubscribeRequest(std::string(size - 2, 'q') + ".*"));
       }},
      {"EventPattern", "name_bytes", "patterns[0].event",
       [](Try* t, uint64_t size) {
         return t->Subscribe(t->client.SubscribeRequest("DB", std::string(size - 3, 'e') + ".**"));
       }},
  };
}

uint64_t BoundOf(const Limits& limits, const std::string& name) {
  for (const LimitRow& row : LimitRows()) {
    if (name == row.name) return limits.*std::get<uint64_t Limits::*>(row.member);
  }
  ADD_FAILURE() << "no limit " << name;
  return 0;
}

Limits TestLimits() {
  v1::Limits wanted;
  const v1::Limits actual = Try().client.connected().limits();
  return *ResolveLimits(actual, 1 << 30);
}

std::string NameOf(const testing::TestParamInfo<Case>& info) { return info.param.name; }

class AtTheLimit : public testing::TestWithParam<Case> {};

TEST_P(AtTheLimit, WhatReachesItIsTakenAndWhatExceedsItIsRefused) {
  const Case& param = GetParam();
  const uint64_t bound = BoundOf(TestLimits(), param.limit);
  for (const uint64_t size : {bound - 1, bound}) {
    Try attempt;
    EXPECT_EQ(Summary(param.use(&attempt, size)), "OK") << size;
    EXPECT_EQ(InfoOf(&attempt.api).counters().refused_requests(), 0);
  }
  Try attempt;
  const grpc::Status status = param.use(&attempt, bound + 1);
  EXPECT_EQ(Summary(status), absl::StrCat("RESOURCE_EXHAUSTED LIMIT_EXCEEDED bound=", bound,
                                          param.field.empty() ? "" : absl::StrCat(" field=", param.field),
                                          " limit=", param.limit, " value=", bound + 1));
  EXPECT_THAT(status.error_message(),
              testing::EndsWith(absl::StrCat(param.limit, ": ", bound + 1, " exceeds the limit of ", bound)));
  EXPECT_EQ(InfoOf(&attempt.api).counters().refused_requests(), 1);
}

INSTANTIATE_TEST_SUITE_P(Message, AtTheLimit, testing::ValuesIn(MessageCases()), NameOf);
INSTANTIATE_TEST_SUITE_P(Client, AtTheLimit, testing::ValuesIn(ClientCases()), NameOf);
INSTANTIATE_TEST_SUITE_P(Subscribe, AtTheLimit, testing::ValuesIn(SubscribeCases()), NameOf);
INSTANTIATE_TEST_SUITE_P(Queue, AtTheLimit, testing::ValuesIn(QueueCases()), NameOf);

class NameAtTheLimit : public testing::TestWithParam<Case> {};

TEST_P(NameAtTheLimit, WhatIsLongerIsNoName) {
  const Case& param = GetParam();
  const uint64_t bound = BoundOf(TestLimits(), param.limit);
  for (const uint64_t size : {bound - 1, bound}) {
    Try attempt;
    EXPECT_EQ(Summary(param.use(&attempt, size)), "OK") << size;
  }
  Try attempt;
  const grpc::Status status = param.use(&attempt, bound + 1);
  EXPECT_EQ(Summary(status), absl::StrCat("INVALID_ARGUMENT INVALID_FIELD field=", param.field));
  EXPECT_THAT(status.error_message(), testing::HasSubstr(absl::StrCat(bound + 1)));
  EXPECT_THAT(status.error_message(), testing::HasSubstr(absl::StrCat(bound)));
}

INSTANTIATE_TEST_SUITE_P(Name, NameAtTheLimit, testing::ValuesIn(NameCases()), NameOf);

TEST(Limits, EachIsTestedSomewhere) {
  std::set<std::string> tested = {
      "namespaces",  // tests/unit/config
      "queue_bytes",
      "queue_messages",
      "queue_age",  // tests/unit/log, subscribe_test, resume_test
      "all_queues_bytes",
      "in_flight_bytes",  // tests/unit/log, slow_subscriber_test
      "lease_min",
      "lease_default",
      "lease_max",  // session_test
      "heartbeat",  // heartbeat_test
      "page_default",
      "page_max",       // registry_test
      "watch_changes",  // watch_test
      "stream_age",     // stream_age_test
      "stall",          // slow_subscriber_test
      "durable_bytes",
      "durable_messages",
      "durable_age",      // tests/unit/config
      "unwritten_bytes",  // tests/unit/queue/durable_test
      "requests",
      "request_bytes",
      "request_max",  // request_test
      "request_id_window",
      "request_ids",
      "overflow_messages",  // below
      "delay_max",          // tests/unit/queue/delay_test
      "groups_per_queue",
      "credit_messages",
      "credit_bytes",
      "acknowledged_messages",   // tests/unit/group
      "streams_per_connection",  // tests/integration/http2/abuse_test
      "connections",             // and these in quota_test, which makes its tests from the table
      "connections_per_address",
      "connections_per_identity",
      "connections_per_second",
      "connections_per_second_per_address",
      "clients_per_identity",
      "subscriptions_per_identity",
      "messages_per_second_per_identity",
      "bytes_per_second_per_identity",
      "messages_per_second_per_namespace",
      "bytes_per_second_per_namespace",
      "control_calls_per_second_per_identity",
      "rate_burst",  // tests/unit/limits/token_bucket_test
  };
  for (const auto& cases : {MessageCases(), ClientCases(), SubscribeCases(), QueueCases(), NameCases()}) {
    for (const Case& one : cases) tested.insert(one.limit);
  }
  for (const LimitRow& row : LimitRows()) EXPECT_TRUE(tested.contains(row.name)) << row.name;
}

TEST(Limits, MoreMessagesThanMayWaitCannotBeAskedFor) {
  TestServer server("limits { overflow_messages: 5 }");
  Api api(server);
  const TestClient client(&api);
  v1::SubscribeRequest request = client.SubscribeRequest("DB");
  request.set_overflow(v1::OVERFLOW_DROP_NEWEST);
  for (const uint64_t messages : {4, 5}) {
    request.set_overflow_messages(messages);
    client.Subscribe(request);
  }
  request.set_overflow_messages(6);
  EXPECT_EQ(Summary(Listener(&api, request).End()), "INVALID_ARGUMENT INVALID_FIELD field=overflow_messages");
}

TEST(Limits, ABatchThatTakesTooManyQueuesMakesNone) {
  Try attempt;
  v1::PublishStreamRequest request;
  for (const std::string& name : Names(5)) *request.add_messages() = MakeMessage(name, "E", "");
  EXPECT_TRUE(attempt.PublishBatch(request).ok());
  for (int i = 0; i < 5; ++i) request.mutable_messages(i)->set_queue(absl::StrCat("other", i));
  EXPECT_EQ(attempt.PublishBatch(request).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(InfoOf(&attempt.api).queues(), 5);
}

TEST(Limits, WhatWasFreedCanBeTakenAgain) {
  Try attempt;
  std::vector<TestClient> clients;
  for (int i = 0; i < 7; ++i) clients.emplace_back(&attempt.api);
  EXPECT_FALSE(attempt.Connect([](auto*) {}).ok());
  clients.back().Disconnect();
  EXPECT_EQ(Summary(attempt.Connect([](auto*) {})), "OK");
  EXPECT_EQ(Summary(attempt.Join(Names(6))), "OK");
  EXPECT_FALSE(attempt.Join({"another"}).ok());
  attempt.client.Leave({"n0"});
  EXPECT_EQ(Summary(attempt.Join({"another"})), "OK");
}

}  // namespace
}  // namespace nmq::integration
