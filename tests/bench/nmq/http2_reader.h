#ifndef NMQ_TESTS_BENCH_NMQ_HTTP2_READER_H_
#define NMQ_TESTS_BENCH_NMQ_HTTP2_READER_H_

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace nmq::bench {

// What an Http2Reader calls for what it reads; calls are numbered in the order of their beginning.
class Http2Handler {
 public:
  virtual ~Http2Handler() = default;

  // A message that the call's server sent. False if it is not what it should be, which ends the reading.
  virtual bool OnMessage(size_t call, absl::string_view message) = 0;
  // The server, or the connection, has ended the call.
  virtual void OnEnd(size_t call, const absl::Status& status) = 0;
};

// gRPC's wire on one connection, as a client that asks once and then only reads. Copies only messages that come in
// pieces. Not thread-safe.
class Http2Reader {
 public:
  // `handler` must outlive it.
  explicit Http2Reader(Http2Handler* handler);
  ~Http2Reader();
  Http2Reader(const Http2Reader&) = delete;
  Http2Reader& operator=(const Http2Reader&) = delete;

  // Begins a call of the method, "/SERVICE/METHOD", with one request, an encoded message.
  void Call(const std::string& method, const std::string& request);
  // Reads what the server sent.
  absl::Status Feed(absl::string_view bytes);
  // What is to be sent now.
  std::string TakeOutput();

 private:
  friend struct Http2ReaderCallbacks;

  struct Stream {
    size_t call = 0;
    // Of the request, what has not been sent.
    std::string request;
    // The begin of a message whose rest has not come.
    std::string rest;
    std::string status;
    std::string message;
  };

  // A part of what the server says in a call.
  void OnData(Stream* stream, absl::string_view bytes);
  // Takes whole messages from the begin of `bytes`.
  void TakeMessages(const Stream& stream, absl::string_view* bytes);
  void Break(absl::string_view what);

  Http2Handler* const handler_;
  nghttp2_session* session_ = nullptr;
  std::vector<std::unique_ptr<Stream>> streams_;
  absl::Status health_;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_HTTP2_READER_H_
