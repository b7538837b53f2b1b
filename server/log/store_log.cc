#include "server/log/store_log.h"

#include <utility>

namespace nmq::log {

void StoreLog::DoWrite(Caller caller, std::function<absl::Status()> write, Written done) {
  if (caller == Caller::kWaits) return done(write());
  writer_.Post([write = std::move(write), done = std::move(done)] { done(write()); });
}

void StoreLog::Write(std::shared_ptr<Batch> batch, Sync sync, Caller caller, Written done) {
  DoWrite(
      caller, [this, batch = std::move(batch), sync] { return store_.Write(batch.get(), sync); }, std::move(done));
}

void StoreLog::Trim(uint64_t queue, uint64_t first, Sync sync, Caller caller, Written done) {
  DoWrite(
      caller, [this, queue, first, sync] { return store_.Trim(queue, first, sync); }, std::move(done));
}

void StoreLog::Read(uint64_t queue, uint64_t from, uint64_t end, uint64_t bytes_max, Wanted wanted,
                    Done<std::shared_ptr<const Block>> done) {
  reader_.Post([=, this, wanted = std::move(wanted), done = std::move(done)] {
    if (wanted != nullptr && !wanted()) return done(absl::CancelledError("nobody waits"));
    done(store_.Read(queue, from, end, bytes_max));
  });
}

void StoreLog::FindExtent(uint64_t queue, Done<Extent> done) {
  reader_.Post([this, queue, done = std::move(done)] { done(store_.FindExtent(queue)); });
}

void StoreLog::FindTime(uint64_t queue, uint64_t first, uint64_t end, int64_t time_us, Done<uint64_t> done) {
  reader_.Post([=, this, done = std::move(done)] { done(store_.FindTime(queue, first, end, time_us)); });
}

void StoreLog::FindBytes(uint64_t queue, uint64_t first, uint64_t end, uint64_t bytes_max, Done<uint64_t> done) {
  reader_.Post([=, this, done = std::move(done)] { done(store_.FindBytes(queue, first, end, bytes_max)); });
}

void StoreLog::BytesOf(uint64_t queue, uint64_t first, uint64_t end, Done<uint64_t> done) {
  reader_.Post([=, this, done = std::move(done)] { done(store_.BytesOf(queue, first, end)); });
}

void StoreLog::Get(Table table, std::string key, Done<std::string> done) {
  reader_.Post([this, table, key = std::move(key), done = std::move(done)] { done(store_.Get(table, key)); });
}

void StoreLog::Scan(Table table, std::string from, std::string to, uint64_t count_max, Done<Pairs> done) {
  reader_.Post([this, table, from = std::move(from), to = std::move(to), count_max, done = std::move(done)] {
    Pairs pairs;
    const auto add = [&](absl::string_view key, absl::string_view value) {
      pairs.emplace_back(key, value);
      return pairs.size() < count_max;
    };
    absl::Status status = count_max == 0 ? absl::OkStatus() : store_.Scan(table, from, to, add);
    if (status.ok()) return done(std::move(pairs));
    done(std::move(status));
  });
}

void StoreLog::Flush() {
  reader_.Flush();
  writer_.Flush();
  // What writes asked for when they were done.
  reader_.Flush();
}

}  // namespace nmq::log
