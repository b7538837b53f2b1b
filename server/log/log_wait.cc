#include "server/log/log_wait.h"

#include <utility>

#include "base/await.h"

namespace nmq::log {
namespace {

// Keys that are read at a time.
constexpr uint64_t kScanKeys = 1024;

}  // namespace

absl::Status WriteAndWait(Log* log, Batch* batch, Sync sync) {
  // It lives until the answer.
  const std::shared_ptr<Batch> lent(std::shared_ptr<void>(), batch);
  return Await<absl::Status>([&](auto done) { log->Write(lent, sync, Log::Caller::kWaits, done); });
}

absl::Status TrimAndWait(Log* log, uint64_t queue, uint64_t first, Sync sync) {
  return Await<absl::Status>([&](auto done) { log->Trim(queue, first, sync, Log::Caller::kWaits, done); });
}

absl::StatusOr<std::shared_ptr<const Block>> ReadAndWait(Log* log, uint64_t queue, uint64_t from, uint64_t end,
                                                         uint64_t bytes_max) {
  return Await<absl::StatusOr<std::shared_ptr<const Block>>>(
      [&](auto done) { log->Read(queue, from, end, bytes_max, /*wanted=*/nullptr, done); });
}

absl::StatusOr<Extent> FindExtentAndWait(Log* log, uint64_t queue) {
  return Await<absl::StatusOr<Extent>>([&](auto done) { log->FindExtent(queue, done); });
}

absl::StatusOr<uint64_t> FindTimeAndWait(Log* log, uint64_t queue, uint64_t first, uint64_t end, int64_t time_us) {
  return Await<absl::StatusOr<uint64_t>>([&](auto done) { log->FindTime(queue, first, end, time_us, done); });
}

absl::StatusOr<uint64_t> FindBytesAndWait(Log* log, uint64_t queue, uint64_t first, uint64_t end, uint64_t bytes_max) {
  return Await<absl::StatusOr<uint64_t>>([&](auto done) { log->FindBytes(queue, first, end, bytes_max, done); });
}

absl::StatusOr<uint64_t> BytesOfAndWait(Log* log, uint64_t queue, uint64_t first, uint64_t end) {
  return Await<absl::StatusOr<uint64_t>>([&](auto done) { log->BytesOf(queue, first, end, done); });
}

absl::StatusOr<std::string> GetAndWait(Log* log, Table table, absl::string_view key) {
  return Await<absl::StatusOr<std::string>>([&](auto done) { log->Get(table, std::string(key), done); });
}

absl::Status ScanAndWait(Log* log, Table table, absl::string_view from, absl::string_view to,
                         absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) {
  std::string next(from);
  while (true) {
    const auto pairs =
        Await<absl::StatusOr<Log::Pairs>>([&](auto done) { log->Scan(table, next, std::string(to), kScanKeys, done); });
    if (!pairs.ok()) return pairs.status();
    for (const auto& [key, value] : *pairs) {
      if (!visit(key, value)) return absl::OkStatus();
    }
    if (pairs->size() < kScanKeys) return absl::OkStatus();
    // The least key that is greater.
    next = pairs->back().first;
    next.push_back('\0');
  }
}

}  // namespace nmq::log
