#include "server/log/store_options.h"

#include <cstdio>

#include "absl/strings/str_join.h"
#include "rocksdb/cache.h"
#include "rocksdb/table.h"

namespace nmq::log {
namespace {

constexpr size_t kWarningsMax = 4;
constexpr size_t kWarningBytesMax = 512;

// Messages are read in runs, so that blocks may be large: less index, fewer reads.
constexpr size_t kMessageBlockBytes = 32 << 10;
constexpr size_t kTableBlockBytes = 4 << 10;
constexpr uint64_t kFileBytes = 32 << 20;
// Files are handed to the disk in steps, so that no sync waits for all of one.
constexpr uint64_t kSyncStepBytes = 1 << 20;

rocksdb::BlockBasedTableOptions TableOptions(std::shared_ptr<rocksdb::Cache> cache, size_t block_bytes) {
  rocksdb::BlockBasedTableOptions options;
  options.block_cache = std::move(cache);
  options.block_size = block_bytes;
  options.format_version = 5;
  options.checksum = rocksdb::kXXH3;
  // The index lives in the block cache in parts, so that memory does not grow with what is stored.
  options.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  options.cache_index_and_filter_blocks = true;
  options.cache_index_and_filter_blocks_with_high_priority = true;
  options.metadata_block_size = 4 << 10;
  return options;
}

}  // namespace

void WarningLog::Logv(const char* format, va_list arguments) {
  char line[kWarningBytesMax];
  vsnprintf(line, sizeof(line), format, arguments);
  MutexLock lock(&mutex_);
  lines_.emplace_back(line);
  if (lines_.size() > kWarningsMax) lines_.pop_front();
}

void WarningLog::Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) {
  if (level >= rocksdb::InfoLogLevel::WARN_LEVEL && level != rocksdb::InfoLogLevel::HEADER_LEVEL) {
    Logv(format, arguments);
  }
}

std::string WarningLog::Text() const {
  MutexLock lock(&mutex_);
  return absl::StrJoin(lines_, "; ");
}

rocksdb::DBOptions DatabaseOptions(const DatabaseSettings& settings) {
  rocksdb::DBOptions options;
  options.env = settings.env;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.info_log = settings.log;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.listeners = {settings.listener};
  options.max_background_jobs = 2;
  options.max_open_files = settings.open_files;
  // Each part of the table of open files may have one at least, so that many parts would be more than that.
  options.table_cache_numshardbits = 2;
  options.max_file_opening_threads = 1;
  // Replaying this much is what opening costs after a crash.
  options.max_total_wal_size = settings.log_bytes;
  options.bytes_per_sync = kSyncStepBytes;
  // The last record may be torn, since the power went while it was written. Anything else that is damaged is a refusal:
  // it was reported stored.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // What was replayed stays in memory and in the log, so that opening writes little and works on a nearly full disk.
  options.avoid_flush_during_recovery = true;
  options.paranoid_checks = true;
  // A failure is for people to look at; the store decides what becomes of a full disk.
  options.max_bgerror_resume_count = 0;
  options.skip_stats_update_on_db_open = true;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> Families(const DatabaseSettings& settings) {
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(settings.block_cache_bytes, /*num_shard_bits=*/2);

  rocksdb::ColumnFamilyOptions messages;
  messages.write_buffer_size = settings.write_buffer_bytes;
  messages.max_write_buffer_number = 3;
  messages.compression = rocksdb::kLZ4Compression;
  messages.target_file_size_base = kFileBytes;
  messages.compaction_filter_factory = settings.filter;
  messages.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TableOptions(cache, kMessageBlockBytes)));

  rocksdb::ColumnFamilyOptions table;
  // Tables are small beside the messages.
  table.write_buffer_size = settings.table_buffer_bytes;
  table.max_write_buffer_number = 3;
  table.compression = rocksdb::kNoCompression;
  table.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TableOptions(cache, kTableBlockBytes)));

  return {{rocksdb::kDefaultColumnFamilyName, table},
          {"messages", messages},
          {"meta", table},
          {"groups", table},
          {"requests", table},
          {"schedule", table}};
}

}  // namespace nmq::log
