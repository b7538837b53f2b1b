#include "server/log/batch.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/log/store_format.h"

namespace nmq::log {
namespace {

Batch::Operation InTable(Batch::Kind kind, Table table, size_t key_bytes, size_t value_bytes) {
  Batch::Operation operation;
  operation.kind = kind;
  operation.table = table;
  operation.key_bytes = key_bytes;
  operation.value_bytes = value_bytes;
  return operation;
}

}  // namespace

void Batch::Append(uint64_t queue, const StoredMessage& message) {
  if (message.audience.size() > UINT32_MAX || message.entry.size() > UINT32_MAX) {
    error_ = InvalidArgument("message", absl::StrCat("an entry of ", message.entry.size(), " bytes or an audience of ",
                                                     message.audience.size(), " bytes exceeds 4294967295"));
    return;
  }
  Operation operation;
  operation.kind = Kind::kAppend;
  operation.queue = queue;
  operation.sequence = message.sequence;
  operation.time_us = message.time_us;
  operation.cost = message.entry.size() + message.audience.size() + kBookkeepingBytes;
  operation.value_bytes = kMessageHeaderBytes + message.audience.size() + message.entry.size();
  operations_.push_back(operation);
  AppendMessageValue({0, message.time_us, message.stamp, message.audience, message.entry}, &texts_);
  appends_ = true;
}

void Batch::Put(Table table, absl::string_view key, absl::string_view value) {
  if (key.empty() || key.size() > kKeyBytesMax) {
    error_ = InvalidArgument("key", absl::StrCat(key.size(), " bytes; it must have 1 to ", kKeyBytesMax));
    return;
  }
  operations_.push_back(InTable(Kind::kPut, table, key.size(), value.size()));
  absl::StrAppend(&texts_, key, value);
}

void Batch::Delete(Table table, absl::string_view key) {
  operations_.push_back(InTable(Kind::kDelete, table, key.size(), 0));
  absl::StrAppend(&texts_, key);
}

void Batch::DeletePrefix(Table table, absl::string_view prefix) {
  operations_.push_back(InTable(Kind::kDeletePrefix, table, prefix.size(), 0));
  absl::StrAppend(&texts_, prefix);
}

void Batch::DeleteRange(Table table, absl::string_view from, absl::string_view to) {
  if (from.empty() || from >= to || std::max(from.size(), to.size()) > kKeyBytesMax) {
    error_ = InvalidArgument(
        "key", absl::StrCat("a range from ", from.size(), " to ", to.size(), " bytes; both must have 1 to ",
                            kKeyBytesMax, ", and the first must be less"));
    return;
  }
  operations_.push_back(InTable(Kind::kDeleteRange, table, from.size(), to.size()));
  absl::StrAppend(&texts_, from, to);
}

void Batch::Clear() {
  operations_.clear();
  texts_.clear();
  appends_ = false;
  error_ = absl::OkStatus();
}

}  // namespace nmq::log
