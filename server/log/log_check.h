// A look at RocksDB's logs (the write-ahead logs and the manifests), before RocksDB reads them.
#ifndef NMQ_SERVER_LOG_LOG_CHECK_H_
#define NMQ_SERVER_LOG_LOG_CHECK_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace nmq::log {

// Logs consist of blocks of this size. No part of a record goes beyond its block; a record has as many as it needs.
inline constexpr size_t kLogBlockBytes = 32 << 10;

// RocksDB takes a record that seems to go beyond the end of the file for one that was being written when the power
// went, and forgets it and all after it. That is right only if nothing whole follows: otherwise its length is damaged,
// and what follows was reported stored. Returns the offset of such a record in `block`, the last block of a log.
std::optional<size_t> FindDamagedLength(absl::string_view block);

// Of the changes in a write-ahead log: the number of the first, from the log's first bytes; kLogStartBytes of them are
// enough. Each record is some changes, whose numbers rise by one over all logs. Nothing if the log has no record yet.
inline constexpr size_t kLogStartBytes = 19;
std::optional<uint64_t> FirstChange(absl::string_view start);

// Reads a write-ahead log from its beginning, and finds where what is whole ends. Not thread-safe.
class LogScanner {
 public:
  // The next block: kLogBlockBytes, fewer only at the end of the log.
  void Add(absl::string_view block);

  // The number of the last change in the whole records; 0 if there is none.
  uint64_t last_change() const { return last_change_; }
  // Where the last whole record ends. What is behind it is torn.
  uint64_t end() const { return end_; }
  // How much was read.
  uint64_t bytes() const { return bytes_; }
  // Whether another record follows behind one that is not whole. What a crash leaves has none: the log is damaged.
  bool damaged() const { return damaged_; }

 private:
  // A whole part of a record, which ends at the offset `end`.
  void AddPart(uint8_t type, absl::string_view data, uint64_t end);

  uint64_t bytes_ = 0;
  uint64_t end_ = 0;
  uint64_t last_change_ = 0;
  bool in_record_ = false;
  std::string start_;    // of the record: what says which changes it has
  bool broken_ = false;  // a part was not whole
  bool damaged_ = false;
};

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_LOG_CHECK_H_
