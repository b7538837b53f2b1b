#include "server/queue/request_ids.h"

#include <algorithm>
#include <utility>

namespace nmq::broker {

RequestIds::RequestIds(int64_t window_us, uint64_t count_max)
    : window_us_(window_us), count_max_(count_max), index_(0, Hash{this}, Eq{this}) {}

std::optional<uint64_t> RequestIds::Find(absl::string_view id, int64_t now_us) const {
  auto it = index_.find(id);
  if (it == index_.end() || IsOver(at(*it), now_us)) return std::nullopt;
  return at(*it).sequence;
}

void RequestIds::Add(absl::string_view id, uint64_t sequence, int64_t now_us) {
  Trim(now_us);
  // The entry of an earlier message of the id stays until its turn comes, but nothing leads to it any more.
  index_.erase(id);
  if (entries_.size() >= count_max_) PopFront();
  Entry entry;
  entry.bytes = std::make_unique<char[]>(id.size());
  std::copy(id.begin(), id.end(), entry.bytes.get());
  entry.size = static_cast<uint32_t>(id.size());
  entry.sequence = sequence;
  entry.time_us = now_us;
  entries_.push_back(std::move(entry));
  index_.insert(first_ + entries_.size() - 1);
}

void RequestIds::PopFront() {
  auto it = index_.find(entries_.front().id());
  if (it != index_.end() && *it == first_) index_.erase(it);
  forgotten_ = entries_.front().sequence;
  entries_.pop_front();
  ++first_;
}

void RequestIds::Trim(int64_t now_us) {
  while (!entries_.empty() && IsOver(entries_.front(), now_us)) PopFront();
  // It does not shrink by itself.
  if (index_.empty() && index_.capacity() > 0) index_ = decltype(index_)(0, Hash{this}, Eq{this});
}

void RequestIds::TakeBack(uint64_t first) {
  while (!entries_.empty() && entries_.back().sequence >= first) {
    index_.erase(entries_.back().id());
    entries_.pop_back();
  }
  // The sequences come again.
  forgotten_ = std::min(forgotten_, first - 1);
}

void RequestIds::Clear() {
  while (!entries_.empty()) PopFront();
  Trim(0);
}

}  // namespace nmq::broker
