#ifndef NMQ_TESTS_BENCH_FLOOR_HTTP2_CALL_H_
#define NMQ_TESTS_BENCH_FLOOR_HTTP2_CALL_H_

#include <google/protobuf/message_lite.h>
#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/bench/floor/audience.h"
#include "tests/bench/floor/gather.h"
#include "tests/bench/floor/shared_bytes.h"

namespace nmq::bench {

class Http2Connection;

// One call of any rpc: a stream of HTTP/2. Not thread-safe.
class Http2Call final : public Listener {
 public:
  // Both must outlive it.
  Http2Call(Http2Connection* connection, Audience<SharedBytes>* audience, int32_t stream)
      : connection_(connection), audience_(audience), stream_(stream) {}
  ~Http2Call() { audience_->Remove(this); }
  Http2Call(const Http2Call&) = delete;
  Http2Call& operator=(const Http2Call&) = delete;

  void SetPath(absl::string_view path);
  // A part of the request's body, and its end.
  void OnData(absl::string_view bytes);
  void OnHalfClose();

  // Something may be there for it to say: it is asked for it in this turn.
  void Wake();

  // What nghttp2 asks for: how much can be said now, up to `size`.
  ssize_t Offer(size_t size, uint32_t* flags);
  // Says so much of it.
  void Give(size_t size, Gather* gather);

 private:
  enum class Method : uint8_t { kOther, kPublish, kPublishStream, kSubscribe };

  // Nothing follows what is on its way.
  bool over() const { return answered_ || (method_ == Method::kPublishStream && half_closed_ && unanswered_.empty()); }

  void OnRequest(absl::string_view bytes);
  void Subscribe(absl::string_view bytes);
  void OnBatch(absl::string_view bytes);
  void Answer();
  // Ends the call with this status, a number.
  void Fail(const char* status);
  void Respond();
  void SendTrailers();

  void Say(const google::protobuf::MessageLite& message);
  // Says what is in pieces_.
  void SayPieces();
  // Takes up what there is to say.
  void TakeNext();
  void TakeAnswers();

  Http2Connection* const connection_;
  Audience<SharedBytes>* const audience_;
  const int32_t stream_;
  Method method_ = Method::kOther;
  bool half_closed_ = false;
  bool responded_ = false;
  bool deferred_ = false;
  bool answered_ = false;
  const char* status_ = "0";
  // Messages of each batch that has no answer.
  std::vector<uint64_t> unanswered_;
  // The begin of a message whose rest has not come.
  std::string request_;
  // What is on its way, and where: the bytes that are left, and the next of them.
  std::vector<SharedBytes> pieces_;
  size_t left_ = 0;
  size_t piece_ = 0;
  size_t at_ = 0;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_FLOOR_HTTP2_CALL_H_
