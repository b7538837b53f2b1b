#include "server/http2/incoming.h"

#include <algorithm>
#include <utility>

#include "base/free_memory.h"
#include "server/http2/inflate.h"

namespace nmq::http2 {
namespace {

// To decompress so much is as much work as a request.
constexpr size_t kInflatedForRequest = 4 << 10;

}  // namespace

Incoming::Incoming(Owner* owner, Connection* connection, int32_t stream, Encoding encoding, uint64_t message_bytes_max)
    : owner_(owner),
      connection_(connection),
      stream_(stream),
      encoding_(encoding),
      message_bytes_max_(message_bytes_max),
      reader_(message_bytes_max),
      window_(connection->limits().window_bytes) {}

void Incoming::Read() {
  reading_ = true;
  owner_->SettleSoon();
}

void Incoming::ReadRequest() {
  one_message_ = true;
  Read();
}

bool Incoming::awaits_bytes() const {
  if (!reading_ || whole_) return false;
  return stage_ == Stage::kTaken || (stage_ == Stage::kPrefix && (one_message_ || reader_.partial()));
}

void Incoming::OnData(absl::string_view bytes) {
  if (owner_->deaf()) return Consume(bytes.size());
  if (reading_ && waiting_.empty()) Take(&bytes);
  if (owner_->deaf()) {
    Consume(bytes.size());
  } else {
    waiting_.append(bytes.data(), bytes.size());
    if (reading_ && !bytes.empty()) owner_->SettleSoon();
  }
  CountHeld();
}

void Incoming::OnEnd() {
  whole_ = true;
  GiveBackWindow();
  if (reading_) owner_->SettleSoon();
}

void Incoming::Settle() {
  absl::string_view rest = absl::string_view(waiting_).substr(waiting_at_);
  const size_t before = rest.size();
  Take(&rest);
  waiting_at_ += before - rest.size();
  if (owner_->deaf()) {
    LetGo();
  } else if (rest.empty()) {
    FreeMemory(&waiting_);
    waiting_at_ = 0;
  } else if (waiting_at_ > waiting_.size() / 2) {
    waiting_.erase(0, std::exchange(waiting_at_, 0));
  }
  CountHeld();
}

void Incoming::OnTurn() {
  share_ = size_;
  stage_ = Stage::kTurn;
  owner_->SettleSoon();
}

void Incoming::Take(absl::string_view* bytes) {
  while (reading_) {
    if (owner_->deaf()) return GiveNoMore();
    const size_t before = bytes->size();
    const absl::StatusOr<std::optional<uint32_t>> size = reader_.Size(bytes);
    Consume(before - bytes->size());
    if (!size.ok()) return Break(size.status());
    const bool known = size->has_value();
    if (whole_ && (known ? bytes->size() < reader_.missing() : reader_.partial())) {
      return Break(absl::InternalError("the request ends within a message"));
    }
    if (!known) {
      if (whole_) GiveNoMore();
      return;
    }
    if (!MayTake(**size, bytes->size()) || !TakeBody(bytes)) return;
  }
}

bool Incoming::MayTake(uint64_t size, size_t there) {
  if (stage_ == Stage::kPrefix) {
    size_ = size;
    stage_ = there < size && !connection_->receive_share().Enter(this, size) ? Stage::kInLine : Stage::kTurn;
    if (stage_ == Stage::kTurn && there < size) share_ = size;
  }
  if (stage_ == Stage::kInLine) return false;
  if (stage_ == Stage::kTurn) {
    stage_ = Stage::kTold;
    reading_ = false;
    handler_->OnSize(size);
    if (!reading_) return false;
  }
  if (stage_ == Stage::kTold) {
    stage_ = Stage::kTaken;
    if (there < size) OpenWindow(size - there);
  }
  return true;
}

bool Incoming::TakeBody(absl::string_view* bytes) {
  const size_t before = bytes->size();
  const std::optional<MessageReader::Message> message = reader_.Body(bytes);
  Consume(before - bytes->size());
  if (!message) return false;
  stage_ = Stage::kPrefix;
  GiveBackShare();
  if (messages_ < 2 && ++messages_ == 2 && !whole_) Widen();
  Give(*message);
  return true;
}

void Incoming::OpenWindow(uint64_t rest) {
  if (rest <= window_ / 2) return;
  opened_ = rest;
  connection_->OpenWindow(stream_, rest);
}

void Incoming::Widen() {
  wide_ = connection_->windows().Take();
  if (wide_ == 0) return;
  window_ += wide_;
  connection_->OpenWindow(stream_, wide_);
}

void Incoming::Consume(size_t bytes) {
  const uint64_t opened = std::min<uint64_t>(opened_, bytes);
  opened_ -= opened;
  consumed_ += bytes - opened;
  // One frame for many that have come.
  if (consumed_ < window_ / 2 || whole_) return;
  connection_->OpenWindow(stream_, std::exchange(consumed_, 0));
}

void Incoming::CountHeld() {
  const size_t held = waiting_.size();
  if (connection_ == nullptr || held == held_) return;
  connection_->CountHeld(static_cast<int64_t>(held) - static_cast<int64_t>(std::exchange(held_, held)));
}

void Incoming::Give(const MessageReader::Message& message) {
  if (!message.compressed) {
    reading_ = false;
    return handler_->OnMessage(rpc::PlainRequestBytes(message.bytes));
  }
  absl::StatusOr<std::string> inflated =
      absl::InternalError("a message is compressed, and there is no grpc-encoding that says how");
  if (encoding_ != Encoding::kIdentity) inflated = Inflate(message.bytes, message_bytes_max_);
  connection_->CountWork((inflated.ok() ? inflated->size() : message_bytes_max_) / kInflatedForRequest);
  if (!inflated.ok()) return Break(inflated.status());
  reading_ = false;
  handler_->OnMessage(rpc::PlainRequestBytes(*inflated));
}

void Incoming::GiveNoMore() {
  reading_ = false;
  handler_->OnNoMore();
}

void Incoming::Break(const absl::Status& status) {
  owner_->OnBroken(status);
  GiveNoMore();
}

void Incoming::GiveBackShare() {
  if (share_ > 0) connection_->receive_share().GiveBack(std::exchange(share_, 0));
}

void Incoming::LetGo() {
  FreeMemory(&waiting_);
  waiting_at_ = 0;
  if (connection_ == nullptr) return;
  if (stage_ == Stage::kInLine) {
    stage_ = Stage::kPrefix;
    connection_->receive_share().Leave(this);
  }
  GiveBackShare();
  GiveBackWindow();
}

void Incoming::GiveBackWindow() {
  if (wide_ > 0) connection_->windows().GiveBack(std::exchange(wide_, 0));
}

void Incoming::OnClosed() {
  LetGo();
  CountHeld();
  connection_ = nullptr;
}

}  // namespace nmq::http2
