// RocksDB's settings.
#ifndef NMQ_SERVER_LOG_STORE_OPTIONS_H_
#define NMQ_SERVER_LOG_STORE_OPTIONS_H_

#include <cstdarg>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/options.h"

namespace nmq::log {

// RocksDB's log: the last few warnings, in memory. Thread-safe.
class WarningLog final : public rocksdb::Logger {
 public:
  WarningLog() : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}

  using rocksdb::Logger::Logv;
  void LogHeader(const char* /*format*/, va_list /*arguments*/) override {}
  void Logv(const char* format, va_list arguments) override ABSL_LOCKS_EXCLUDED(mutex_);
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override;

  // The warnings, oldest first.
  std::string Text() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable Mutex mutex_;
  std::deque<std::string> lines_ ABSL_GUARDED_BY(mutex_);
};

// The column families, in the order of their handles. The store's own comes first, since RocksDB wants one of that
// name.
enum class Family { kOwn, kMessages, kMeta, kGroups, kRequests, kSchedule };
inline constexpr int kFamilies = 6;

struct DatabaseSettings {
  rocksdb::Env* env;
  uint64_t write_buffer_bytes;
  uint64_t table_buffer_bytes;
  uint64_t block_cache_bytes;
  uint64_t log_bytes;
  int open_files;
  std::shared_ptr<rocksdb::Logger> log;
  std::shared_ptr<rocksdb::EventListener> listener;
  std::shared_ptr<rocksdb::CompactionFilterFactory> filter;  // of the messages
};

rocksdb::DBOptions DatabaseOptions(const DatabaseSettings& settings);
std::vector<rocksdb::ColumnFamilyDescriptor> Families(const DatabaseSettings& settings);

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_STORE_OPTIONS_H_
