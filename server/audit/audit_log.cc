#include "server/audit/audit_log.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "base/errors.h"
#include "glog/logging.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/json_util.h"

namespace nmq {
namespace {

constexpr char kStandardError[] = "stderr";
constexpr double kSecondsBetweenErrors = 10;
constexpr int kPatienceMs = 1000;
constexpr absl::Duration kBurst = absl::Seconds(AuditLog::kRefusalsAtOnce / AuditLog::kRefusalsPerSecond);
// Identities that are remembered.
constexpr size_t kIdentitiesMax = 4096;
// Of a text and of a request as they are written. Of what is longer, the beginning and "..." is written.
constexpr size_t kTextBytesMax = 512;
constexpr size_t kRequestBytesMax = 2 << 10;
// A request that comes with more is not looked at.
constexpr size_t kEncodedBytesMax = 64 << 10;

void AppendString(absl::string_view text, size_t bytes_max, std::string* json) {
  const size_t end = json->size() + bytes_max;
  json->push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (json->size() >= end) {
      json->append("...");
      break;
    }
    if (c == '"' || c == '\\') {
      json->push_back('\\');
      json->push_back(c);
    } else if (byte < 0x20 || byte >= 0x7f) {
      absl::StrAppendFormat(json, "\\u%04x", byte);
    } else {
      json->push_back(c);
    }
  }
  json->push_back('"');
}

// Left out if empty.
void AppendField(absl::string_view name, absl::string_view value, std::string* json, size_t bytes_max = kTextBytesMax) {
  if (value.empty()) return;
  absl::StrAppend(json, ",\"", name, "\":");
  AppendString(value, bytes_max, json);
}

// Names, texts and numbers only.
void AppendRequest(const google::protobuf::Message& request, std::string* line) {
  const size_t bytes = request.ByteSizeLong();
  std::string json;
  const bool made = bytes <= kEncodedBytesMax && google::protobuf::util::MessageToJsonString(request, &json).ok();
  if (made && json.size() <= kRequestBytesMax) {
    absl::StrAppend(line, ",\"request\":", json);
    return;
  }
  if (made) AppendField("request_begins", json, line, kRequestBytesMax);
  absl::StrAppend(line, ",\"request_bytes\":", bytes);
}

// The numbers of an answer, such as how many messages went. False if they say that nothing was done.
bool AppendCounts(const google::protobuf::Message& answer, std::string* line) {
  std::string counts;
  bool some = false;
  for (int i = 0; i < answer.GetDescriptor()->field_count(); ++i) {
    const google::protobuf::FieldDescriptor* const field = answer.GetDescriptor()->field(i);
    if (field->is_repeated() || field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_UINT64) continue;
    const uint64_t value = answer.GetReflection()->GetUInt64(answer, field);
    absl::StrAppend(&counts, counts.empty() ? "" : ",", "\"", field->name(), "\":", value);
    some = some || value > 0;
  }
  if (counts.empty()) return true;
  absl::StrAppend(line, ",\"answer\":{", counts, "}");
  return some;
}

// "PurgeQueue", of its request.
absl::string_view RpcOf(const Call& call) {
  if (call.request == nullptr) return "";
  return absl::StripSuffix(call.request()->name(), "Request");
}

// What a line begins with.
std::string Begin(absl::string_view kind, absl::Time time) {
  return absl::StrCat("{\"time\":\"", absl::FormatTime("%Y-%m-%d%ET%H:%M:%E6SZ", time, absl::UTCTimeZone()),
                      "\",\"kind\":\"", kind, "\"");
}

void AppendCaller(const Call& call, absl::string_view rpc, std::string* line) {
  AppendField("rpc", rpc, line);
  AppendField("peer", call.peer, line);
  if (call.principal == nullptr) return;
  AppendField("identity", call.principal->name, line);
  AppendField("token", call.principal->token_id, line);
}

void AppendOutcome(const absl::Status& status, std::string* line) {
  AppendField("outcome", status.ok() ? "OK" : absl::StatusCodeToString(status.code()), line);
  AppendField("reason", ReasonOf(status), line);
  AppendField("message", status.message(), line);
}

std::shared_ptr<TokenBucket> NewBucket() { return std::make_shared<TokenBucket>(AuditLog::kRefusalsPerSecond, kBurst); }

// Whether what is in the file ends within a line.
bool EndsWithinLine(const std::string& path, const struct stat& file) {
  if (!S_ISREG(file.st_mode) || file.st_size == 0) return false;
  const int opened = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (opened < 0) return false;
  char last = '\n';
  const bool read = pread(opened, &last, 1, file.st_size - 1) == 1;
  close(opened);
  return read && last != '\n';
}

}  // namespace

AuditLog::AuditLog(std::string path, const Clock* clock)
    : path_(std::move(path)), clock_(clock), strangers_(NewBucket()), identities_(kIdentitiesMax) {}

absl::StatusOr<std::unique_ptr<AuditLog>> AuditLog::Open(const std::string& path, const Clock* clock) {
  std::unique_ptr<AuditLog> log(new AuditLog(path, clock));
  const absl::Status status = log->OpenFile();
  if (!status.ok()) return status;
  return log;
}

AuditLog::~AuditLog() {
  writer_.Flush();
  TellLeftOut();
  writer_.Flush();
  if (file_ > STDERR_FILENO) close(file_);
}

