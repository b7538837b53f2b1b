#include "client/cpp/encoded_messages.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "client/cpp/wire.h"
#include "gtest/gtest.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

void Add(const Message& message, EncodedMessages* messages) { messages->Add(message, message.ByteSizeLong()); }

v1::PublishStreamRequest Request(const v1::PublishStreamRequest& head, const EncodedMessages& messages) {
  grpc::ByteBuffer bytes = EncodeWith(head, messages.Share());
  v1::PublishStreamRequest request;
  EXPECT_TRUE(Decode(&bytes, &request));
  return request;
}

TEST(EncodedMessages, AreTheMessagesOfARequest) {
  EncodedMessages messages(0);
  EXPECT_TRUE(messages.empty());
  v1::PublishStreamRequest expected;
  expected.set_session("session");
  expected.set_namespace_("shop");
  expected.set_batch(7);
  expected.set_count_matches(true);
  const v1::PublishStreamRequest head = expected;
  for (int i = 0; i < 300; ++i) {
    *expected.add_messages() = MakeMessage("DB", "CREATE", std::string(i, 'x'));
    (*expected.mutable_messages(i)->mutable_headers())["n"] = absl::StrCat(i);
    Add(expected.messages(i), &messages);
  }
  EXPECT_EQ(messages.count(), 300u);
  EXPECT_EQ(Request(head, messages).SerializeAsString(), expected.SerializeAsString());
}

TEST(EncodedMessages, CountTheirBytes) {
  EncodedMessages messages(100);
  v1::PublishStreamRequest request;
  size_t bytes = 0;
  for (const size_t payload : {0, 1, 127, 128, 20000, 3000000}) {
    *request.add_messages() = MakeMessage("DB", "", std::string(payload, 'x'));
    const Message& message = *request.messages().rbegin();
    bytes += EncodedMessages::EntryBytes(message.ByteSizeLong());
    Add(message, &messages);
    EXPECT_EQ(messages.bytes(), bytes);
    EXPECT_EQ(bytes, request.ByteSizeLong());
  }
}

TEST(EncodedMessages, MayBeSentTwice) {
  EncodedMessages messages(0);
  Add(Message(), &messages);
  EXPECT_EQ(Request({}, messages).messages_size(), 1);
  EXPECT_EQ(Request({}, messages).messages_size(), 1);
}

TEST(EncodedMessages, SharedBytesOutliveThem) {
  grpc::Slice bytes;
  {
    EncodedMessages messages(10);
    Add(MakeMessage("DB", "CREATE", std::string(1000, 'x')), &messages);
    bytes = messages.Share();
  }
  v1::PublishStreamRequest request;
  ASSERT_TRUE(request.ParseFromArray(bytes.begin(), static_cast<int>(bytes.size())));
  EXPECT_EQ(request.messages(0).payload(), std::string(1000, 'x'));
}

}  // namespace
}  // namespace internal
}  // namespace client
}  // namespace nmq
