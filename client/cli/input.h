// What a file or standard input holds, read so that a signal can end it.
#ifndef NMQ_CLIENT_CLI_INPUT_H_
#define NMQ_CLIENT_CLI_INPUT_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace nmq {
namespace cli {

// Lines of a file descriptor that it does not own. For one thread, but for Stop() and done().
class LineReader {
 public:
  explicit LineReader(int fd);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // No payload may be longer.
  static constexpr size_t kLineMax = 64 << 20;

  // The next line without its end; false at the end, after Stop(), if it cannot be read, or if it is too_long().
  bool Next(std::string* line);
  // A line is longer than kLineMax.
  bool too_long() const { return too_long_; }
  // Lets Next() return false, now and from now on. Thread-safe.
  void Stop();
  // Bytes of the lines so far. Thread-safe.
  uint64_t done() const { return done_; }

 private:
  // False if there is no more.
  bool Fill();

  const int fd_;
  int wake_ = -1;
  std::atomic<bool> stopped_ = false;
  std::atomic<bool> too_long_ = false;
  std::atomic<uint64_t> done_ = 0;
  std::string buffer_;
  size_t at_ = 0;
};

// All of it. RESOURCE_EXHAUSTED if it is more than `bytes_max`.
absl::StatusOr<std::string> ReadWhole(int fd, uint64_t bytes_max);

// Whether something waits to be read that was redirected: a pipe with bytes, or a file.
bool HasSomething(int fd);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_INPUT_H_
