#include "server/queue/storage.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/errors.h"

namespace nmq::broker {
namespace {

constexpr char kKeyKey[] = "key";
constexpr size_t kKeyBytes = 32;

absl::string_view NameOf(nmq::v1::Durability durability) {
  if (durability == nmq::v1::DURABILITY_LIVE) return "live";
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
    log::Batch batch;
    batch.Put(log::Table::kMeta, kKeyKey, made);
    absl::Status status = store_->Write(&batch, log::Sync::kYes);
    if (!status.ok()) return status;
    key = std::move(made);
  }
  if (!key.ok()) return key.status();
  key_ = *std::move(key);

  MutexLock changing(&changing_mu_);
  absl::Status status = LoadRecords();
  if (status.ok() && !store_->loss().ok()) status = SettleLoss();
  if (status.ok()) status = DeleteMarked(store_.get());
  return status;
}

absl::Status Storage::LoadRecords() {
  const absl::StatusOr<uint64_t> last_number = ReadLastNumber(*store_);
  if (!last_number.ok()) return last_number.status();
  absl::StatusOr<QueueRecords> queues = ReadQueues(*store_);
  if (!queues.ok()) return queues.status();
  absl::StatusOr<NamespaceRecords> namespaces = ReadNamespaces(*store_);
  if (!namespaces.ok()) return namespaces.status();
  last_number_ = *last_number;
  for (const auto& [path, queue] : *queues) last_number_ = std::max(last_number_, queue.number());
  MutexLock lock(&mu_);
  queues_ = *std::move(queues);
  namespaces_ = *std::move(namespaces);
  return absl::OkStatus();
}

void Storage::GiveNumber(storage::v1::Queue* queue) {
  queue->set_number(++last_number_);
  queue->set_epoch(NewEpoch(queue->number()));
}

uint64_t Storage::NewEpoch(uint64_t number) const {
  return static_cast<uint64_t>(std::max<int64_t>(1, absl::ToUnixMicros(clock_->Now()))) + number;
}

std::optional<storage::v1::Queue> Storage::Find(const std::string& path) const {
  MutexLock lock(&mu_);
  const auto found = queues_.find(path);
  if (found == queues_.end()) return std::nullopt;
  return found->second;
}

absl::Status Storage::PutQueue(const std::string& path, const storage::v1::Queue& queue) {
  log::Batch batch;
  AddQueue(path, queue, &batch);
  absl::Status status = store_->Write(&batch, log::Sync::kYes);
  if (!status.ok()) return WithContext(status, absl::StrCat("queue ", Quote(path)));
  MutexLock lock(&mu_);
  queues_[path] = queue;
  return absl::OkStatus();
}

absl::StatusOr<std::optional<QueueOnDisk>> Storage::MakeQueue(const std::string& name_space,
                                                              const QueueConfig& config) {
  MutexLock changing(&changing_mu_);
  const std::string path = QueuePath(name_space, config.name);
  storage::v1::Queue queue;
  SetPolicy(config, &queue);
  if (const auto found = Find(path); found.has_value()) {
    return absl::AlreadyExistsError(absl::StrCat("queue ", Quote(path), " is in the data directory, ",
                                                 NameOf(found->durability()),
                                                 ", though nothing declares it; declare it, or delete it first"));
  }
  const bool live = config.durability == nmq::v1::DURABILITY_LIVE;
  if (!live) GiveNumber(&queue);
  absl::Status status = PutQueue(path, queue);
  if (!status.ok()) return status;
  if (live) return std::nullopt;
  auto opened = OpenNow(name_space, config.name, config.durability, /*by_group=*/false);
  if (!opened.ok()) return opened.status();
  return *std::move(opened);
}

absl::Status Storage::ChangeQueue(const std::string& name_space, const QueueConfig& config) {
  MutexLock changing(&changing_mu_);
  const std::string path = QueuePath(name_space, config.name);
  std::optional<storage::v1::Queue> queue = Find(path);
  if (!queue.has_value()) return absl::OkStatus();  // nothing of it is kept
  SetPolicy(config, &*queue);
  return PutQueue(path, *queue);
}

std::vector<QueueConfig> Storage::MadeQueues(const std::string& name_space) const {
  std::vector<QueueConfig> configs;
  const std::string prefix = QueuePath(name_space, "");
  MutexLock lock(&mu_);
  for (const auto& [path, queue] : queues_) {
    if (!queue.made_by_admin() || !absl::StartsWith(path, prefix)) continue;
    configs.push_back(PolicyOf(path.substr(prefix.size()), queue));
  }
  std::sort(configs.begin(), configs.end(), [](const QueueConfig& a, const QueueConfig& b) { return a.name < b.name; });
  return configs;
}

absl::Status Storage::PutNamespace(const NamespaceConfig& config) {
  MutexLock changing(&changing_mu_);
  storage::v1::Namespace name_space;
  name_space.set_automatic_queues(config.automatic_queues);
  log::Batch batch;
  AddNamespace(config.name, name_space, &batch);
  absl::Status status = store_->Write(&batch, log::Sync::kYes);
  if (!status.ok()) return WithContext(status, absl::StrCat("namespace ", Quote(config.name)));
  MutexLock lock(&mu_);
  namespaces_[config.name] = std::move(name_space);
  return absl::OkStatus();
}

std::vector<NamespaceConfig> Storage::MadeNamespaces(const std::vector<NamespaceConfig>& declared) const {
  std::vector<NamespaceConfig> configs;
  MutexLock lock(&mu_);
  for (const auto& [name, name_space] : namespaces_) {
    const std::string& path = name;
    if (std::any_of(declared.begin(), declared.end(), [&](const NamespaceConfig& one) { return one.name == path; })) {
      continue;
    }
    NamespaceConfig& config = configs.emplace_back();
    config.name = name;
    config.automatic_queues = name_space.automatic_queues();
  }
  std::sort(configs.begin(), configs.end(),
            [](const NamespaceConfig& a, const NamespaceConfig& b) { return a.name < b.name; });
  return configs;
}

absl::Status Storage::DeletePaths(const std::vector<std::string>& paths, log::Batch* batch) {
  for (const std::string& path : paths) {
    RemoveQueue(path, batch);
    const std::optional<storage::v1::Queue> queue = Find(path);
    const bool live = !queue.has_value() || queue->number() == 0;  // nothing of it is there
    if (!live) AddDeletion(queue->number(), batch);
  }
  AddLastNumber(last_number_, batch);
  absl::Status status = store_->Write(batch, log::Sync::kYes);
  if (!status.ok()) return status;
  MutexLock lock(&mu_);
  for (const std::string& path : paths) {
    queues_.erase(path);
    opened_.erase(path);
  }
  return absl::OkStatus();
}

absl::Status Storage::DeleteQueue(const std::string& name_space, const std::string& name) {
  MutexLock changing(&changing_mu_);
  const std::string path = QueuePath(name_space, name);
  if (!Find(path).has_value()) {
    return absl::NotFoundError(absl::StrCat("queue ", Quote(path), " is not in the data directory"));
  }
  log::Batch batch;
  absl::Status status = DeletePaths({path}, &batch);
  if (!status.ok()) return WithContext(status, absl::StrCat("queue ", Quote(path)));
  return DeleteMarked(store_.get());
}

absl::Status Storage::DeleteNamespace(const std::string& name) {
  MutexLock changing(&changing_mu_);
  std::vector<std::string> paths;
  {
    MutexLock lock(&mu_);
    for (const auto& [path, queue] : queues_) {
      if (absl::StartsWith(path, QueuePath(name, ""))) paths.push_back(path);
    }
  }
  log::Batch batch;
  RemoveNamespace(name, &batch);
  absl::Status status = DeletePaths(paths, &batch);
  if (!status.ok()) return WithContext(status, absl::StrCat("namespace ", Quote(name)));
  {
    MutexLock lock(&mu_);
    namespaces_.erase(name);
  }
  return DeleteMarked(store_.get());
}

absl::StatusOr<QueueOnDisk> Storage::OpenQueue(const std::string& name_space, const std::string& name,
                                               nmq::v1::Durability durability) {
  MutexLock changing(&changing_mu_);
  return OpenNow(name_space, name, durability, /*by_group=*/false);
}

absl::StatusOr<QueueOnDisk> Storage::OpenDeadLetterQueue(const std::string& name_space, const std::string& name) {
  MutexLock changing(&changing_mu_);
  return OpenNow(name_space, name, nmq::v1::DURABILITY_DURABLE, /*by_group=*/true);
}

std::vector<std::string> Storage::UnopenedDeadLetterQueues(const std::string& name_space) const {
  std::vector<std::string> names;
  const std::string prefix = QueuePath(name_space, "");
  MutexLock lock(&mu_);
  for (const auto& [path, queue] : queues_) {
    if (queue.made_by_group() && !opened_.contains(path) && absl::StartsWith(path, prefix)) {
      names.push_back(path.substr(prefix.size()));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<QueueOnDisk> Storage::OpenNow(const std::string& name_space, const std::string& name,
                                             nmq::v1::Durability durability, bool by_group) {
  const std::string path = QueuePath(name_space, name);
  std::optional<storage::v1::Queue> queue = Find(path);
  // Of a live queue nothing is there.
  if (!queue.has_value() || queue->durability() == nmq::v1::DURABILITY_LIVE) {
    queue.emplace();
    GiveNumber(&*queue);
    queue->set_durability(durability);
    queue->set_made_by_group(by_group);
    absl::Status status = PutQueue(path, *queue);
    if (!status.ok()) return status;
  }
  if (queue->durability() != durability) {
    return FailedPrecondition(
        "OTHER_DURABILITY",
        absl::StrCat("queue ", Quote(path), " was made ", NameOf(queue->durability()), " and cannot become ",
                     NameOf(durability), "; give it another name, or delete it first"),
        {{"queue", name}, {"namespace", name_space}});
  }
  auto extent = store_->FindExtent(queue->number());
  if (!extent.ok()) return WithContext(extent.status(), absl::StrCat("queue ", Quote(path)));
  QueueOnDisk disk;
  disk.log = &log_;
  disk.number = queue->number();
  disk.epoch = queue->epoch();
  for (const storage::v1::PastEpoch& past : queue->past_epochs()) {
    disk.past_epochs.push_back({past.epoch(), past.end()});
  }
  disk.lost = lost_ && !disk.past_epochs.empty();
  disk.sync = durability != nmq::v1::DURABILITY_BUFFERED;
  disk.extent = *extent;
  MutexLock lock(&mu_);
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
  MutexLock changing(&changing_mu_);
  std::vector<std::pair<std::string, nmq::v1::Durability>> made;
  {
    MutexLock lock(&mu_);
    for (const auto& [path, queue] : queues_) {
      const bool live = queue.durability() == nmq::v1::DURABILITY_LIVE;
      if (queue.made_by_admin() && !live && !opened_.contains(path)) made.emplace_back(path, queue.durability());
    }
  }
  for (const auto& [path, durability] : made) {
    const std::vector<std::string> names = absl::StrSplit(path, '/');
    auto opened = OpenNow(names[0], names[1], durability, /*by_group=*/false);
    if (!opened.ok()) return opened.status();
  }
  return absl::OkStatus();
}

absl::StatusOr<QueueOnDisk> Storage::Opened(const std::string& name_space, const std::string& name) const {
  const std::string path = QueuePath(name_space, name);
  MutexLock lock(&mu_);
  const auto found = opened_.find(path);
  if (found != opened_.end()) return found->second;
  return absl::NotFoundError(absl::StrCat("queue ", Quote(path), " is not open"));
}

std::vector<std::string> Storage::UnopenedQueues() const {
  std::vector<std::string> names;
  MutexLock lock(&mu_);
  for (const auto& [path, queue] : queues_) {
    if (!opened_.contains(path) && !queue.made_by_group() && !queue.made_by_admin()) names.push_back(path);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace nmq::broker
