// Calls that no client would make. Whatever comes, the server answers, and is as healthy as before.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/dynamic_message.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"
#include "tests/integration/raw_call.h"

namespace nmq::integration {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;

// Ends calls that the server takes for good ones and keeps open.
constexpr absl::Duration kStreamTime = absl::Milliseconds(200);

class MalformedCalls : public testing::Test {
 protected:
  // Publishing, hearing and listing work as ever.
  void ExpectHealthy() {
    const TestClient client(&api_);
    auto listener = client.Subscribe("health");
    EXPECT_EQ(client.PublishAndCount(MakeMessage("health", "E", "well")), 1);
    EXPECT_EQ(listener->NextMessage().payload(), "well");
    client.Disconnect();
    EXPECT_EQ(Summary(listener->End()), "OK");
  }

  // The status of a call with these bytes. Anything but a hang or a broken connection is fine.
  // `open` is how long one that the server may keep open is waited for.
  grpc::Status Send(const MethodDescriptor& method, const std::vector<std::string>& requests,
                    absl::Duration open = kStreamTime) {
    const bool stays_open = method.server_streaming() && !method.client_streaming();
    const absl::Duration patience = stays_open ? open : kPatience;
    const grpc::Status status = CallRaw(api_.channel(), PathOf(method), requests, patience).status;
    EXPECT_NE(status.error_code(), grpc::StatusCode::UNAVAILABLE) << method.full_name();
    EXPECT_NE(status.error_code(), grpc::StatusCode::UNKNOWN) << method.full_name();
    EXPECT_TRUE(stays_open || status.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED) << method.full_name();
    return status;
  }

  TestServer server_;
  Api api_{server_};
};

TEST_F(MalformedCalls, EmptyRequestsAreAnsweredWithWhatIsMissing) {
  const std::string invalid = "INVALID_ARGUMENT INVALID_FIELD field=";
  const std::map<std::string, std::string> expected = {
      {"Connect", "OK"},
      {"Disconnect", invalid + "session"},
      {"Join", invalid + "session"},
      {"Leave", invalid + "session"},
      {"Publish", invalid + "message"},
      {"PublishStream", "OK"},  // the batch is refused, the stream goes on
      {"Subscribe", invalid + "session"},
      {"Request", invalid + "message"},
      {"Reply", invalid + "session"},
      {"Acknowledge", invalid + "session"},
      {"ListNamespaces", "OK"},
      {"ListQueues", "OK"},
      {"ListRooms", "OK"},
      {"ListClients", "OK"},
      {"ListSubscriptions", "OK"},
      {"ListGroups", "OK"},
      {"GetClient", invalid + "client_id"},
      {"CountClients", "OK"},
      {"Explain", "OK"},
      {"ListMetrics", "OK"},
      {"Watch", "DEADLINE_EXCEEDED"},  // ours: it stays open
      {"CreateNamespace", invalid + "name"},
      {"UpdateNamespace", invalid + "name"},
      {"DeleteNamespace", invalid + "name"},
      {"CreateQueue", invalid + "name"},
      {"UpdateQueue", invalid + "name"},
      {"DeleteQueue", invalid + "name"},
      {"PurgeQueue", invalid + "name"},
      {"CreateGroup", invalid + "queue"},
      {"DeleteGroup", invalid + "queue"},
      {"PauseGroup", invalid + "queue"},
      {"ResumeGroup", invalid + "queue"},
      {"SeekGroup", invalid + "queue"},
      {"RedriveDeadLetters", invalid + "queue"},
      {"MoveClients", invalid + "join"},
      {"DisconnectClients", invalid + "filter"},
  };
  for (const MethodDescriptor* method : AllMethods()) {
    ASSERT_TRUE(expected.contains(method->name())) << "say what an empty " << method->name() << " answers";
    const std::string& answer = expected.at(method->name());
    const absl::Duration open = answer == "DEADLINE_EXCEEDED" ? kStreamTime : kPatience;
    EXPECT_EQ(Summary(Send(*method, {""}, open)), answer) << method->name();
  }
  ExpectHealthy();
}

TEST_F(MalformedCalls, CallsWithoutARequestAreAnswered) {
  for (const MethodDescriptor* method : AllMethods()) {
    const grpc::Status status = CallRaw(api_.channel(), PathOf(*method), {}, kPatience).status;
    EXPECT_EQ(status.ok(), method->client_streaming()) << method->name() << ": " << Summary(status);
  }
  ExpectHealthy();
}

TEST_F(MalformedCalls, BytesThatAreNoMessageAreRefused) {
  const std::vector<std::string> garbage = {
      std::string(1, '\0'),
      std::string(100, '\xff'),
      "\x0a\x7ftoo short",
      "\x0a\xff\xff\xff\xff\x0f",                      // a length of 4 GiB
      "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  // and of 2^64
      std::string(20, '\x0b'),                         // groups that never end
      "\x0c",                                          // the end of a group that never began
      "\x07",                                          // a wire type that does not exist
      "hello, server",
  };
  for (const MethodDescriptor* method : AllMethods()) {
    for (const std::string& bytes : garbage) {
      const grpc::Status status = Send(*method, {bytes}, kPatience);
      EXPECT_THAT(status.error_code(), testing::AnyOf(grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::INTERNAL))
          << method->name();
    }
  }
  ExpectHealthy();
}

TEST_F(MalformedCalls, RandomBytesDoNoHarm) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  for (const MethodDescriptor* method : AllMethods()) {
    for (int i = 0; i < 20; ++i) {
      std::vector<std::string> requests(1 + random() % (method->client_streaming() ? 4 : 1));
      for (std::string& request : requests) {
        request.resize(random() % 300);
        for (char& c : request) c = static_cast<char>(random());
      }
      Send(*method, requests);
    }
  }
  ExpectHealthy();
}

