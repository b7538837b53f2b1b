#include "server/queue/storage_records.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/proto_time.h"
#include "server/log/store_format.h"

namespace nmq::broker {
namespace {

constexpr log::Table kTable = log::Table::kMeta;

// A kind of records. Their keys are the prefix and a name.
struct Kind {
  absl::string_view prefix;
  absl::string_view end;  // '0' follows '/'
};
constexpr Kind kQueues = {"queue/", "queue0"};
constexpr Kind kNamespaces = {"namespace/", "namespace0"};
constexpr Kind kDeleted = {"deleted/", "deleted0"};  // numbers of queues

constexpr absl::string_view kLastNumberKey = "last_number";

std::string KeyOf(const Kind& kind, absl::string_view name) { return absl::StrCat(kind.prefix, name); }

absl::Status Damaged() {
  return absl::DataLossError("the list of queues in the data directory is damaged; restore it from a backup");
}

template <typename Record>
absl::StatusOr<absl::flat_hash_map<std::string, Record>> ReadAll(const log::Store& store, const Kind& kind) {
  absl::flat_hash_map<std::string, Record> records;
  bool readable = true;
  absl::Status status = store.Scan(kTable, kind.prefix, kind.end, [&](absl::string_view key, absl::string_view value) {
    Record& record = records[absl::StripPrefix(key, kind.prefix)];
    readable = record.ParseFromArray(value.data(), static_cast<int>(value.size()));
    return readable;
  });
  if (!status.ok()) return status;
  if (!readable) return Damaged();
  return records;
}

}  // namespace

std::string QueuePath(absl::string_view name_space, absl::string_view name) {
  return absl::StrCat(name_space, "/", name);
}

void SetPolicy(const QueueConfig& config, storage::v1::Queue* queue) {
  queue->set_durability(config.durability);
  queue->set_made_by_admin(true);
  queue->mutable_events()->Assign(config.events.begin(), config.events.end());
  queue->mutable_retention()->set_bytes(config.retention.bytes);
  queue->mutable_retention()->set_messages(config.retention.messages);
  SetDuration(config.retention.age, queue->mutable_retention()->mutable_age());
}

QueueConfig PolicyOf(absl::string_view name, const storage::v1::Queue& queue) {
  QueueConfig config;
  config.name = std::string(name);
  config.durability = queue.durability();
  config.events.assign(queue.events().begin(), queue.events().end());
  config.retention.bytes = queue.retention().bytes();
  config.retention.messages = queue.retention().messages();
  config.retention.age = ToDuration(queue.retention().age());
  return config;
}

absl::StatusOr<QueueRecords> ReadQueues(const log::Store& store) { return ReadAll<storage::v1::Queue>(store, kQueues); }

absl::StatusOr<NamespaceRecords> ReadNamespaces(const log::Store& store) {
  return ReadAll<storage::v1::Namespace>(store, kNamespaces);
}

absl::StatusOr<uint64_t> ReadLastNumber(const log::Store& store) {
  const absl::StatusOr<std::string> last = store.Get(kTable, kLastNumberKey);
  if (absl::IsNotFound(last.status())) return 0;
  if (!last.ok()) return last.status();
  uint64_t number = 0;
  if (!absl::SimpleAtoi(*last, &number)) return Damaged();
  return number;
}

void AddQueue(absl::string_view path, const storage::v1::Queue& queue, log::Batch* batch) {
  batch->Put(kTable, KeyOf(kQueues, path), queue.SerializeAsString());
}

void AddNamespace(absl::string_view name, const storage::v1::Namespace& name_space, log::Batch* batch) {
  batch->Put(kTable, KeyOf(kNamespaces, name), name_space.SerializeAsString());
}

void AddLastNumber(uint64_t number, log::Batch* batch) { batch->Put(kTable, kLastNumberKey, absl::StrCat(number)); }

void RemoveQueue(absl::string_view path, log::Batch* batch) { batch->Delete(kTable, KeyOf(kQueues, path)); }

void RemoveNamespace(absl::string_view name, log::Batch* batch) { batch->Delete(kTable, KeyOf(kNamespaces, name)); }

void AddDeletion(uint64_t number, log::Batch* batch) {
  for (const log::Table table : kTablesByQueue) batch->DeletePrefix(table, log::BigEndian(number));
  batch->Put(kTable, KeyOf(kDeleted, absl::StrCat(number)), "");
}

absl::Status DeleteMarked(log::Store* store) {
  std::vector<uint64_t> numbers;
  absl::Status status =
      store->Scan(kTable, kDeleted.prefix, kDeleted.end, [&](absl::string_view key, absl::string_view) {
        uint64_t number = 0;
        if (absl::SimpleAtoi(absl::StripPrefix(key, kDeleted.prefix), &number)) numbers.push_back(number);
        return true;
      });
  for (const uint64_t number : numbers) {
    if (!status.ok()) return status;
    status = store->DeleteQueue(number);
    if (!status.ok()) return status;
    log::Batch batch;
    batch.Delete(kTable, KeyOf(kDeleted, absl::StrCat(number)));
    status = store->Write(&batch, log::Sync::kNo);
  }
  return status;
}

}  // namespace nmq::broker
