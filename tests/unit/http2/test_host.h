#ifndef NMQ_TESTS_UNIT_HTTP2_TEST_HOST_H_
#define NMQ_TESTS_UNIT_HTTP2_TEST_HOST_H_

#include <fcntl.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/http2/byte_share.h"
#include "server/http2/connection.h"
#include "server/http2/socket.h"
#include "server/http2/window_pool.h"

namespace nmq::http2 {

// A stream that does what a test tells it to.
class TestStream final : public Stream {
 public:
  TestStream(Connection* from, int32_t id, HeaderList list) : connection(from), number(id), headers(std::move(list)) {}

  void OnData(absl::string_view bytes) override {
    received.append(bytes.data(), bytes.size());
    if (consumes) connection->OpenWindow(number, bytes.size());
  }
  void OnEnd() override { ended = true; }
  size_t left() const override { return body.size() - at; }
  Offer OfferBody(size_t bytes_max) override {
    const size_t part = std::min(left(), bytes_max);
    return {part, finished && part == left()};
  }
  void GiveBody(size_t bytes, Gather* gather) override {
    gather->Copy(body.data() + at, bytes);
    at += bytes;
  }
  Headers Trailers() override { return {{"grpc-status", "0"}}; }
  void OnSent() override { sent = at; }
  void OnClosed(bool all) override {
    closed = true;
    whole = all;
  }

  Connection* const connection;
  const int32_t number;
  const HeaderList headers;
  bool consumes = true;
  bool finished = false;
  std::string received;
  std::string body;
  size_t at = 0;
  size_t sent = 0;
  bool ended = false;
  bool closed = false;
  bool whole = false;
};

// One connection over a pair of sockets, turn by turn, in simulated time.
class TestHost : public ConnectionHost {
 public:
  TestHost() = default;
  virtual ~TestHost() { connection_ = nullptr; }
  // Before what a derived class has.
  void Disconnect() { connection_ = nullptr; }

  // The client's end. `serve` makes the server's.
  int Connect(const std::function<std::unique_ptr<ByteStream>(int socket)>& serve = std::make_unique<Socket, int>) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    connection_ = std::make_unique<Connection>(this, &limits, serve(ends[0]), "test");
    return ends[1];
  }
  virtual void Turn() {
    if (connection_ == nullptr || !turns_) return;
    if (writable_) connection_->OnWritable();
    if (std::exchange(goes_on_, false)) connection_->GoOn();
    if (readable_) connection_->OnReadable();
    if (std::exchange(marked_, false)) connection_->Flush();
    if (over) connection_ = nullptr;
  }
  // It is to go on in the next turn, or waits for what its peer sends.
  bool goes_on() const { return goes_on_; }
  bool readable() const { return readable_; }
  // Whether Turn does anything.
  void set_turns(bool turns) { turns_ = turns; }
  // So much later.
  void Tick(absl::Duration time) {
    now_ += time;
    if (connection_ != nullptr) connection_->OnTick();
    Turn();
  }

  absl::Duration now() const override { return now_; }
  Gather& gather() override { return gather_; }
  char* read_buffer() override { return buffer_.get(); }
  Stream* OnRequest(Connection* connection, int32_t stream, HeaderList headers) override {
    if (refuses) {
      connection->Reset(stream, NGHTTP2_REFUSED_STREAM);
      return nullptr;
    }
    streams.push_back(std::make_unique<TestStream>(connection, stream, std::move(headers)));
    streams.back()->consumes = consumes;
    return streams.back().get();
  }
  WindowPool& windows() override { return pool; }
  ByteShare& inflating() override { return share; }
  void OnHeld(int64_t bytes) override { held += bytes; }
  void OnUnsent(int64_t bytes) override { unsent += bytes; }
  void Mark(Connection*) override { marked_ = true; }
  void MayReadMore(Connection*) override { ++may_read_more; }
  void GoOnLater(Connection*) override { goes_on_ = true; }
  void OnOver(Connection*) override { over = true; }
  void Await(Connection*, bool readable, bool writable) override {
    readable_ = readable;
    writable_ = writable;
  }
  AgeList<Connection>& greeting() override { return greeting_; }
  void OnAbuse(const Connection&, absl::string_view what) override { abuses.push_back(std::string(what)); }
  void OnRefused(const absl::Status& status) override { refusals.push_back(std::string(status.message())); }

  Connection* connection() { return connection_.get(); }
  bool awaits_writable() const { return writable_; }

  ConnectionLimits limits;
  std::vector<std::string> refusals;
  bool refuses = false;
  bool consumes = true;
  bool over = false;
  int may_read_more = 0;
  int64_t held = 0;
  int64_t unsent = 0;
  WindowPool pool{64 << 20, nullptr};
  ByteShare share{1 << 20};
  std::vector<std::string> abuses;
  std::vector<std::unique_ptr<TestStream>> streams;

 private:
  absl::Duration now_ = absl::Hours(1);
  Gather gather_;
  const std::unique_ptr<char[]> buffer_{new char[Connection::kReadBytes]};
  bool turns_ = true;
  bool marked_ = false;
  bool goes_on_ = false;
  bool readable_ = true;
  bool writable_ = false;
  AgeList<Connection> greeting_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace nmq::http2

#endif  // NMQ_TESTS_UNIT_HTTP2_TEST_HOST_H_
