#ifndef NMQ_SERVER_QUEUE_APPEND_H_
#define NMQ_SERVER_QUEUE_APPEND_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/log/audience.h"
#include "server/presence/client.h"

namespace nmq::broker {

// A message to append: the publisher's own fields encoded (see entry.h), its event, and its audience, null for
// everyone. The views must stay valid during the call.
struct Outgoing {
  absl::string_view body;
  absl::string_view event;
  std::shared_ptr<const log::Audience> audience;
  absl::string_view request_id;  // empty if it has none
  uint32_t index = 0;            // in the publisher's batch
};

// A message that is there already.
struct Duplicate {
  uint32_t index;     // of the one that came again, in its batch
  uint64_t sequence;  // of the one that is there
};

struct Appended {
  bool any() const { return last >= first; }

  uint64_t first = 1;  // sequences; `last` is less if all messages are duplicates
  uint64_t last = 0;
  std::vector<Duplicate> duplicates;
  uint64_t matched = 0;  // the sum of the subscriptions that will hear each, if asked for
};

// The clients that hear a message at once, one for each subscription.
using Hearers = std::vector<std::shared_ptr<Client>>;

// Messages that have their sequences and are on their way to disk.
struct Prepared {
  struct Entry {
    absl::string_view event;
    std::shared_ptr<const log::Audience> audience;
    size_t size;
    uint64_t stamp;
  };
  uint64_t first = 0;  // sequence
  std::vector<Entry> entries;
  std::string bytes;  // the encoded entries, one after another
  std::vector<Duplicate> duplicates;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_APPEND_H_
