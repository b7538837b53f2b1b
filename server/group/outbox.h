#ifndef NMQ_SERVER_GROUP_OUTBOX_H_
#define NMQ_SERVER_GROUP_OUTBOX_H_

#include <cstdint>
#include <vector>

#include "server/group/group_state.h"
#include "server/log/block.h"
#include "server/log/chunk.h"
#include "server/message/entry.h"

namespace nmq::broker {

// What a group delivers to one member in a turn. Entries of the queue are shared by all who hear them; here each gets
// its stamp (see DeliveryStamp), and all of a turn lie in one chunk. Not thread-safe.
class Outbox {
 public:
  // `block` has the message.
  void Add(const GroupState::Assignment& assignment, const log::Block& block);
  bool empty() const { return items_.empty(); }
  void Clear() { items_.clear(); }
  // The entries, in order; the outbox is empty then.
  std::vector<log::ByteRange> Take();
  // Which deliveries were never taken.
  std::vector<StampedDelivery> Unsent() const;

 private:
  struct Item {
    log::ByteRange entry;
    StampedDelivery delivery;
    uint32_t attempt;
  };
  std::vector<Item> items_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_GROUP_OUTBOX_H_
