#ifndef NMQ_TESTS_BENCH_REDIS_REDIS_PROTOCOL_H_
#define NMQ_TESTS_BENCH_REDIS_REDIS_PROTOCOL_H_

#include <hiredis/read.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace nmq::bench {

// A command as it is sent.
std::string Command(const std::vector<std::string>& words);
// Subscribes to all of them: to channels, or to patterns if one has a `*`.
std::string SubscribeCommand(const std::vector<std::string>& names);
// A PUBLISH command up to its payload, which "\r\n" follows.
std::string PublishPrefix(const std::string& channel, size_t payload_bytes);

// What a ReplyReader calls for what it reads.
class ReplyHandler {
 public:
  virtual ~ReplyHandler() = default;

  // The last element of an array: a message's payload.
  virtual void OnText(absl::string_view) {}
  // An integer, alone or at an array's end: to how many PUBLISH went, or to how many channels one subscribes now.
  virtual void OnInteger() {}
};

// hiredis' reader, which here makes no objects. Not thread-safe.
class ReplyReader {
 public:
  // `handler` must outlive it.
  explicit ReplyReader(ReplyHandler* handler);

  // Reads replies in these bytes, and those before that were no whole reply.
  absl::Status Feed(absl::string_view bytes);

 private:
  struct Free {
    void operator()(redisReader* reader) const { redisReaderFree(reader); }
  };

  absl::Status ReadReplies();

  std::unique_ptr<redisReader, Free> reader_;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_REDIS_REDIS_PROTOCOL_H_
