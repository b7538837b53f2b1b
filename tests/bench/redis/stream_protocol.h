#ifndef NMQ_TESTS_BENCH_REDIS_STREAM_PROTOCOL_H_
#define NMQ_TESTS_BENCH_REDIS_STREAM_PROTOCOL_H_

#include <hiredis/read.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/bench/peers/socket.h"

namespace nmq::bench {

// An XADD command of one field up to its payload, which "\r\n" follows.
std::string AddPrefix(const std::string& stream, size_t payload_bytes);

// A connection that speaks of Redis' streams: commands go out as they are, hiredis reads the replies without making
// objects of them. Not thread-safe.
class StreamConnection {
 public:
  // Called for each entry of a reply; both texts are gone after the call.
  using OnEntry = std::function<void(absl::string_view id, absl::string_view payload)>;

  static absl::StatusOr<std::unique_ptr<StreamConnection>> Open(const std::string& address, OnEntry on_entry);

  absl::Status Send(absl::string_view commands) { return socket_.Send(commands); }
  // Waits until at least one more reply is there. INTERNAL if it is an error.
  absl::Status Read();
  // Replies so far, and the sum of those that are integers.
  uint64_t replies() const { return replies_; }
  uint64_t sum() const { return sum_; }

 private:
  struct Free {
    void operator()(redisReader* reader) const { redisReaderFree(reader); }
  };
  static constexpr size_t kBufferBytes = 1 << 16;

  StreamConnection(Socket socket, OnEntry on_entry);

  static void* OnString(const redisReadTask* task, char* text, size_t size);
  static void* OnInteger(const redisReadTask* task, long long number);
  static redisReplyObjectFunctions* Functions();

  absl::Status Feed(absl::string_view bytes);
  absl::Status TakeReplies();

  Socket socket_;
  const OnEntry on_entry_;
  std::unique_ptr<redisReader, Free> reader_;
  const std::unique_ptr<char[]> buffer_;
  // Of the entry that is being read.
  std::string id_;
  std::string refusal_;
  uint64_t replies_ = 0;
  uint64_t sum_ = 0;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_REDIS_STREAM_PROTOCOL_H_
