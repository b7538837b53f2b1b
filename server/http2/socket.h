#ifndef NMQ_SERVER_HTTP2_SOCKET_H_
#define NMQ_SERVER_HTTP2_SOCKET_H_

#include "server/http2/byte_stream.h"

namespace nmq::http2 {

// A connected socket that does not block. Closes it in the end.
class Socket final : public ByteStream {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket() override;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  ssize_t Read(char* to, size_t size) override;
  ssize_t Write(const iovec* pieces, size_t count) override;
  void CloseWrite() override;
  int descriptor() const override { return descriptor_; }

 private:
  const int descriptor_;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_SOCKET_H_
