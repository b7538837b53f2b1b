#include "base/errors.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"

namespace nmq {
namespace {

// Of this, other payloads are not: those are the process's own.
constexpr char kTypeUrlPrefix[] = "type.googleapis.com/";
constexpr size_t kQuotedBytesMax = 64;

bool IsPrintable(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isprint(static_cast<uint8_t>(c)); });
}

// Other languages refuse to parse a proto string that is not UTF-8.
std::string Printable(absl::string_view text) {
  return IsPrintable(text) ? std::string(text.data(), text.size()) : absl::CHexEscape(text);
}

absl::Status Make(absl::StatusCode code, absl::string_view reason, absl::string_view message, ErrorMetadata metadata) {
  google::rpc::ErrorInfo info;
  info.set_domain(kErrorDomain);
  info.set_reason(reason.data(), reason.size());
  for (const auto& [name, value] : metadata) {
    (*info.mutable_metadata())[Printable(name)] = Printable(value);
  }
  absl::Status status(code, message);
  status.SetPayload(kErrorInfoTypeUrl, absl::Cord(info.SerializeAsString()));
  return status;
}

absl::Status AddRetry(absl::Status status, absl::Duration retry_after) {
  if (retry_after <= absl::ZeroDuration()) return status;
  // The longest that google.protobuf.Duration can say.
  retry_after = std::min(retry_after, absl::Seconds(315576000000));
  google::rpc::RetryInfo info;
  absl::Duration rest;
  info.mutable_retry_delay()->set_seconds(absl::IDivDuration(retry_after, absl::Seconds(1), &rest));
  info.mutable_retry_delay()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  status.SetPayload(kRetryInfoTypeUrl, absl::Cord(info.SerializeAsString()));
  return status;
}

// Empty if `status` carries none of ours.
google::rpc::ErrorInfo InfoOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kErrorInfoTypeUrl);
  google::rpc::ErrorInfo info;
  if (!payload.has_value() || !info.ParseFromString(std::string(*payload)) || info.domain() != kErrorDomain) return {};
  return info;
}

}  // namespace

std::string Quote(absl::string_view value) {
  const bool cut = value.size() > kQuotedBytesMax;
  return absl::StrCat("\"", absl::CHexEscape(value.substr(0, kQuotedBytesMax)), cut ? "...\"" : "\"");
}

absl::Status InvalidArgument(absl::string_view field, absl::string_view message) {
  return Make(absl::StatusCode::kInvalidArgument, kReasonInvalidField, absl::StrCat(field, ": ", message),
              {{"field", field}});
}

absl::Status LimitExceeded(absl::string_view limit, uint64_t value, uint64_t bound, absl::string_view context) {
  const std::string message = absl::StrCat(limit, ": ", value, " exceeds the limit of ", bound);
  const std::string value_text = absl::StrCat(value);
  const std::string bound_text = absl::StrCat(bound);
  if (context.empty()) {
    return Make(absl::StatusCode::kResourceExhausted, kReasonLimitExceeded, message,
                {{"limit", limit}, {"value", value_text}, {"bound", bound_text}});
  }
  return Make(absl::StatusCode::kResourceExhausted, kReasonLimitExceeded, absl::StrCat(context, ": ", message),
              {{"limit", limit}, {"value", value_text}, {"bound", bound_text}, {"field", context}});
}

absl::Status NotFound(absl::string_view reason, absl::string_view message, ErrorMetadata metadata) {
  return Make(absl::StatusCode::kNotFound, reason, message, metadata);
}

absl::Status AlreadyExists(absl::string_view reason, absl::string_view message, ErrorMetadata metadata) {
  return Make(absl::StatusCode::kAlreadyExists, reason, message, metadata);
}

absl::Status FailedPrecondition(absl::string_view reason, absl::string_view message, ErrorMetadata metadata) {
  return Make(absl::StatusCode::kFailedPrecondition, reason, message, metadata);
}

absl::Status OutOfRange(absl::string_view reason, absl::string_view message, ErrorMetadata metadata) {
  return Make(absl::StatusCode::kOutOfRange, reason, message, metadata);
}

absl::Status Unauthenticated(absl::string_view reason, absl::string_view message, ErrorMetadata metadata) {
  return Make(absl::StatusCode::kUnauthenticated, reason, message, metadata);
}

absl::Status PermissionDenied(absl::string_view reason, absl::string_view message, ErrorMetadata metadata) {
  return Make(absl::StatusCode::kPermissionDenied, reason, message, metadata);
}

absl::Status DataLoss(absl::string_view reason, absl::string_view message, ErrorMetadata metadata) {
  return Make(absl::StatusCode::kDataLoss, reason, message, metadata);
}

absl::Status Unavailable(absl::string_view reason, absl::string_view message, absl::Duration retry_after,
                         ErrorMetadata metadata) {
  return AddRetry(Make(absl::StatusCode::kUnavailable, reason, message, metadata), retry_after);
}

absl::Status ResourceExhausted(absl::string_view reason, absl::string_view message, absl::Duration retry_after,
                               ErrorMetadata metadata) {
  return AddRetry(Make(absl::StatusCode::kResourceExhausted, reason, message, metadata), retry_after);
}

absl::Status WithContext(const absl::Status& status, absl::string_view context) {
  if (status.ok()) return status;
  absl::Status result(status.code(), absl::StrCat(context, ": ", status.message()));
  status.ForEachPayload(
      [&result](absl::string_view type_url, const absl::Cord& payload) { result.SetPayload(type_url, payload); });
  return result;
}

std::string ReasonOf(const absl::Status& status) { return InfoOf(status).reason(); }

std::string MetadataOf(const absl::Status& status, const std::string& name) {
  const google::rpc::ErrorInfo info = InfoOf(status);
  const auto entry = info.metadata().find(name);
  return entry == info.metadata().end() ? "" : entry->second;
}

absl::Duration RetryDelayOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kRetryInfoTypeUrl);
  google::rpc::RetryInfo info;
  if (!payload.has_value() || !info.ParseFromString(std::string(*payload))) return absl::ZeroDuration();
  return absl::Seconds(info.retry_delay().seconds()) + absl::Nanoseconds(info.retry_delay().nanos());
}

void ToProto(const absl::Status& status, google::rpc::Status* proto) {
  proto->set_code(static_cast<int>(status.code()));
  proto->set_message(std::string(status.message()));
  status.ForEachPayload([&](absl::string_view type_url, const absl::Cord& payload) {
    if (!absl::StartsWith(type_url, kTypeUrlPrefix)) return;
    google::protobuf::Any* detail = proto->add_details();
    detail->set_type_url(std::string(type_url));
    detail->set_value(std::string(payload));
  });
}

}  // namespace nmq
