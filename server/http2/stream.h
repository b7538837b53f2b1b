#ifndef NMQ_SERVER_HTTP2_STREAM_H_
#define NMQ_SERVER_HTTP2_STREAM_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "server/http2/gather.h"
#include "server/http2/wire.h"

namespace nmq::http2 {

// A request that a connection has received, and its answer, as the connection sees it. All on the loop's thread.
class Stream {
 public:
  // What goes out next.
  struct Offer {
    size_t bytes = 0;  // of the body; with none, and if it is not the last, Connection::Resume must follow
    bool last = false;
  };

  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Bytes of the request's body, until it returns. They take room in the stream's window until Connection::OpenWindow.
  virtual void OnData(absl::string_view bytes) = 0;
  // The request is whole.
  virtual void OnEnd() = 0;

  // Bytes of the answer's body that are there.
  virtual size_t left() const = 0;
  // What of the answer's body, up to `bytes_max`, can go out now. If it is the last of it, Trailers follows.
  virtual Offer OfferBody(size_t bytes_max) = 0;
  // Puts what was offered last into `gather`, perhaps in a later turn.
  virtual void GiveBody(size_t bytes, Gather* gather) = 0;
  virtual Headers Trailers() = 0;
  // The system has taken all that GiveBody gave, and the answer goes on.
  virtual void OnSent() = 0;

  // Another stream of the connection sends what can wait: so may this one, see rpc::Exchange::Pulse.
  virtual void OnPulse() {}

  // The stream has ended, with its answer sent if it is `whole`: nothing more comes, OnSent neither, and the connection
  // may not be used any more. The stream may delete itself.
  virtual void OnClosed(bool whole) = 0;

 protected:
  Stream() = default;
  virtual ~Stream() = default;

 private:
  friend class StreamList;
  friend class Sending;
  // Those of the same connection.
  Stream* next_ = nullptr;
  Stream* before_ = nullptr;
  bool unsent_ = false;  // some of its body is on its way to the system
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_STREAM_H_
