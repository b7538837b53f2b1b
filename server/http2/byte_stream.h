#ifndef NMQ_SERVER_HTTP2_BYTE_STREAM_H_
#define NMQ_SERVER_HTTP2_BYTE_STREAM_H_

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>

namespace nmq::http2 {

// Bytes in both directions that never block: a socket, or TLS on one. For one thread at a time.
class ByteStream {
 public:
  // Nothing can be moved now.
  static constexpr ssize_t kBlocked = -1;
  // Nothing will be moved any more: the peer has closed, or the connection is broken.
  static constexpr ssize_t kEnded = -2;

  virtual ~ByteStream() = default;

  // How many bytes were read into `to`, at least one of `size`; or kBlocked or kEnded.
  virtual ssize_t Read(char* to, size_t size) = 0;
  // How many bytes of the pieces, of which there are 1 to 1,024, were taken; or kBlocked or kEnded.
  virtual ssize_t Write(const iovec* pieces, size_t count) = 0;
  // Tells the peer that nothing more comes.
  virtual void CloseWrite() = 0;
  // What to wait for with epoll.
  virtual int descriptor() const = 0;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_BYTE_STREAM_H_
