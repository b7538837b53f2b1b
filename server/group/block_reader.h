#ifndef NMQ_SERVER_GROUP_BLOCK_READER_H_
#define NMQ_SERVER_GROUP_BLOCK_READER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/group/errands.h"
#include "server/log/block.h"
#include "server/queue/queue.h"

namespace nmq::broker {

// Reads a queue on disk, block by block, for one that does not wait: what is neither at hand nor in memory has to be
// asked for, and is at hand once the answer is taken in. Holds up to three blocks. Not thread-safe.
class BlockReader {
 public:
  using BlockPtr = std::shared_ptr<const log::Block>;
  // What the log answers.
  struct Answer {
    std::shared_ptr<std::atomic<bool>> wanted;  // false once nobody waits for it; tells reads apart
    uint64_t sequence;
    absl::StatusOr<BlockPtr> block;
  };
  // Hands the answer over to the reader's thread, for Take. It is called on a thread of the log's and must not block.
  using Hand = std::function<void(Answer)>;

  // A block has up to `bytes_max` of entries, but at least one.
  BlockReader(std::shared_ptr<Queue> queue, uint64_t bytes_max) : queue_(std::move(queue)), bytes_max_(bytes_max) {}
  // Its read, if one is under way, is not wanted any more.
  ~BlockReader() { Clear(); }
  BlockReader(const BlockReader&) = delete;
  BlockReader& operator=(const BlockReader&) = delete;

  // The block that has the message; null if it has to be asked for. What was read stays until another read is taken in.
  // Blocks end before `end`.
  BlockPtr Find(uint64_t sequence, uint64_t end);
  // What follows `block`, up to `end`, if that has to be asked for and nothing is known of it yet.
  std::optional<uint64_t> MissingAfter(const log::Block& block, uint64_t end) const;
  // Asks the log for the block that begins with the message; does nothing while a read is under way.
  void Ask(uint64_t sequence, uint64_t end, Errands* errands, Hand hand);
  // Takes in what a read has brought; the answer is what came of it. OK if it is not wanted any more.
  absl::Status Take(Answer answer);

  // Lets go what is before the message.
  void Drop(uint64_t before);
  // Forgets all, the read that is under way, too.
  void Clear();

 private:
  struct Reading {
    std::shared_ptr<std::atomic<bool>> wanted;
    Errands::Errand errand;
  };

  const std::shared_ptr<Queue> queue_;
  const uint64_t bytes_max_;
  BlockPtr read_;  // was read, and used
  BlockPtr next_;  // was read, and not used yet
  BlockPtr ring_;  // was in memory
  std::optional<Reading> reading_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_GROUP_BLOCK_READER_H_
