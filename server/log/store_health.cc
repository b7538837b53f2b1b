#include <algorithm>

#include "server/log/store_errors.h"
#include "server/log/store_rep.h"

namespace nmq::log {
namespace {

// How often to look at the disk: after this much was written, and before an eighth of the reserve is gone, since all
// goes to the log and then to a file.
constexpr uint64_t kSpentBytesMax = 8 << 20;

}  // namespace

absl::Status StoreHealth::Check(bool messages) const {
  MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  if (stuck_ == Want::kDescriptors) return NoDescriptors(directory_);
  if (stuck_ == Want::kRoom || (messages && free_bytes_ < reserve_bytes_)) {
    return DiskFull(directory_, free_bytes_, reserve_bytes_);
  }
  return absl::OkStatus();
}

absl::Status StoreHealth::Note(const rocksdb::Status& status) {
  MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  if (WantsDescriptors(status)) {
    stuck_ = Want::kDescriptors;
    return NoDescriptors(directory_);
  }
  if (LeftNothing(status)) {
    stuck_ = Want::kRoom;
    return DiskFull(directory_, free_bytes_, reserve_bytes_);
  }
  failure_ = StoreFailed(directory_, status);
  return failure_;
}

void StoreHealth::Spend(uint64_t bytes) {
  {
    MutexLock lock(&mutex_);
    spent_bytes_ += bytes;
    if (spent_bytes_ < std::min(kSpentBytesMax, reserve_bytes_ / 8)) return;
  }
  LookAtDisk();
}

void StoreHealth::LookAtDisk() {
  uint64_t free_bytes = 0;
  const rocksdb::Status status = env_->GetFreeSpace(directory_, &free_bytes);
  MutexLock lock(&mutex_);
  spent_bytes_ = 0;
  // Where nobody can say, writing shows it.
  free_bytes_ = status.ok() ? free_bytes : UINT64_MAX;
}

void StoreHealth::Fail(const absl::Status& why) {
  MutexLock lock(&mutex_);
  if (failure_.ok()) failure_ = why;
}

bool StoreHealth::stuck() const {
  MutexLock lock(&mutex_);
  return stuck_ != Want::kNothing;
}

void StoreHealth::Unstick() {
  MutexLock lock(&mutex_);
  stuck_ = Want::kNothing;
}

bool StoreHealth::low() const {
  MutexLock lock(&mutex_);
  return free_bytes_ < reserve_bytes_;
}

uint64_t StoreHealth::free_bytes() const {
  MutexLock lock(&mutex_);
  return free_bytes_;
}

void StoreHealth::OnMemTableSealed(const rocksdb::MemTableInfo& /*info*/) {
  rocksdb::DB* const db = db_.load();
  if (db == nullptr) return;
  const uint64_t change = db->GetLatestSequenceNumber();
  const rocksdb::Status status = db->SyncWAL();
  if (status.ok()) {
    marks_->Note(change);
  } else {
    (void)Note(status);
  }
}

void StoreHealth::OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status* error) {
  // Lesser ones stop no write: a compaction is tried again.
  if (error->IsNoSpace() || error->severity() >= rocksdb::Status::Severity::kHardError) (void)Note(*error);
}

}  // namespace nmq::log