absl::Status AuditLog::OpenFile() {
  if (path_ == kStandardError) {
    file_ = STDERR_FILENO;
    return absl::OkStatus();
  }
  // One that waits for a reader would keep nmqd waiting, too.
  constexpr char kNoFile[] = " is neither a regular file nor a character device; name one that is";
  const int opened =
      open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
  if (opened < 0 && errno == ENXIO) return absl::UnavailableError(path_ + kNoFile);
  if (opened < 0) return absl::UnavailableError(absl::StrCat(path_, ": ", strerror(errno)));
  struct stat file = {};
  if (fstat(opened, &file) != 0 || !(S_ISREG(file.st_mode) || S_ISCHR(file.st_mode))) {
    close(opened);
    return absl::UnavailableError(path_ + kNoFile);
  }
  if (file_ >= 0) close(file_);
  file_ = opened;
  within_line_ = EndsWithinLine(path_, file);
  return absl::OkStatus();
}

void AuditLog::Reopen() {
  writer_.Post([this] {
    const absl::Status status = OpenFile();
    LOG_IF(ERROR, !status.ok()) << "the audit log goes on where it was: " << status.message();
    LOG_IF(INFO, status.ok()) << "opened the audit log " << path_ << " again";
  });
}

std::string AuditLog::LeftOut(uint64_t lines) const {
  return absl::StrCat(Begin("left_out", clock_->Now()), ",\"lines\":", lines, "}\n");
}

void AuditLog::Add(std::string line, TokenBucket* bucket) {
  uint64_t untold = 0;
  const absl::Duration now = clock_->Monotonic();
  {
    MutexLock lock(&mu_);
    const bool too_many = bucket != nullptr && bucket->WaitFor(1, now) > absl::ZeroDuration();
    if (too_many || waiting_.load(std::memory_order_relaxed) >= kLinesMax) {
      ++untold_;
      left_out_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    if (bucket != nullptr) bucket->Take(1);
    untold = std::exchange(untold_, 0);
    waiting_.fetch_add(1, std::memory_order_relaxed);
  }
  writer_.Post([this, untold, line = std::move(line)] {
    if (untold > 0) Write(LeftOut(untold));
    Write(line);
    waiting_.fetch_sub(1, std::memory_order_relaxed);
  });
}

void AuditLog::AddBounded(std::string line, const Call& call) {
  const std::shared_ptr<TokenBucket> bucket =
      call.principal == nullptr ? strangers_ : identities_.Of(call.principal->name, NewBucket);
  Add(std::move(line), bucket.get());
}

void AuditLog::TellLeftOut() {
  uint64_t untold = 0;
  {
    MutexLock lock(&mu_);
    if (untold_ == 0 || waiting_.load(std::memory_order_relaxed) >= kLinesMax) return;
    untold = std::exchange(untold_, 0);
    waiting_.fetch_add(1, std::memory_order_relaxed);
  }
  writer_.Post([this, untold] {
    Write(LeftOut(untold));
    waiting_.fetch_sub(1, std::memory_order_relaxed);
  });
}

bool AuditLog::MayWrite() {
  pollfd file = {.fd = file_, .events = POLLOUT, .revents = 0};
  int ready = -1;
  do {
    ready = poll(&file, 1, stalled_ ? 0 : kPatienceMs);
  } while (ready < 0 && errno == EINTR);
  stalled_ = ready == 0;
  if (stalled_) errno = ETIMEDOUT;
  return ready > 0;
}

void AuditLog::Write(const std::string& line) {
  const std::string text = within_line_ ? "\n" + line : line;
  absl::string_view rest = text;
  while (!rest.empty()) {
    // What may be written to a pipe at all takes this much.
    const ssize_t written = MayWrite() ? write(file_, rest.data(), std::min<size_t>(rest.size(), PIPE_BUF)) : -1;
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      failed_.fetch_add(1, std::memory_order_relaxed);
      // The log goes there, too.
      if (path_ == kStandardError) return;
      LOG_EVERY_T(ERROR, kSecondsBetweenErrors) << "cannot write to the audit log " << path_ << ": " << strerror(errno);
      return;
    }
    within_line_ = rest[static_cast<size_t>(written) - 1] != '\n';
    rest.remove_prefix(static_cast<size_t>(written));
  }
}

void AuditLog::Refused(const Call& call, const Named& what, const absl::Status& why) {
  std::string line = Begin("refused", clock_->Now());
  AppendCaller(call, RpcOf(call), &line);
  AppendField("right", NameOf(call.right), &line);
  AppendField("namespace", what.name_space.empty() ? kAllOfThem : what.name_space, &line);
  AppendField("queue", what.queue, &line);
  AppendField("room", what.room, &line);
  AppendOutcome(why, &line);
  AddBounded(line + "}\n", call);
}

void AuditLog::Refused(const Call& call, absl::string_view path, const absl::Status& why) {
  std::string line = Begin("refused", clock_->Now());
  AppendCaller(call, path.substr(path.rfind('/') + 1), &line);
  AppendOutcome(why, &line);
  AddBounded(line + "}\n", call);
}

void AuditLog::Administered(const Call& call, const Administration& what, const absl::Status& outcome) {
  std::string line = Begin("admin", clock_->Now());
  AppendCaller(call, RpcOf(call), &line);
  AppendField("namespace", what.name_space, &line);
  AppendRequest(what.request, &line);
  const bool changed = outcome.ok() && AppendCounts(what.answer, &line);
  AppendOutcome(outcome, &line);
  line.append("}\n");
  if (changed) return Add(std::move(line), /*bucket=*/nullptr);
  AddBounded(std::move(line), call);
}

}  // namespace nmq
