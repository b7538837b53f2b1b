#ifndef NMQ_SERVER_LOG_STORE_LOG_H_
#define NMQ_SERVER_LOG_STORE_LOG_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/worker.h"
#include "server/log/log.h"
#include "server/log/store.h"

namespace nmq::log {

// The log of one machine: a store, a thread that reads it, and one that writes for callers that do not wait. Its end
// waits until all is answered.
class StoreLog final : public Log {
 public:
  // `store` must outlive the log.
  explicit StoreLog(Store* store) : store_(*store) {}

  void Write(std::shared_ptr<Batch> batch, Sync sync, Caller caller, Written done) override;
  void Read(uint64_t queue, uint64_t from, uint64_t end, uint64_t bytes_max, Wanted wanted,
            Done<std::shared_ptr<const Block>> done) override;
  void FindExtent(uint64_t queue, Done<Extent> done) override;
  void FindTime(uint64_t queue, uint64_t first, uint64_t end, int64_t time_us, Done<uint64_t> done) override;
  void FindBytes(uint64_t queue, uint64_t first, uint64_t end, uint64_t bytes_max, Done<uint64_t> done) override;
  void BytesOf(uint64_t queue, uint64_t first, uint64_t end, Done<uint64_t> done) override;
  void Trim(uint64_t queue, uint64_t first, Sync sync, Caller caller, Written done) override;
  void Get(Table table, std::string key, Done<std::string> done) override;
  void Scan(Table table, std::string from, std::string to, uint64_t count_max, Done<Pairs> done) override;
  absl::Status health() const override { return store_.health(); }
  void Flush() override;

 private:
  void DoWrite(Caller caller, std::function<absl::Status()> write, Written done);

  Store& store_;
  Worker reader_;
  Worker writer_;
};

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_STORE_LOG_H_
