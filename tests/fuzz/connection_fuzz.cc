// What a peer may send to a connection of HTTP/2: any bytes, in pieces of any size, at any pace. The first byte of an
// input says how they come, the others are sent. The connection is the real one, with calls of gRPC on it; methods do a
// little of what they do in nmqd.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/rpc/status.pb.h"
#include "server/frame/frame.h"
#include "server/http2/age_list.h"
#include "server/http2/byte_stream.h"
#include "server/http2/call.h"
#include "server/http2/connection.h"
#include "server/http2/gather.h"
#include "server/http2/timers.h"
#include "server/http2/window_pool.h"
#include "server/rpc/exchange.h"
#include "server/rpc/method_table.h"

namespace nmq::http2 {
namespace {

constexpr char kGreeting[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";

constexpr int64_t kWindowBytes = 1 << 20;

// Ends the process if what must hold does not.
void Require(bool holds) {
  if (!holds) abort();
}

// What the first byte says.
struct Manner {
  explicit Manner(uint8_t byte) : manner(byte) {}
  size_t piece() const { return size_t{1} << (2 * (manner & 7) + 1); }
  bool greets() const { return (manner & 8) != 0; }         // before the input
  bool takes_little() const { return (manner & 16) != 0; }  // of what the server says
  bool waits() const { return (manner & 32) != 0; }         // a while after each piece
  bool drains() const { return (manner & 64) != 0; }        // the server does, in between
  bool leaves() const { return (manner & 128) != 0; }       // at once in the end
  const uint8_t manner;
};

class FakeBytes final : public ByteStream {
 public:
  FakeBytes(std::string input, const Manner& manner) : input_(std::move(input)), manner_(manner) {}

  ssize_t Read(char* to, size_t size) override {
    if (at_ == input_.size()) return manner_.leaves() ? kEnded : kBlocked;
    const size_t part = std::min({size, manner_.piece(), input_.size() - at_});
    input_.copy(to, part, at_);
    at_ += part;
    return static_cast<ssize_t>(part);
  }
  ssize_t Write(const iovec* pieces, size_t count) override {
    Require(count > 0 && count <= 1'024);
    size_t size = 0;
    for (size_t i = 0; i < count; ++i) size += pieces[i].iov_len;
    Require(size > 0);
    if (!manner_.takes_little()) return static_cast<ssize_t>(size);
    if ((++writes_ & 1) != 0) return kBlocked;
    return static_cast<ssize_t>(std::min(size, manner_.piece()));
  }
  void CloseWrite() override {}
  int descriptor() const override { return -1; }
  size_t at() const { return at_; }

 private:
  const std::string input_;
  const Manner manner_;
  size_t at_ = 0;
  int writes_ = 0;
};

// Answers each message with one that is as long, and the end with OK.
class Echo final : public rpc::Handler {
 public:
  explicit Echo(rpc::Exchange* exchange) : exchange_(exchange) {
    exchange_->Metadata("x-test-bin");
    exchange_->CallWith(Right::kPublish);
    exchange_->Read();
  }
  void OnSize(uint64_t) override { exchange_->Read(); }
  void OnMessage(const rpc::RequestBytes& bytes) override {
    google::rpc::Status message;
    message.set_message(std::string(std::min<size_t>(bytes.size(), 100'000), 'x'));
    if (writing_) return Finish(absl::ResourceExhaustedError("one after the other"));
    writing_ = true;
    exchange_->Write(Frame(message));
  }
  void OnNoMore() override { Finish(absl::OkStatus()); }
  void OnWritten(bool ok) override {
    writing_ = false;
    if (ok && !finished_) exchange_->Read();
    if (!ok) Finish(absl::CancelledError("gone"));
  }
  void OnCancelled() override { Finish(absl::CancelledError("gone")); }
  void OnDone() override { delete this; }

 private:
  void Finish(const absl::Status& status) {
    if (!std::exchange(finished_, true)) exchange_->Finish(status);
  }

  rpc::Exchange* const exchange_;
  bool writing_ = false;
  bool finished_ = false;
};

// Has its answer when one message has come, like a unary method.
class Unary final : public rpc::Handler {
 public:
  explicit Unary(rpc::Exchange* exchange) : exchange_(exchange) { exchange_->ReadRequest(); }
  void OnSize(uint64_t bytes) override {
    if (bytes > 10'000) return Finish(absl::ResourceExhaustedError("too large"));
    exchange_->ReadRequest();
  }
  void OnMessage(const rpc::RequestBytes& bytes) override {
    google::rpc::Status message;
    if (!bytes.Decode(&message).ok()) return Finish(absl::InvalidArgumentError("cannot be decoded"));
    if (!std::exchange(finished_, true)) exchange_->FinishWith(Frame(message));
  }
  void OnNoMore() override { Finish(absl::InvalidArgumentError("is missing")); }
  void OnCancelled() override { Finish(absl::CancelledError("gone")); }
  void OnDone() override { delete this; }

 private:
  void Finish(const absl::Status& status) {
    if (!std::exchange(finished_, true)) exchange_->Finish(status);
  }

  rpc::Exchange* const exchange_;
  bool finished_ = false;
};

// Ends before anything has come.
class Hasty final : public rpc::Handler {
 public:
  explicit Hasty(rpc::Exchange* exchange) {
    if (exchange->Metadata("x-cancel")) exchange->Cancel();
    exchange->Finish(absl::UnavailableError("not\nnow"));
  }
  void OnSize(uint64_t) override {}
  void OnMessage(const rpc::RequestBytes&) override {}
  void OnNoMore() override {}
  void OnDone() override { delete this; }
};

class Host final : public ConnectionHost, public CallHost {
 public:
  Host() : buffer_(new char[Connection::kReadBytes]) {
    table_.Add("/nmq.v1.MessageQueue/PublishStream", [](rpc::Exchange* exchange) { return new Echo(exchange); });
    table_.Add("/nmq.v1.MessageQueue/Publish", [](rpc::Exchange* exchange) { return new Unary(exchange); });
    table_.Add("/nmq.v1.MessageQueue/Subscribe", [](rpc::Exchange* exchange) { return new Hasty(exchange); });
    limits_.streams = 20;
    limits_.control_burst = 200;
    limits_.reset_burst = 50;
    limits_.held_bytes = 1 << 20;
    limits_.header_bytes = 8 << 10;
  }
  ~Host() {
    connection_ = nullptr;
    Settle();
    Require(calls_ == 0);
    Require(held_ == 0);
    Require(unsent_ == 0);
    Require(stalling_.size() == 0);
    Require(windows_.free() == kWindowBytes);
    Require(greeting_.size() == 0);
  }

  void Serve(std::string input, const Manner& manner) {
    auto owned = std::make_unique<FakeBytes>(std::move(input), manner);
    FakeBytes* const bytes = owned.get();
    connection_ = std::make_unique<Connection>(this, &limits_, std::move(owned), "fuzz");
    // For what is left to be said after the end.
    constexpr int kTurnsAfter = 12;
    for (int turn = 0, after = 0; !over_ && after < kTurnsAfter; ++turn) {
      if (turn == 3 && manner.drains()) connection_->Drain();
      if (manner.waits() || after > 2) Pass(absl::Seconds(1));
      const size_t before = bytes->at();
      Turn();
      if (bytes->at() == before) ++after;  // nothing more comes, or it is not read
    }
  }

  absl::Duration now() const override { return now_; }
  absl::Duration exact_now() const override { return now_; }
  absl::Duration clock_shift() const override { return absl::ZeroDuration(); }
  Gather& gather() override { return gather_; }
  char* read_buffer() override { return buffer_.get(); }
  Stream* OnRequest(Connection* connection, int32_t stream, HeaderList headers) override {
    return Call::Begin(this, connection, stream, std::move(headers));
  }
  void OnHeld(int64_t bytes) override {
    held_ += bytes;
    Require(held_ >= 0);
  }
  void OnUnsent(int64_t bytes) override {
    unsent_ += bytes;
    Require(unsent_ >= 0);
  }
  OutgoingPool& outgoings() override { return outgoings_; }
  AgeList<Call>& stalling() override { return stalling_; }
  void OnRefused(const absl::Status& status) override { Require(!status.ok()); }
  void Mark(Connection*) override { marked_ = true; }
  void MayReadMore(Connection*) override {}
  void GoOnLater(Connection*) override { goes_on_ = true; }
  void OnOver(Connection*) override { over_ = true; }
  void Await(Connection*, bool readable, bool writable) override {
    readable_ = readable;
    writable_ = writable;
  }
  WindowPool& windows() override { return windows_; }
  ByteShare& inflating() override { return inflating_; }
  AgeList<Connection>& greeting() override { return greeting_; }
  void OnAbuse(const Connection&, absl::string_view what) override { Require(!what.empty()); }
  Timers& timers() override { return timers_; }
  rpc::Loop* rpc_loop() override { return nullptr; }
  const rpc::MethodTable& table() override { return table_; }
  uint64_t message_bytes_max() const override { return 64 << 10; }
  absl::Status CheckRoomForCall() const override { return absl::OkStatus(); }
  void OnCallBegun() override { ++calls_; }
  void OnCallOver() override { --calls_; }
  void SettleSoon(Call* call) override { settling_.push_back(call); }

 private:
  void Pass(absl::Duration time) {
    now_ += time;
    connection_->OnTick();
  }
  void Turn() {
    const bool goes_on = std::exchange(goes_on_, false);
    if (writable_) connection_->OnWritable();
    if (readable_) connection_->OnReadable();
    if (goes_on) connection_->GoOn();
    Settle();
    timers_.Run(now_);
    Settle();
    if (std::exchange(marked_, false)) connection_->Flush();
    Settle();
  }
  void Settle() {
    while (!settling_.empty()) {
      std::vector<Call*> settling;
      settling.swap(settling_);
      for (Call* const call : settling) call->Settle();
    }
  }

  ConnectionLimits limits_;
  AgeList<Connection> greeting_;
  OutgoingPool outgoings_;  // outlives the connection
  AgeList<Call> stalling_;
  WindowPool windows_{kWindowBytes, nullptr};
  ByteShare inflating_{1 << 20};
  absl::Duration now_ = absl::Hours(1);
  Gather gather_;
  const std::unique_ptr<char[]> buffer_;
  rpc::MethodTable table_;
  Timers timers_;
  std::vector<Call*> settling_;
  std::unique_ptr<Connection> connection_;
  int64_t held_ = 0;
  int64_t unsent_ = 0;
  int calls_ = 0;
  bool marked_ = false;
  bool goes_on_ = false;
  bool over_ = false;
  bool readable_ = true;
  bool writable_ = false;
};

}  // namespace
}  // namespace nmq::http2

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const nmq::http2::Manner manner(data[0]);
  std::string input;
  if (manner.greets()) input.assign(nmq::http2::kGreeting, sizeof(nmq::http2::kGreeting) - 1);
  input.append(reinterpret_cast<const char*>(data + 1), size - 1);
  nmq::http2::Host().Serve(std::move(input), manner);
  return 0;
}
