#include "tests/bench/floor/http2_call.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "nmq/v1/message_queue.pb.h"
#include "tests/bench/floor/http2_connection.h"
#include "tests/bench/nmq/methods.h"

namespace nmq::bench {
namespace {

// Of a gRPC message: whether it is compressed, and its length.
constexpr size_t kPrefixBytes = 5;
constexpr size_t kRequestMax = 64 << 20;
// A call that had more pieces on their way gives their memory back.
constexpr size_t kPiecesKept = 32;
// Statuses of gRPC.
constexpr char kInvalidArgument[] = "3";
constexpr char kResourceExhausted[] = "8";
constexpr char kUnimplemented[] = "12";

void WritePrefix(size_t bytes, uint8_t* out) {
  const uint32_t length = htonl(static_cast<uint32_t>(bytes));
  out[0] = 0;
  std::memcpy(out + 1, &length, sizeof(length));
}

bool Parse(absl::string_view bytes, google::protobuf::MessageLite* message) {
  return message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

nghttp2_nv Header(absl::string_view name, absl::string_view value) {
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

}  // namespace

void Http2Call::SetPath(absl::string_view path) {
  if (path == kPublishMethod) method_ = Method::kPublish;
  if (path == kPublishStreamMethod) method_ = Method::kPublishStream;
  if (path == kSubscribeMethod) method_ = Method::kSubscribe;
}

void Http2Call::OnData(absl::string_view bytes) {
  if (answered_) return;
  const bool joined = !request_.empty();
  if (joined) {
    request_.append(bytes.data(), bytes.size());
    bytes = request_;
  }
  const size_t all = bytes.size();
  while (bytes.size() >= kPrefixBytes && !answered_) {
    uint32_t length;
    std::memcpy(&length, bytes.data() + 1, sizeof(length));
    length = ntohl(length);
    if (bytes.front() != 0) return Fail(kUnimplemented);
    if (length > kRequestMax) return Fail(kResourceExhausted);
    if (bytes.size() - kPrefixBytes < length) break;
    OnRequest(bytes.substr(kPrefixBytes, length));
    bytes.remove_prefix(kPrefixBytes + length);
  }
  if (joined) {
    request_.erase(0, all - bytes.size());
  } else {
    request_.assign(bytes.data(), bytes.size());
  }
}

void Http2Call::OnHalfClose() {
  half_closed_ = true;
  if (method_ == Method::kPublishStream) Wake();
}

void Http2Call::OnRequest(absl::string_view bytes) {
  if (method_ == Method::kSubscribe) {
    Subscribe(bytes);
  } else if (method_ == Method::kPublishStream) {
    OnBatch(bytes);
  } else {
    Answer();
  }
}

void Http2Call::Subscribe(absl::string_view bytes) {
  nmq::v1::SubscribeRequest request;
  if (subscribed() || !Parse(bytes, &request) || !audience_->Add(request, this)) return Fail(kInvalidArgument);
  nmq::v1::SubscribeResponse response;
  response.mutable_ready()->mutable_heartbeat()->set_seconds(15);
  Say(response);
}

void Http2Call::OnBatch(absl::string_view bytes) {
  unanswered_.push_back(
      audience_->Publish(bytes.size(), [bytes](nmq::v1::PublishStreamRequest* batch) { return Parse(bytes, batch); }));
  Wake();
}

void Http2Call::Answer() {
  answered_ = true;
  if (method_ == Method::kPublish) {
    nmq::v1::PublishResponse published;
    published.set_id("hofxff2x7o-12345");
    published.set_sequence(12345);
    return Say(published);
  }
  nmq::v1::ConnectResponse connected;
  connected.set_session("floor");
  Say(connected);
}

void Http2Call::Fail(const char* status) {
  status_ = status;
  answered_ = true;
  unanswered_.clear();
  Wake();
}

void Http2Call::Wake() {
  if (!std::exchange(responded_, true)) {
    Respond();
  } else if (std::exchange(deferred_, false)) {
    nghttp2_session_resume_data(connection_->session(), stream_);
  }
  connection_->Mark();
}

void Http2Call::Respond() {
  const nghttp2_nv headers[] = {Header(":status", "200"), Header("content-type", "application/grpc")};
  nghttp2_data_provider provider;
  provider.source.ptr = this;
  provider.read_callback = [](nghttp2_session*, int32_t, uint8_t*, size_t size, uint32_t* flags,
                              nghttp2_data_source* source,
                              void*) { return static_cast<Http2Call*>(source->ptr)->Offer(size, flags); };
  nghttp2_submit_response(connection_->session(), stream_, headers, std::size(headers), &provider);
}

void Http2Call::SendTrailers() {
  const nghttp2_nv trailer = Header("grpc-status", status_);
  nghttp2_submit_trailer(connection_->session(), stream_, &trailer, 1);
}

ssize_t Http2Call::Offer(size_t size, uint32_t* flags) {
  if (left_ == 0) TakeNext();
  if (left_ == 0 && !over()) {
    deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  size = std::min(size, left_);
  if (size == left_ && over()) {
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    SendTrailers();
  }
  return static_cast<ssize_t>(size);
}

void Http2Call::Give(size_t size, Gather* gather) {
  left_ -= size;
  while (size > 0) {
    const SharedBytes& piece = pieces_[piece_];
    const size_t part = std::min(size, piece.size() - at_);
    gather->Add(piece, at_, part);
    size -= part;
    at_ += part;
    if (at_ < piece.size()) continue;
    at_ = 0;
    ++piece_;
  }
  if (left_ != 0) return;
  pieces_.clear();
  if (pieces_.capacity() > kPiecesKept) pieces_.shrink_to_fit();
}

void Http2Call::Say(const google::protobuf::MessageLite& message) {
  pieces_.assign(1, SharedBytes(message.SerializeAsString()));
  SayPieces();
  Wake();
}

void Http2Call::SayPieces() {
  size_t bytes = 0;
  for (const SharedBytes& piece : pieces_) bytes += piece.size();
  // The prefix and the first piece, which is short, are one.
  uint8_t begin[kPrefixBytes];
  WritePrefix(bytes, begin);
  std::string head(reinterpret_cast<const char*>(begin), kPrefixBytes);
  head.append(pieces_.front().data(), pieces_.front().size());
  pieces_.front() = SharedBytes(std::move(head));
  left_ = kPrefixBytes + bytes;
  piece_ = 0;
  at_ = 0;
}

void Http2Call::TakeNext() {
  if (!unanswered_.empty()) return TakeAnswers();
  if (!answered_ && audience_->TakeFrame(this, &pieces_)) SayPieces();
}

// All of them at once: as many gRPC messages in one piece.
void Http2Call::TakeAnswers() {
  std::string all;
  for (const uint64_t messages : unanswered_) {
    nmq::v1::PublishStreamResponse response;
    nmq::v1::SequenceRange* const range = response.mutable_accepted()->add_ranges();
    range->set_first(1);
    range->set_last(messages);
    uint8_t prefix[kPrefixBytes];
    WritePrefix(response.ByteSizeLong(), prefix);
    all.append(reinterpret_cast<const char*>(prefix), kPrefixBytes);
    response.AppendToString(&all);
  }
  unanswered_.clear();
  left_ = all.size();
  piece_ = 0;
  at_ = 0;
  pieces_.assign(1, SharedBytes(std::move(all)));
}

}  // namespace nmq::bench
