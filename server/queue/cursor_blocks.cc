// How cursors read what is on disk and no longer in the ring.
#include <algorithm>

#include "server/log/block.h"
#include "server/queue/cursor_reader.h"
#include "server/queue/hearing.h"
#include "server/queue/subscriber.h"

namespace nmq::broker {
namespace {

// Messages of a block looked at in one go.
constexpr int kBlockLooksMax = 4096;

}  // namespace

void CursorReader::AskForBlock(Cursor* cursor, uint64_t from) {
  if (cursor->loading) return;
  cursor->loading = true;
  blocks_->Ask(cursor, from, log_.ring().first());
}

bool CursorReader::HaveBlock(Cursor* cursor) {
  if (cursor->block != nullptr && cursor->block->Contains(cursor->next)) return true;
  cursor->block = std::move(cursor->block_ahead);
  cursor->block_ahead = nullptr;
  if (cursor->block == nullptr || !cursor->block->Contains(cursor->next)) {
    cursor->block = nullptr;
    AskForBlock(cursor, cursor->next);
    return false;
  }
  // The next one is read while this one is on its way.
  if (cursor->block->end() < log_.ring().first()) AskForBlock(cursor, cursor->block->end());
  return true;
}

CursorReader::BlockRead CursorReader::ReadBlocks(Cursor* cursor, uint64_t bytes_max, Delivery* delivery) {
  const Memberships& memberships = cursor->subscriber->memberships();
  const uint64_t run_begin = log_.disk().extent.end;
  log::Audience audience;
  int looks = 0;
  while (cursor->next < log_.ring().first()) {
    if (!HaveBlock(cursor)) return BlockRead::kWaiting;
    const log::Block& block = *cursor->block;
    const uint64_t epoch_end = log_.disk().EpochEnd(cursor->next);
    for (; cursor->next < std::min(block.end(), epoch_end); ++cursor->next) {
      if (++looks > kBlockLooksMax) return BlockRead::kFull;
      const Hearing message = HearingOf(block, cursor->next, run_begin, &audience);
      if (!Hears(cursor->filter, memberships, message, log_.members())) continue;
      const log::Block::Item& item = block.item(cursor->next);
      const Piece piece = {cursor->next, message.audience, block.chunk.get(), item.entry_offset, item.entry_length};
      if (!Take(cursor, piece, bytes_max, delivery)) return BlockRead::kFull;
    }
    if (cursor->next == epoch_end) {
      cursor->gaps.push_back(log_.EndOfEpoch(log_.EpochOf(epoch_end - 1), epoch_end));
      return BlockRead::kFull;
    }
  }
  return BlockRead::kDone;
}

}  // namespace nmq::broker
