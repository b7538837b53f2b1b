#include "server/http2/incoming.h"

#include <algorithm>
#include <utility>

#include "base/free_memory.h"

namespace nmq::http2 {
namespace {

// To decompress so much, or to find out that it is so much, is as much work as a request.
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
  if (reading_ || over()) owner_->SettleSoon();
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
  if (stage_ == Stage::kMeasured) {
    stage_ = Stage::kNext;
    return connection_->GoOnToiling();
  }
  share_ = size_;
  stage_ = Stage::kTurn;
  owner_->SettleSoon();
}

void Incoming::Take(absl::string_view* bytes) {
  while (reading_) {
    if (owner_->deaf()) return GiveNoMore();
    if (packed()) return AwaitTurn();
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
  const size_t part = before - bytes->size();
  if (message && message->compressed) {
    Pack(*message, part);
    return false;
  }
  Consume(part);
  if (!message) return false;
  Give(message->bytes);
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
  const size_t held =
      waiting_.size() + (packed() ? reader_.kept().size() : 0) + (inflation_ != nullptr ? Inflation::kStateBytes : 0);
  if (connection_ == nullptr || held == held_) return;
  connection_->CountHeld(static_cast<int64_t>(held) - static_cast<int64_t>(std::exchange(held_, held)));
}

// The peer's window stays as it is until the message has been given: what is kept here is not twice as much.
void Incoming::Pack(const MessageReader::Message& message, size_t bytes) {
  if (encoding_ == Encoding::kIdentity) {
    return Break(absl::InternalError("a message is compressed, and there is no grpc-encoding that says how"));
  }
  reader_.Keep(message);
  stage_ = Stage::kPacked;
  owed_ = bytes;
  AwaitTurn();
}

void Incoming::AwaitTurn() {
  if (!std::exchange(toiling_, true)) connection_->AwaitTurn(this);
}

Toiler::Left Incoming::Toil() {
  const Left left = !reading_ || owner_->deaf() ? Left::kNothing : ToilOn();
  CountHeld();
  if (left != Left::kNothing) return left;
  toiling_ = false;
  owner_->SettleSoon();
  return left;
}

// Room is asked for when it is about to be used: a message that waits for its turn takes none from others.
Toiler::Left Incoming::ToilOn() {
  if (stage_ == Stage::kPacked) return Measure();
  if (stage_ == Stage::kNext) {
    stage_ = Stage::kAsked;
    reading_ = false;
    handler_->OnSize(inflated_);
  }
  if (reading_) return Unpack();
  inflation_ = nullptr;  // it takes more than what waits here
  return Left::kNothing;
}

Toiler::Left Incoming::Measure() {
  if (inflation_ == nullptr) inflation_ = std::make_unique<Inflation>(reader_.kept());
  const absl::StatusOr<std::optional<uint64_t>> size = inflation_->Measure(message_bytes_max_);
  const uint64_t step = size.ok() && *size ? **size % Inflation::kStepBytes : Inflation::kStepBytes;
  connection_->CountWork(1 + step / kInflatedForRequest);
  if (!size.ok()) {
    Break(size.status());
    return Left::kNothing;
  }
  if (!*size) return Left::kMore;
  inflated_ = **size;
  stage_ = Stage::kMeasured;
  if (!connection_->inflating().Enter(this, inflated_)) return Left::kWaits;
  stage_ = Stage::kNext;
  return Left::kMore;
}

Toiler::Left Incoming::Unpack() {
  if (inflation_ == nullptr) inflation_ = std::make_unique<Inflation>(reader_.kept());
  if (unpacked_ == nullptr) unpacked_.reset(new char[inflated_]);
  const absl::StatusOr<bool> done = inflation_->Give(unpacked_.get(), inflated_);
  connection_->CountWork(1 + std::min<uint64_t>(inflated_, Inflation::kStepBytes) / kInflatedForRequest);
  if (!done.ok()) {
    Break(done.status());
    return Left::kNothing;
  }
  if (!*done) return Left::kMore;
  const std::unique_ptr<char[]> message = std::move(unpacked_);
  EndPacked();
  Consume(std::exchange(owed_, 0));
  Give({message.get(), inflated_});
  return Left::kNothing;
}

void Incoming::EndPacked() {
  if (stage_ == Stage::kMeasured) connection_->inflating().Leave(this);
  if (stage_ > Stage::kMeasured) connection_->inflating().GiveBack(inflated_);
  inflation_ = nullptr;
  unpacked_ = nullptr;
  reader_.Drop();
  stage_ = Stage::kPrefix;
}

void Incoming::Give(absl::string_view message) {
  stage_ = Stage::kPrefix;
  GiveBackShare();
  if (messages_ < 2 && ++messages_ == 2 && !whole_) Widen();
  reading_ = false;
  handler_->OnMessage(rpc::PlainRequestBytes(message));
}

void Incoming::GiveNoMore() {
  reading_ = false;
  no_more_ = true;
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
  if (packed()) EndPacked();
  if (std::exchange(toiling_, false)) connection_->LeaveTurns(this);
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
