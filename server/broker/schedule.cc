#include "server/broker/schedule.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/base/errors.h"

namespace nmq::broker {
namespace {

constexpr size_t kNumberBytes = 8;

// Big-endian, so that keys are in the order of numbers.
std::string Encode(uint64_t number) {
  std::string bytes(kNumberBytes, '\0');
  for (size_t i = 0; i < kNumberBytes; ++i) bytes[i] = static_cast<char>(number >> (8 * (kNumberBytes - 1 - i)));
  return bytes;
}

// `bytes` has at least kNumberBytes.
uint64_t Decode(absl::string_view bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < kNumberBytes; ++i) number = number << 8 | static_cast<uint8_t>(bytes[i]);
  return number;
}

std::string KeyOf(uint64_t queue, const Schedule::Place& place) {
  return absl::StrCat(Encode(queue), Encode(static_cast<uint64_t>(place.due_us)), Encode(place.number));
}

}  // namespace

// Nothing is given back: a queue that is deleted has given it back before, and otherwise the totals may be gone.
Schedule::~Schedule() = default;

void DeleteSchedule(uint64_t queue, log::Store::Batch* batch) {
  batch->DeletePrefix(log::Table::kSchedule, Encode(queue));
}

absl::Status Schedule::Load() {
  std::vector<Place> places;
  absl::Status status = store_->Scan(log::Table::kSchedule, Encode(queue_), Encode(queue_ + 1),
                                     [&](absl::string_view key, absl::string_view /*value*/) {
                                       if (key.size() != 3 * kNumberBytes) return true;
                                       key.remove_prefix(kNumberBytes);
                                       const auto due_us = static_cast<int64_t>(Decode(key));
                                       places.push_back({due_us, Decode(key.substr(kNumberBytes))});
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

void Schedule::Put(const Place& place, absl::string_view bytes, log::Store::Batch* batch) const {
  batch->Put(log::Table::kSchedule, KeyOf(queue_, place), bytes);
}

void Schedule::Delete(const Place& place, log::Store::Batch* batch) const {
  batch->Delete(log::Table::kSchedule, KeyOf(queue_, place));
}

void Schedule::Add(Item item) {
  rings_->bytes.fetch_add(item.bytes.size(), std::memory_order_relaxed);
  MutexLock lock(&mu_);
  bytes_ += item.bytes.size();
  waiting_.emplace(item.place, std::move(item.bytes));
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
  MutexLock lock(&mu_);
  --taken_;
  waiting_.emplace(item.place, std::move(item.bytes));
}

absl::StatusOr<storage::v1::Scheduled> Schedule::Read(const Item& item) const {
  absl::StatusOr<std::string> bytes = item.bytes;
  if (store_ != nullptr) bytes = store_->Get(log::Table::kSchedule, KeyOf(queue_, item.place));
  if (!bytes.ok()) return bytes.status();
  storage::v1::Scheduled scheduled;
  if (!scheduled.ParseFromString(*bytes)) return absl::DataLossError("a message that waits for its time is damaged");
  return scheduled;
}

uint64_t Schedule::size() const {
  MutexLock lock(&mu_);
  return waiting_.size() + taken_;
}

}  // namespace nmq::broker
