// What the counter counts.
#ifndef NMQ_CLIENT_EXAMPLES_TOTALS_H_
#define NMQ_CLIENT_EXAMPLES_TOTALS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace nmq {
namespace examples {

// Not thread-safe.
class Totals {
 public:
  void Add(absl::string_view queue, absl::string_view event, uint64_t bytes);
  // Events that a gap counted.
  void AddMissed(uint64_t events) { missed_ += events; }

  uint64_t events() const { return events_; }
  uint64_t missed() const { return missed_; }

  // A line for each queue and event, in their order, and one for all, below a line of titles.
  std::string Table() const;
  // "3 DB/CREATE, 1 DB/DELETE"
  std::string Line() const;

 private:
  struct Total {
    uint64_t events = 0;
    uint64_t bytes = 0;
  };

  std::map<std::pair<std::string, std::string>, Total> totals_;
  uint64_t events_ = 0;
  uint64_t bytes_ = 0;
  uint64_t missed_ = 0;
};

}  // namespace examples
}  // namespace nmq

#endif  // NMQ_CLIENT_EXAMPLES_TOTALS_H_
