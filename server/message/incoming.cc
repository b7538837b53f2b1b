#include "server/message/incoming.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "base/names.h"

namespace nmq::broker {
namespace {

using v1::Message;
using Request = v1::PublishStreamRequest;

// Messages of a batch that there is room for from the beginning.
constexpr size_t kReservedMax = 256;

constexpr uint8_t Varint(int field) { return static_cast<uint8_t>(field << 3); }
constexpr uint8_t Delimited(int field) { return static_cast<uint8_t>(field << 3 | 2); }

constexpr uint8_t kSession = Delimited(Request::kSessionFieldNumber);
constexpr uint8_t kNamespace = Delimited(Request::kNamespaceFieldNumber);
constexpr uint8_t kBatch = Varint(Request::kBatchFieldNumber);
constexpr uint8_t kMessages = Delimited(Request::kMessagesFieldNumber);
constexpr uint8_t kCountMatches = Varint(Request::kCountMatchesFieldNumber);

constexpr uint8_t kQueue = Delimited(Message::kQueueFieldNumber);
constexpr uint8_t kEvent = Delimited(Message::kEventFieldNumber);
constexpr uint8_t kPayload = Delimited(Message::kPayloadFieldNumber);
constexpr uint8_t kAudience = Delimited(Message::kAudienceFieldNumber);

// Reads what protobuf writes, and nothing else: whoever meets something unusual asks protobuf itself.
class PlainReader {
 public:
  explicit PlainReader(absl::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool done() const { return at_ == end_; }
  // The next tag of one byte; 0, which is none, if there is none.
  uint8_t Peek() const { return done() ? 0 : static_cast<uint8_t>(*at_); }

  // The value behind a tag that was peeked at. False if it is not there, or not in its shortest form.
  bool ReadVarint(uint64_t* value) {
    ++at_;
    return ReadNumber(value);
  }
  bool ReadBytes(absl::string_view* bytes) {
    ++at_;
    uint64_t size;
    if (!ReadNumber(&size) || size > static_cast<uint64_t>(end_ - at_)) return false;
    *bytes = absl::string_view(at_, size);
    at_ += size;
    return true;
  }

 private:
  bool ReadNumber(uint64_t* value) {
    *value = 0;
    for (int shift = 0; shift < 63 && at_ != end_; shift += 7) {
      const auto byte = static_cast<uint8_t>(*at_++);
      *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return byte != 0 || shift == 0;
    }
    return false;
  }

  const char* at_;
  const char* const end_;
};

// The fields of queue and event, with which a message begins. Most messages of a batch have the same, which need not be
// looked at again.
struct PlainHead {
  absl::string_view bytes;
  absl::string_view queue;
  absl::string_view event;
};

// What is beyond the range is its nearest end.
int64_t Microseconds(const google::protobuf::Timestamp& time) {
  return absl::ToUnixMicros(absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos()));
}

bool IsAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

// An audience of rooms only, each with a name that may be one.
bool ReadPlainAudience(absl::string_view bytes, google::protobuf::Arena* arena, Incoming* incoming) {
  auto* audience = google::protobuf::Arena::CreateMessage<v1::Audience>(arena);
  PlainReader reader(bytes);
  absl::string_view room;
  while (reader.Peek() == Delimited(v1::Audience::kRoomsFieldNumber)) {
    if (!reader.ReadBytes(&room) || !IsName(room)) return false;
    audience->add_rooms(room.data(), room.size());
  }
  incoming->audience = audience;
  return reader.done() && !audience->rooms().empty();
}

bool ReadPlainHead(absl::string_view bytes, PlainHead* head) {
  PlainReader reader(bytes);
  absl::string_view queue;
  absl::string_view event;
  if (reader.Peek() != kQueue || !reader.ReadBytes(&queue) || !IsName(queue)) return false;
  if (reader.Peek() != kEvent || !reader.ReadBytes(&event) || !IsName(event)) return false;
  *head = {bytes.substr(0, event.data() + event.size() - bytes.data()), queue, event};
  return true;
}

// Queue, event, perhaps a payload, perhaps rooms, in this order and once each. `head` is that of a plain message before
// it, or empty.
bool ReadPlainMessage(absl::string_view bytes, PlainHead* head, google::protobuf::Arena* arena, Incoming* incoming) {
  const bool known = !head->bytes.empty() && absl::StartsWith(bytes, head->bytes);
  if (!known && !ReadPlainHead(bytes, head)) return false;
  incoming->queue = head->queue;
  incoming->event = head->event;
  PlainReader reader(bytes.substr(head->bytes.size()));
  absl::string_view value;
  if (reader.Peek() == kPayload) {
    if (!reader.ReadBytes(&value)) return false;
    incoming->payload_bytes = value.size();
  }
  if (reader.Peek() == kAudience) {
    if (!reader.ReadBytes(&value) || !ReadPlainAudience(value, arena, incoming)) return false;
  }
  incoming->body = bytes;
  return reader.done();
}

// False if the request is not plain as a whole; its messages need not be plain.
bool ReadPlainBatch(absl::string_view bytes, google::protobuf::Arena* arena, IncomingBatch* batch) {
  PlainReader reader(bytes);
  if (reader.Peek() == kSession && (!reader.ReadBytes(&batch->session) || !IsAscii(batch->session))) return false;
  if (reader.Peek() == kNamespace && (!reader.ReadBytes(&batch->name_space) || !IsAscii(batch->name_space))) {
    return false;
  }
  if (reader.Peek() == kBatch && !reader.ReadVarint(&batch->number)) return false;
  absl::string_view message;
  PlainHead head;
  while (reader.Peek() == kMessages) {
    if (!reader.ReadBytes(&message)) return false;
    // Most are as long as the first.
    if (batch->messages.empty()) batch->messages.reserve(std::min(kReservedMax, bytes.size() / (message.size() + 1)));
    Incoming& incoming = batch->messages.emplace_back();
    if (!ReadPlainMessage(message, &head, arena, &incoming)) {
      auto* whole = google::protobuf::Arena::CreateMessage<Message>(arena);
      if (!whole->ParseFromArray(message.data(), static_cast<int>(message.size()))) return false;
      incoming = FromMessage(whole);
    }
  }
  uint64_t count_matches = 0;
  if (reader.Peek() == kCountMatches && !reader.ReadVarint(&count_matches)) return false;
  batch->count_matches = count_matches != 0;
  return reader.done();
}

// Takes out what is the server's to say, and what no subscriber needs.
void ClearServerFields(Message* message) {
  message->clear_id();
  message->clear_epoch();
  message->clear_sequence();
  message->clear_publish_time();
  message->clear_publisher();
  message->clear_reply_to();
  message->clear_attempt();
  message->clear_delivery();
  message->clear_dead_letter();
  if (message->has_audience()) {
    v1::Audience* audience = message->mutable_audience();
    audience->clear_clients();
    audience->clear_except_rooms();
    audience->clear_except_clients();
    audience->clear_except_publisher();
    if (audience->rooms().empty()) message->clear_audience();
  }
  if (!message->GetReflection()->GetUnknownFields(*message).empty()) message->DiscardUnknownFields();
}

}  // namespace

Incoming FromMessage(Message* message) {
  Incoming incoming;
  incoming.queue = message->queue();
  incoming.event = message->event();
  incoming.payload_bytes = message->payload().size();
  incoming.request_id = message->request_id();
  if (message->has_audience()) incoming.audience = &message->audience();
  if (message->has_deliver_at()) incoming.deliver_us = Microseconds(message->deliver_at());
  if (message->has_expire_at()) incoming.expire_us = Microseconds(message->expire_at());
  incoming.message = message;
  return incoming;
}

absl::Status ParseBatch(absl::string_view bytes, google::protobuf::Arena* arena, IncomingBatch* batch) {
  if (ReadPlainBatch(bytes, arena, batch)) return absl::OkStatus();
  auto* request = google::protobuf::Arena::CreateMessage<Request>(arena);
  if (!request->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return InvalidArgument("request", "the bytes are no valid nmq.v1.PublishStreamRequest");
  }
  *batch = IncomingBatch();
  batch->session = request->session();
  batch->name_space = request->namespace_();
  batch->number = request->batch();
  batch->count_matches = request->count_matches();
  for (Message& message : *request->mutable_messages()) batch->messages.push_back(FromMessage(&message));
  return absl::OkStatus();
}

void EncodeBody(google::protobuf::Arena* arena, Incoming* incoming) {
  if (incoming->message == nullptr) return;
  if (incoming->audience != nullptr) {
    auto* audience = google::protobuf::Arena::CreateMessage<v1::Audience>(arena);
    *audience = *incoming->audience;
    incoming->audience = audience;
  }
  ClearServerFields(incoming->message);
  const size_t size = incoming->message->ByteSizeLong();
  char* const body = google::protobuf::Arena::CreateArray<char>(arena, size);
  incoming->message->SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(body));
  incoming->body = absl::string_view(body, size);
}

void ScopeRequestId(google::protobuf::Arena* arena, absl::string_view identity, Incoming* incoming) {
  const absl::string_view id = incoming->request_id;
  if (id.empty()) return;
  const size_t size = identity.size() + 1 + id.size();
  char* const scoped = google::protobuf::Arena::CreateArray<char>(arena, size);
  char* const end = std::copy(identity.begin(), identity.end(), scoped);
  // No identity's name has it.
  *end = '\0';
  std::copy(id.begin(), id.end(), end + 1);
  incoming->request_id = absl::string_view(scoped, size);
}

}  // namespace nmq::broker
