#include "server/audit/audit_log.h"

#include <fcntl.h>
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
// Of a request or a message; what is longer is cut, or left out.
constexpr size_t kTextBytesMax = 2 << 10;

void AppendString(absl::string_view text, std::string* json) {
  json->push_back('"');
  for (const char c : text.substr(0, kTextBytesMax)) {
    const auto byte = static_cast<unsigned char>(c);
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
void AppendField(absl::string_view name, absl::string_view value, std::string* json) {
  if (value.empty()) return;
  absl::StrAppend(json, ",\"", name, "\":");
  AppendString(value, json);
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

}  // namespace

AuditLog::AuditLog(std::string path, const Clock* clock)
    : path_(std::move(path)), clock_(clock), refilled_(clock->Monotonic()) {}

absl::StatusOr<std::unique_ptr<AuditLog>> AuditLog::Open(const std::string& path, const Clock* clock) {
  std::unique_ptr<AuditLog> log(new AuditLog(path, clock));
  const absl::Status status = log->OpenFile();
  if (!status.ok()) return status;
  return log;
}

AuditLog::~AuditLog() {
  writer_.Flush();
  if (file_ > STDERR_FILENO) close(file_);
}

absl::Status AuditLog::OpenFile() {
  if (path_ == kStandardError) {
    file_ = STDERR_FILENO;
    return absl::OkStatus();
  }
  const int opened = open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (opened < 0) return absl::UnavailableError(absl::StrCat(path_, ": ", strerror(errno)));
  if (file_ >= 0) close(file_);
  file_ = opened;
  return absl::OkStatus();
}

void AuditLog::Reopen() {
  writer_.Post([this] {
    const absl::Status status = OpenFile();
    LOG_IF(ERROR, !status.ok()) << "the audit log goes on where it was: " << status.message();
    LOG_IF(INFO, status.ok()) << "opened the audit log " << path_ << " again";
  });
}

bool AuditLog::MayWriteRefusal() {
  const absl::Duration now = clock_->Monotonic();
  const double more = absl::ToDoubleSeconds(now - std::exchange(refilled_, now)) * kRefusalsPerSecond;
  refusals_ = std::min<double>(refusals_ + more, kRefusalsAtOnce);
  if (refusals_ < 1) return false;
  refusals_ -= 1;
  return true;
}

void AuditLog::Add(std::string line, bool refusal) {
  uint64_t untold = 0;
  {
    MutexLock lock(&mu_);
    if (waiting_.load(std::memory_order_relaxed) >= kLinesMax || (refusal && !MayWriteRefusal())) {
      ++untold_;
      left_out_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    untold = std::exchange(untold_, 0);
    waiting_.fetch_add(1, std::memory_order_relaxed);
  }
  writer_.Post([this, untold, line = std::move(line)] {
    if (untold > 0) Write(absl::StrCat(Begin("left_out", clock_->Now()), ",\"lines\":", untold, "}\n"));
    Write(line);
    waiting_.fetch_sub(1, std::memory_order_relaxed);
  });
}

void AuditLog::Write(const std::string& line) {
  absl::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = write(file_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      failed_.fetch_add(1, std::memory_order_relaxed);
      LOG_EVERY_T(ERROR, kSecondsBetweenErrors) << "cannot write to the audit log " << path_ << ": " << strerror(errno);
      return;
    }
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
  Add(line + "}\n", /*refusal=*/true);
}

void AuditLog::Refused(const Call& call, absl::string_view rpc, const absl::Status& why) {
  std::string line = Begin("refused", clock_->Now());
  AppendCaller(call, rpc, &line);
  AppendOutcome(why, &line);
  Add(line + "}\n", /*refusal=*/true);
}

void AuditLog::Administered(const Call& call, const google::protobuf::Message& request, const absl::Status& outcome) {
  std::string line = Begin("admin", clock_->Now());
  AppendCaller(call, RpcOf(call), &line);
  std::string json;
  // Of names, texts and numbers only. One that is too long names its type.
  if (request.ByteSizeLong() <= kTextBytesMax && google::protobuf::util::MessageToJsonString(request, &json).ok()) {
    absl::StrAppend(&line, ",\"request\":", json);
  }
  AppendOutcome(outcome, &line);
  Add(line + "}\n", /*refusal=*/absl::IsPermissionDenied(outcome) || absl::IsUnauthenticated(outcome));
}

}  // namespace nmq
