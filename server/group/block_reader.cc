#include "server/group/block_reader.h"

#include <utility>

#include "server/queue/queue_on_disk.h"

namespace nmq::broker {
namespace {

bool Has(const BlockReader::BlockPtr& block, uint64_t sequence) {
  return block != nullptr && block->Contains(sequence);
}

}  // namespace

BlockReader::BlockPtr BlockReader::Find(uint64_t sequence, uint64_t end) {
  if (Has(read_, sequence)) return read_;
  if (Has(next_, sequence)) {
    read_ = std::move(next_);
    next_ = nullptr;
    return read_;
  }
  if (!Has(ring_, sequence)) ring_ = queue_->BlockFromRing(sequence, end, bytes_max_);
  return ring_;
}

std::optional<uint64_t> BlockReader::MissingAfter(const log::Block& block, uint64_t end) const {
  if (reading_.has_value() || next_ != nullptr || &block != read_.get() || block.end() >= end) return std::nullopt;
  if (queue_->BlockFromRing(block.end(), block.end() + 1, 1) != nullptr) return std::nullopt;
  return block.end();
}

void BlockReader::Ask(uint64_t sequence, uint64_t end, Errands* errands, Hand hand) {
  if (reading_.has_value()) return;
  const auto wanted = std::make_shared<std::atomic<bool>>(true);
  reading_.emplace(Reading{wanted, errands->Begin()});
  const QueueOnDisk& disk = queue_->disk();
  disk.log->Read(
      disk.number, sequence, end, bytes_max_, [wanted] { return wanted->load(); },
      [wanted, sequence, hand = std::move(hand)](absl::StatusOr<BlockPtr> block) {
        if (wanted->load()) hand({wanted, sequence, std::move(block)});
      });
}

absl::Status BlockReader::Take(Answer answer) {
  if (!reading_.has_value() || reading_->wanted != answer.wanted) return absl::OkStatus();
  reading_.reset();
  if (!answer.block.ok()) return answer.block.status();
  next_ = *std::move(answer.block);
  return absl::OkStatus();
}

void BlockReader::Drop(uint64_t before) {
  for (BlockPtr* block : {&read_, &next_, &ring_}) {
    if (*block != nullptr && (*block)->end() <= before) *block = nullptr;
  }
}

void BlockReader::Clear() {
  read_ = next_ = ring_ = nullptr;
  if (!reading_.has_value()) return;
  reading_->wanted->store(false);
  reading_.reset();
}

}  // namespace nmq::broker