// A request in which every field has a value of its type, `size` bytes long where it may be.
void Fill(google::protobuf::Message* message, const std::string& text, int depth) {
  const google::protobuf::Reflection& reflection = *message->GetReflection();
  for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message->GetDescriptor()->field(i);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      if (field->is_repeated()) {
        reflection.AddString(message, field, text);
      } else {
        reflection.SetString(message, field, text);
      }
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && depth > 0) {
      Fill(field->is_repeated() ? reflection.AddMessage(message, field) : reflection.MutableMessage(message, field),
           text, depth - 1);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_UINT64 && !field->is_repeated()) {
      reflection.SetUInt64(message, field, UINT64_MAX);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_INT64 && !field->is_repeated()) {
      reflection.SetInt64(message, field, INT64_MIN);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_INT32 && !field->is_repeated()) {
      reflection.SetInt32(message, field, INT32_MIN);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_UINT32 && !field->is_repeated()) {
      reflection.SetUInt32(message, field, UINT32_MAX);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM && !field->is_repeated()) {
      reflection.SetEnumValue(message, field, 12345);
    }
  }
}

std::string Filled(const MethodDescriptor& method, const std::string& text) {
  const auto* prototype = google::protobuf::MessageFactory::generated_factory()->GetPrototype(method.input_type());
  const std::unique_ptr<google::protobuf::Message> message(prototype->New());
  Fill(message.get(), text, 4);
  return message->SerializeAsString();
}

TEST_F(MalformedCalls, HugeFieldsAreRefused) {
  for (const MethodDescriptor* method : AllMethods()) {
    const grpc::Status status = Send(*method, {Filled(*method, std::string(200'000, 'h'))});
    // The lists of namespaces takes any page size, and a huge page token is none.
    EXPECT_FALSE(status.ok() && !method->client_streaming()) << method->name();
    EXPECT_LT(status.error_message().size(), 1000) << method->name();
  }
  ExpectHealthy();
}

TEST_F(MalformedCalls, WhatIsLargerThanAnythingAllowedIsRefusedUnread) {
  for (const MethodDescriptor* method : AllMethods()) {
    const grpc::Status status = Send(*method, {"\x0a" + std::string(6 << 20, 'h')});
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << method->name();
  }
  ExpectHealthy();
}

TEST_F(MalformedCalls, NumbersOutOfAnyRangeDoNoHarm) {
  for (const MethodDescriptor* method : AllMethods()) Send(*method, {Filled(*method, "a")});
  const TestClient client(&api_);
  v1::ConnectRequest connect;
  for (int64_t seconds : {INT64_MIN, INT64_MAX, int64_t{-1}}) {
    connect.mutable_lease()->set_seconds(seconds);
    connect.mutable_lease()->set_nanos(INT32_MIN);
    EXPECT_EQ(Summary(api_.Try(&v1::MessageQueue::Stub::Connect, connect)),
              "INVALID_ARGUMENT INVALID_FIELD field=lease");
  }
  v1::SubscribeRequest subscribe = client.SubscribeRequest("DB");
  subscribe.mutable_start()->set_sequence(UINT64_MAX);
  EXPECT_TRUE(Listener(&api_, subscribe).live());  // there is no queue yet
  client.Publish("DB", "E", "");
  EXPECT_EQ(Summary(Listener(&api_, subscribe).End()),
            "OUT_OF_RANGE POSITION_NOT_REACHED bound=2 queue=DB value=18446744073709551615");
  subscribe.mutable_start()->mutable_resume()->add_positions()->set_queue("DB");
  subscribe.mutable_start()->mutable_resume()->mutable_positions(0)->set_sequence(UINT64_MAX);
  EXPECT_TRUE(Listener(&api_, subscribe).live());  // of another epoch
  v1::WatchRequest watch;
  watch.set_after_revision(UINT64_MAX);
  auto context = NewContext();
  EXPECT_EQ(Summary(api_.registry().Watch(context.get(), watch)->Finish()), "OUT_OF_RANGE REVISION_NOT_REACHED");
  ExpectHealthy();
}

TEST_F(MalformedCalls, TextThatIsNotUtf8IsRefused) {
  for (const MethodDescriptor* method : AllMethods()) {
    const grpc::Status status = Send(*method, {"\x0a\x02\xc3\x28"});
    if (method->input_type()->FindFieldByNumber(1)->cpp_type() != FieldDescriptor::CPPTYPE_STRING) continue;
    EXPECT_THAT(status.error_code(), testing::AnyOf(grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::INTERNAL))
        << method->name();
  }
  ExpectHealthy();
}

TEST_F(MalformedCalls, UnknownMethodsAndServicesAreUnimplemented) {
  for (const char* path : {"/nmq.v1.MessageQueue/Purge", "/nmq.v1.Admin/Drain", "/nmq.v2.MessageQueue/Connect"}) {
    EXPECT_EQ(CallRaw(api_.channel(), path, {""}, kPatience).status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  }
  ExpectHealthy();
}

TEST_F(MalformedCalls, ConnectionsThatDoNotSpeakHttp2DoNoHarm) {
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const std::vector<std::string> hellos = {
      "",
      "GET / HTTP/1.1\r\nHost: here\r\n\r\n",
      std::string(100'000, '\xff'),
      preface.substr(0, 10),
      preface + std::string(1000, '\xff'),
      preface + std::string(9, '\0') + std::string("\xff\xff\xff\x04\x00\x00\x00\x00\x00", 9),
  };
  for (const std::string& hello : hellos) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(server_.port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    send(fd, hello.data(), hello.size(), MSG_NOSIGNAL);
    ExpectHealthy();
    close(fd);
  }
  ExpectHealthy();
}

}  // namespace
}  // namespace nmq::integration
