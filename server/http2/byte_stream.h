#ifndef NMQ_SERVER_HTTP2_BYTE_STREAM_H_
#define NMQ_SERVER_HTTP2_BYTE_STREAM_H_

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>

#include "server/call/call.h"

namespace nmq::http2 {

// Bytes in both directions that never block: a socket, or TLS on one. For one thread at a time.
class ByteStream {
 public:
  // Nothing can be moved now.
  static constexpr ssize_t kBlocked = -1;
  // Nothing will be moved any more: the peer has closed, or the connection is broken.
  static constexpr ssize_t kEnded = -2;
  // Of room for what is read.
  static constexpr size_t kReadBytesMin = 32 << 10;

  virtual ~ByteStream() = default;

  // How many bytes were read into `to`, at least one of `size`, which is kReadBytesMin or more; or kBlocked or kEnded.
  // What has come and was not read keeps the descriptor readable. All of `to` may be written over.
  virtual ssize_t Read(char* to, size_t size) = 0;
  // How many bytes of the pieces, of which there are 1 to 1,024, were taken; or kBlocked or kEnded. The next call
  // begins with the bytes that were not.
  virtual ssize_t Write(const iovec* pieces, size_t count) = 0;
  // Tells the peer that nothing more comes.
  virtual void CloseWrite() = 0;
  // What to wait for.
  virtual int descriptor() const = 0;

  // What the peer has shown, once it was verified; null if there is none. Does not change then.
  virtual const ClientCertificate* certificate() const { return nullptr; }

  // The following change in Read and Write only.
  //
  // Bytes of its own wait for the descriptor to be writable: Read or Write sends them then.
  bool wants_write() const { return wants_write_; }
  // Write takes nothing before Read has had more: that the descriptor is writable tells nothing.
  bool write_awaits_read() const { return write_awaits_read_; }
  // What the peer has done against its rules; null unless that is why it has ended. Lives as long as the program.
  const char* failure() const { return failure_; }

 protected:
  bool wants_write_ = false;
  bool write_awaits_read_ = false;
  const char* failure_ = nullptr;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_BYTE_STREAM_H_
