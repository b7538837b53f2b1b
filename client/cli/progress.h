#ifndef NMQ_CLIENT_CLI_PROGRESS_H_
#define NMQ_CLIENT_CLI_PROGRESS_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "client/cli/output.h"

namespace nmq {
namespace cli {

// A bar on a terminal that says how far work is: "[=====>    ]  52 %  52,000 of 100,000  98,123/s". Elsewhere, and as
// JSON, nothing. Not thread-safe.
class Progress {
 public:
  // `total` 0: not known; then there are numbers only. `unit` "B": bytes, else what is counted.
  Progress(uint64_t total, bool bytes, Output* err);
  // Takes the bar away.
  ~Progress() { Clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // So much is done. Draws at most ten times a second.
  void Set(uint64_t done);
  // Takes the bar away, to write something else; the next Set() draws it again.
  void Clear();

 private:
  std::string Line(uint64_t done, absl::Time now) const;

  const uint64_t total_;
  const bool bytes_;
  Output* const err_;
  const bool shown_;
  const absl::Time start_;
  absl::Time next_;
  bool drawn_ = false;
};

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_PROGRESS_H_
