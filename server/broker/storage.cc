#include "server/broker/storage.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/errors.h"

namespace nmq::broker {
namespace {

constexpr char kKeyKey[] = "key";
constexpr char kQueuePrefix[] = "queue/";
constexpr char kQueuePrefixEnd[] = "queue0";  // '0' follows '/'
constexpr size_t kKeyBytes = 32;

std::string PathOf(const std::string& name_space, const std::string& name) {
  return absl::StrCat(name_space, "/", name);
}

absl::string_view NameOf(nmq::v1::Durability durability) {
  return durability == nmq::v1::DURABILITY_BUFFERED ? "buffered" : "durable";
}

}  // namespace

absl::StatusOr<std::unique_ptr<Storage>> Storage::Open(const log::Store::Options& options, const Clock* clock,
                                                       Random* random) {
  auto store = log::Store::Open(options);
  if (!store.ok()) return store.status();
  std::unique_ptr<Storage> storage(new Storage(*std::move(store), clock));
  absl::Status status = storage->Load(random);
  if (!status.ok()) return status;
  return storage;
}

absl::Status Storage::Load(Random* random) {
  auto key = store_->Get(log::Table::kMeta, kKeyKey);
  if (absl::IsNotFound(key.status())) {
    std::string made(kKeyBytes, '\0');
    random->Fill(absl::MakeSpan(reinterpret_cast<uint8_t*>(made.data()), made.size()));
    log::Store::Batch batch;
    batch.Put(log::Table::kMeta, kKeyKey, made);
    absl::Status status = store_->Write(&batch, log::Store::Sync::kYes);
    if (!status.ok()) return status;
    key = std::move(made);
  }
  if (!key.ok()) return key.status();
  key_ = *std::move(key);

  MutexLock lock(&mu_);
  bool readable = true;
  absl::Status status =
      store_->Scan(log::Table::kMeta, kQueuePrefix, kQueuePrefixEnd,
                   [&](absl::string_view path, absl::string_view value) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
                     storage::v1::Queue queue;
                     readable = queue.ParseFromArray(value.data(), static_cast<int>(value.size()));
                     last_number_ = std::max(last_number_, queue.number());
                     queues_[absl::StripPrefix(path, kQueuePrefix)] = std::move(queue);
                     return readable;
                   });
  if (status.ok() && !readable) {
    return absl::DataLossError("the list of queues in the data directory is damaged; restore it from a backup");
  }
  return status;
}

absl::StatusOr<QueueOnDisk> Storage::OpenQueue(const std::string& name_space, const std::string& name,
                                               nmq::v1::Durability durability) {
  MutexLock lock(&mu_);
  return OpenQueueLocked(name_space, name, durability, /*by_group=*/false);
}

absl::StatusOr<QueueOnDisk> Storage::OpenDeadLetterQueue(const std::string& name_space, const std::string& name) {
  MutexLock lock(&mu_);
  return OpenQueueLocked(name_space, name, nmq::v1::DURABILITY_DURABLE, /*by_group=*/true);
}

std::vector<std::string> Storage::UnopenedDeadLetterQueues(const std::string& name_space) const {
  std::vector<std::string> names;
  MutexLock lock(&mu_);
  for (const auto& [path, queue] : queues_) {
    const std::string prefix = name_space + "/";
    if (queue.made_by_group() && !opened_.contains(path) && absl::StartsWith(path, prefix)) {
      names.push_back(path.substr(prefix.size()));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<QueueOnDisk> Storage::OpenQueueLocked(const std::string& name_space, const std::string& name,
                                                     nmq::v1::Durability durability, bool by_group) {
  const std::string path = PathOf(name_space, name);
  auto it = queues_.find(path);
  if (it == queues_.end()) {
    storage::v1::Queue made;
    made.set_number(last_number_ + 1);
    made.set_epoch(static_cast<uint64_t>(std::max<int64_t>(1, absl::ToUnixMicros(clock_->Now()))) + made.number());
    made.set_durability(durability);
    made.set_made_by_group(by_group);
    log::Store::Batch batch;
    batch.Put(log::Table::kMeta, absl::StrCat(kQueuePrefix, path), made.SerializeAsString());
    absl::Status status = store_->Write(&batch, log::Store::Sync::kYes);
    if (!status.ok()) return WithContext(status, absl::StrCat("queue ", Quote(path)));
    last_number_ = made.number();
    it = queues_.emplace(path, std::move(made)).first;
  }
  if (it->second.durability() != durability) {
    return FailedPrecondition(
        "OTHER_DURABILITY",
        absl::StrCat("queue ", Quote(path), " was made ", NameOf(it->second.durability()), " and cannot become ",
                     NameOf(durability), "; give it another name, or delete it first"),
        {{"queue", name}, {"namespace", name_space}});
  }
  auto extent = store_->FindExtent(it->second.number());
  if (!extent.ok()) return WithContext(extent.status(), absl::StrCat("queue ", Quote(path)));
  QueueOnDisk disk;
  disk.store = store_.get();
  disk.reader = &reader_;
  disk.number = it->second.number();
  disk.epoch = it->second.epoch();
  disk.sync = durability != nmq::v1::DURABILITY_BUFFERED;
  disk.extent = *extent;
  opened_[path] = disk;
  return disk;
}

absl::Status Storage::OpenQueues(const ServerConfig& config) {
  for (const NamespaceConfig& name_space : config.namespaces) {
    for (const QueueConfig& queue : name_space.queues) {
      if (queue.durability == nmq::v1::DURABILITY_LIVE) continue;
      auto opened = OpenQueue(name_space.name, queue.name, queue.durability);
      if (!opened.ok()) return opened.status();
    }
  }
  return absl::OkStatus();
}

QueueOnDisk Storage::Opened(const std::string& name_space, const std::string& name) const {
  MutexLock lock(&mu_);
  return opened_.at(PathOf(name_space, name));
}

std::vector<std::string> Storage::UnopenedQueues() const {
  std::vector<std::string> names;
  MutexLock lock(&mu_);
  for (const auto& [path, queue] : queues_) {
    if (!opened_.contains(path) && !queue.made_by_group()) names.push_back(path);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace nmq::broker
