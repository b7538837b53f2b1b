#include "server/log/sync_marks.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "server/log/crc32c.h"
#include "server/log/little_endian.h"
#include "server/log/log_check.h"

namespace nmq::log {
namespace {

constexpr absl::Duration kEvery = absl::Milliseconds(500);

// A mark: these bytes, its generation (8), how many logs (4), a checksum of all the rest (4), and of each log the
// number and the change (8 each). Numbers are little-endian.
constexpr absl::string_view kMagic = "nmqsync1";
constexpr size_t kGenerationAt = 8;
constexpr size_t kCountAt = 16;
constexpr size_t kChecksumAt = 20;
constexpr size_t kLogsAt = 24;
constexpr size_t kLogBytes = 16;
static_assert(kLogsAt + kSyncMarkLogsMax * kLogBytes <= kSyncMarkBytes);

uint32_t ChecksumOf(absl::string_view mark) {
  return MaskedCrc32c(absl::StrCat(mark.substr(0, kChecksumAt), mark.substr(kLogsAt)));
}

std::optional<SyncMark> Decode(absl::string_view bytes) {
  if (bytes.size() != kSyncMarkBytes || !absl::StartsWith(bytes, kMagic)) return std::nullopt;
  const uint64_t count = GetLittle<uint32_t>(&bytes[kCountAt]);
  if (count > kSyncMarkLogsMax || GetLittle<uint32_t>(&bytes[kChecksumAt]) != ChecksumOf(bytes)) return std::nullopt;
  SyncMark mark;
  mark.generation = GetLittle<uint64_t>(&bytes[kGenerationAt]);
  for (size_t i = 0; i < count; ++i) {
    const size_t at = kLogsAt + i * kLogBytes;
    mark.logs.push_back({GetLittle<uint64_t>(&bytes[at]), GetLittle<uint64_t>(&bytes[at + 8])});
  }
  return mark;
}

}  // namespace

std::string EncodeSyncMark(const SyncMark& mark) {
  std::string bytes(kSyncMarkBytes, '\0');
  const size_t count = std::min(mark.logs.size(), kSyncMarkLogsMax);
  std::copy(kMagic.begin(), kMagic.end(), bytes.begin());
  PutLittle(mark.generation, &bytes[kGenerationAt]);
  PutLittle(static_cast<uint32_t>(count), &bytes[kCountAt]);
  for (size_t i = 0; i < count; ++i) {
    const SyncMark::Log& log = mark.logs[mark.logs.size() - count + i];
    PutLittle(log.number, &bytes[kLogsAt + i * kLogBytes]);
    PutLittle(log.change, &bytes[kLogsAt + i * kLogBytes + 8]);
  }
  PutLittle(ChecksumOf(bytes), &bytes[kChecksumAt]);
  return bytes;
}

std::optional<SyncMark> DecodeSyncMarks(absl::string_view content) {
  if (content.size() != 2 * kSyncMarkBytes) return std::nullopt;
  const std::optional<SyncMark> first = Decode(content.substr(0, kSyncMarkBytes));
  const std::optional<SyncMark> second = Decode(content.substr(kSyncMarkBytes));
  if (!first.has_value() || (second.has_value() && second->generation > first->generation)) return second;
  return first;
}

rocksdb::Status ListLogs(const std::string& directory, rocksdb::Env* env, std::vector<LogFile>* logs) {
  std::vector<std::string> names;
  const rocksdb::Status status = env->GetChildren(directory, &names);
  for (std::string& name : names) {
    absl::string_view digits = name;
    uint64_t number;
    if (absl::ConsumeSuffix(&digits, ".log") && absl::SimpleAtoi(digits, &number)) {
      logs->push_back({number, std::move(name)});
    }
  }
  std::sort(logs->begin(), logs->end(), [](const LogFile& a, const LogFile& b) { return a.number < b.number; });
  return status;
}

SyncMarks::SyncMarks(std::string directory, rocksdb::Env* env) : directory_(std::move(directory)), env_(env) {}

SyncMarks::~SyncMarks() {
  {
    MutexLock lock(&mu_);
    stop_ = true;
  }
  changed_.SignalAll();
  if (thread_.joinable()) thread_.join();
}

rocksdb::Status SyncMarks::Load(std::optional<SyncMark>* mark) {
  mark->reset();
  std::string content;
  const rocksdb::Status status =
      rocksdb::ReadFileToString(env_, absl::StrCat(directory_, "/", kSyncMarkFile), &content);
  if (status.IsNotFound() || status.IsPathNotFound()) return rocksdb::Status::OK();
  if (!status.ok()) return status;
  *mark = DecodeSyncMarks(content);
  if (!mark->has_value()) return rocksdb::Status::Corruption(kSyncMarkFile, "none of its two marks is whole");
  MutexLock lock(&mu_);
  generation_ = (*mark)->generation;
  return rocksdb::Status::OK();
}

void SyncMarks::Start(std::map<uint64_t, uint64_t> finished) {
  MutexLock lock(&mu_);
  finished_ = std::move(finished);
  if (started_) return;
  started_ = true;
  thread_ = std::thread([this] { Run(); });
}

void SyncMarks::Note(uint64_t change) {
  uint64_t before = synced_.load(std::memory_order_relaxed);
  while (before < change && !synced_.compare_exchange_weak(before, change, std::memory_order_release)) continue;
}

void SyncMarks::Run() {
  bool told = false;
  while (true) {
    const rocksdb::Status status = Write();
    if (!status.ok() && !told) {
      LOG(WARNING) << "store in \"" << directory_
                   << "\": cannot note what is synced, so that its loss would not be seen; "
                   << "tries again: " << status.ToString();
    }
    told = !status.ok();
    MutexLock lock(&mu_);
    if (!stop_) changed_.WaitWithTimeout(&mu_, kEvery);
    if (stop_) return;
  }
}

rocksdb::Status SyncMarks::Write() {
  MutexLock lock(&mu_);
  const uint64_t synced = noted();
  if (!started_ || marked_ == synced) return rocksdb::Status::OK();
  SyncMark mark;
  mark.generation = generation_ + 1;
  rocksdb::Status status = Gather(synced, &mark.logs);
  if (status.ok()) status = Put(mark);
  if (!status.ok()) return status;
  generation_ = mark.generation;
  marked_ = synced;
  return status;
}

// All logs that have such changes are there, but for those that the database no longer needs: they may go meanwhile,
// and what is said of those before them does not count then.
rocksdb::Status SyncMarks::Gather(uint64_t synced, std::vector<SyncMark::Log>* logs) {
  std::vector<LogFile> files;
  rocksdb::Status status = ListLogs(directory_, env_, &files);
  uint64_t after = synced + 1;  // the first change that is in a later log, or not synced
  for (auto log = files.rbegin(); log != files.rend() && status.ok(); ++log) {
    uint64_t first;
    status = FindFirst(*log, &first);
    if (!status.ok() || first == 0 || first >= after) continue;
    uint64_t last = after - 1;
    after = first;
    const auto finished = finished_.find(log->number);
    if (finished != finished_.end()) last = std::min(last, finished->second);
    if (last >= first) logs->insert(logs->begin(), {log->number, last});
  }
  if (!files.empty()) firsts_.erase(firsts_.begin(), firsts_.lower_bound(files.front().number));
  return status;
}

rocksdb::Status SyncMarks::FindFirst(const LogFile& log, uint64_t* change) {
  *change = 0;
  if (const auto known = firsts_.find(log.number); known != firsts_.end()) {
    *change = known->second;
    return rocksdb::Status::OK();
  }
  std::unique_ptr<rocksdb::SequentialFile> file;
  rocksdb::Status status =
      env_->NewSequentialFile(absl::StrCat(directory_, "/", log.name), &file, rocksdb::EnvOptions());
  if (status.IsNotFound() || status.IsPathNotFound()) return rocksdb::Status::OK();  // went meanwhile
  char buffer[kLogStartBytes];
  rocksdb::Slice start;
  if (status.ok()) status = file->Read(sizeof(buffer), &start, buffer);
  if (!status.ok()) return status;
  const std::optional<uint64_t> first = FirstChange(absl::string_view(start.data(), start.size()));
  if (!first.has_value()) return rocksdb::Status::OK();
  firsts_[log.number] = *first;
  *change = *first;
  return rocksdb::Status::OK();
}

rocksdb::Status SyncMarks::Put(const SyncMark& mark) {
  const std::string bytes = EncodeSyncMark(mark);
  const std::string path = absl::StrCat(directory_, "/", kSyncMarkFile);
  const size_t at = mark.generation % 2 * kSyncMarkBytes;
  rocksdb::Status status;
  if (file_ == nullptr && !env_->FileExists(path).ok()) {
    std::string content(2 * kSyncMarkBytes, '\0');
    content.replace(at, bytes.size(), bytes);
    status = MakeFile(content);
    if (!status.ok()) return status;
  }
  if (file_ == nullptr) status = env_->NewRandomRWFile(path, &file_, rocksdb::EnvOptions());
  if (status.ok()) status = file_->Write(at, bytes);
  return status.ok() ? file_->Sync() : status;
}

rocksdb::Status SyncMarks::MakeFile(const std::string& content) {
  const std::string path = absl::StrCat(directory_, "/", kSyncMarkFile);
  rocksdb::Status status = rocksdb::WriteStringToFile(env_, content, path + ".new", /*should_sync=*/true);
  if (status.ok()) status = env_->RenameFile(path + ".new", path);
  std::unique_ptr<rocksdb::Directory> entries;
  if (status.ok()) status = env_->NewDirectory(directory_, &entries);
  return status.ok() ? entries->Fsync() : status;
}

}  // namespace nmq::log
