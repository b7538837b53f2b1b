#include "server/queue/schedule.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/log/log_wait.h"
#include "server/log/store_format.h"

namespace nmq::broker {
namespace {

// The due time and the number follow the queue's number, so that keys are in the order of places.
constexpr size_t kNumberBytes = 8;

std::string KeyOf(uint64_t queue, const Schedule::Place& place) {
  return absl::StrCat(log::BigEndian(queue), log::BigEndian(static_cast<uint64_t>(place.due_us)),
                      log::BigEndian(place.number));
}

absl::StatusOr<storage::v1::Scheduled> Parse(const absl::StatusOr<std::string>& bytes) {
  if (!bytes.ok()) return bytes.status();
  storage::v1::Scheduled scheduled;
  if (!scheduled.ParseFromString(*bytes)) return absl::DataLossError("a message that waits for its time is damaged");
  return scheduled;
}

}  // namespace

// Nothing is given back: a queue that is deleted has given it back before, and otherwise the totals may be gone.
Schedule::~Schedule() = default;

absl::Status Schedule::Load() {
  std::vector<Place> places;
  absl::Status status =
      log::ScanAndWait(log_, log::Table::kSchedule, log::BigEndian(queue_), log::BigEndian(queue_ + 1),
                       [&](absl::string_view key, absl::string_view /*value*/) {
                         if (key.size() != 3 * kNumberBytes) return true;
                         key.remove_prefix(kNumberBytes);
                         uint64_t due_us = 0;
                         uint64_t number = 0;
                         log::ParseBigEndian(key.substr(0, kNumberBytes), &due_us);
                         log::ParseBigEndian(key.substr(kNumberBytes), &number);
                         places.push_back({static_cast<int64_t>(due_us), number});
                         return true;
                       });
  if (!status.ok()) return status;
  MutexLock lock(&mu_);
  for (const Place& place : places) {
    last_number_.store(std::max(last_number_.load(), place.number));
    waiting_.emplace(place, "");
  }
  total_->messages.fetch_add(places.size(), std::memory_order_relaxed);
  return absl::OkStatus();
}

void Schedule::Put(const Place& place, absl::string_view bytes, log::Batch* batch) const {
  batch->Put(log::Table::kSchedule, KeyOf(queue_, place), bytes);
}

void Schedule::Delete(const Place& place, log::Batch* batch) const {
  batch->Delete(log::Table::kSchedule, KeyOf(queue_, place));
}

bool Schedule::Add(Item item) {
  MutexLock lock(&mu_);
  if (closed_) return false;
  rings_->bytes.fetch_add(item.bytes.size(), std::memory_order_relaxed);
  bytes_ += item.bytes.size();
  waiting_.emplace(item.place, std::move(item.bytes));
  return true;
}

void Schedule::Close() {
  uint64_t messages = 0;
  uint64_t bytes = 0;
  {
    MutexLock lock(&mu_);
    closed_ = true;
    messages = waiting_.size();
    for (const auto& [place, waiting] : waiting_) bytes += waiting.size();
    waiting_.clear();
    bytes_ -= bytes;
  }
  total_->messages.fetch_sub(messages, std::memory_order_relaxed);
  total_->bytes->fetch_sub(bytes, std::memory_order_relaxed);
  rings_->bytes.fetch_sub(bytes, std::memory_order_relaxed);
}

std::vector<Schedule::Item> Schedule::TakeDue(int64_t now_us, size_t count_max) {
  std::vector<Item> items;
  MutexLock lock(&mu_);
  while (!waiting_.empty() && waiting_.begin()->first.due_us <= now_us && items.size() < count_max) {
    items.push_back({waiting_.begin()->first, std::move(waiting_.begin()->second)});
    waiting_.erase(waiting_.begin());
  }
  taken_ += items.size();
  return items;
}

void Schedule::Done(const Item& item) {
  total_->messages.fetch_sub(1, std::memory_order_relaxed);
  total_->bytes->fetch_sub(item.bytes.size(), std::memory_order_relaxed);
  rings_->bytes.fetch_sub(item.bytes.size(), std::memory_order_relaxed);
  MutexLock lock(&mu_);
  --taken_;
  bytes_ -= item.bytes.size();
}

void Schedule::Return(Item item) {
  {
    MutexLock lock(&mu_);
    if (!closed_) {
      --taken_;
      waiting_.emplace(item.place, std::move(item.bytes));
      return;
    }
  }
  Done(item);
}

void Schedule::Read(const Item& item, ReadDone done) const {
  if (log_ == nullptr) return done(Parse(item.bytes));
  log_->Get(log::Table::kSchedule, KeyOf(queue_, item.place),
            [done = std::move(done)](const absl::StatusOr<std::string>& bytes) { done(Parse(bytes)); });
}

uint64_t Schedule::size() const {
  MutexLock lock(&mu_);
  return waiting_.size() + taken_;
}

}  // namespace nmq::broker
