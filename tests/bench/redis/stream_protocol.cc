#include "tests/bench/redis/stream_protocol.h"

#include <hiredis/hiredis.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace nmq::bench {
namespace {

// The reader moves what it has not read yet to its buffer's begin after each 1 KiB or more: little must wait there.
constexpr size_t kMouthful = 4096;

// In replies to XREAD and XREADGROUP: streams, each with its entries, each an id and its fields.
constexpr int kIdDepth = 4;
constexpr int kFieldDepth = 5;

// Stand for whatever the reader has read.
char something;
char failure;

int DepthOf(const redisReadTask* task) {
  int depth = 0;
  for (; task->parent != nullptr; task = task->parent) ++depth;
  return depth;
}

void* OnArray(const redisReadTask*, int) { return &something; }
void* OnNil(const redisReadTask*) { return &something; }
void FreeNothing(void*) {}

StreamConnection* ConnectionOf(const redisReadTask* task) { return static_cast<StreamConnection*>(task->privdata); }

}  // namespace

std::string AddPrefix(const std::string& stream, size_t payload_bytes) {
  return absl::StrCat("*5\r\n$4\r\nXADD\r\n$", stream.size(), "\r\n", stream, "\r\n$1\r\n*\r\n$1\r\nm\r\n$",
                      payload_bytes, "\r\n");
}

absl::StatusOr<std::unique_ptr<StreamConnection>> StreamConnection::Open(const std::string& address, OnEntry on_entry) {
  absl::StatusOr<Socket> socket = Socket::Connect(address);
  if (!socket.ok()) return socket.status();
  auto made = std::unique_ptr<StreamConnection>(new StreamConnection(*std::move(socket), std::move(on_entry)));
  if (made->reader_ == nullptr) return absl::ResourceExhaustedError("no memory for a reader");
  return made;
}

StreamConnection::StreamConnection(Socket socket, OnEntry on_entry)
    : socket_(std::move(socket)),
      on_entry_(std::move(on_entry)),
      reader_(redisReaderCreateWithFunctions(Functions())),
      buffer_(std::make_unique<char[]>(kBufferBytes)) {
  if (reader_ != nullptr) reader_->privdata = this;
}

redisReplyObjectFunctions* StreamConnection::Functions() {
  static redisReplyObjectFunctions functions = {&OnString, &OnArray, &OnInteger, &OnNil, &FreeNothing};
  return &functions;
}

void* StreamConnection::OnString(const redisReadTask* task, char* text, size_t size) {
  StreamConnection* const self = ConnectionOf(task);
  if (task->type == REDIS_REPLY_ERROR) {
    self->refusal_.assign(text, size);
    return &failure;
  }
  const int depth = DepthOf(task);
  if (depth == kIdDepth && task->idx == 0) self->id_.assign(text, size);
  if (depth == kFieldDepth && task->idx == 1) self->on_entry_(self->id_, {text, size});
  return &something;
}

void* StreamConnection::OnInteger(const redisReadTask* task, long long number) {
  ConnectionOf(task)->sum_ += static_cast<uint64_t>(number);
  return &something;
}

absl::Status StreamConnection::Read() {
  const uint64_t before = replies_;
  while (replies_ == before) {
    const absl::StatusOr<size_t> size = socket_.Read(buffer_.get(), kBufferBytes);
    if (!size.ok()) return size.status();
    if (absl::Status status = Feed({buffer_.get(), *size}); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status StreamConnection::Feed(absl::string_view bytes) {
  while (!bytes.empty()) {
    const absl::string_view mouthful = bytes.substr(0, kMouthful);
    bytes.remove_prefix(mouthful.size());
    redisReaderFeed(reader_.get(), mouthful.data(), mouthful.size());
    if (absl::Status status = TakeReplies(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status StreamConnection::TakeReplies() {
  while (true) {
    void* reply = nullptr;
    if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
      return absl::DataLossError(absl::StrCat("no Redis protocol: ", reader_->errstr));
    }
    if (reply == nullptr) return absl::OkStatus();
    if (reply == &failure) return absl::InternalError(absl::StrCat("the server says ", refusal_));
    ++replies_;
  }
}

}  // namespace nmq::bench
