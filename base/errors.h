// Builders of the errors that nmq answers with: an absl::Status with google.rpc.ErrorInfo (domain "nmq") as a payload,
// and google.rpc.RetryInfo where waiting helps.
//
// Messages are sentences for people; reasons (UPPER_SNAKE_CASE) and metadata are for programs. All text becomes proto
// `string` fields, so whatever a caller sent must go through Quote() before it becomes part of a message; metadata
// values are made printable here. All functions are thread-safe.
#ifndef NMQ_BASE_ERRORS_H_
#define NMQ_BASE_ERRORS_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/rpc/status.pb.h"

namespace nmq {

// The payloads' type urls, and ErrorInfo.domain.
inline constexpr char kErrorInfoTypeUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";
inline constexpr char kRetryInfoTypeUrl[] = "type.googleapis.com/google.rpc.RetryInfo";
inline constexpr char kErrorDomain[] = "nmq";

// Reasons that the builders below choose themselves.
inline constexpr char kReasonInvalidField[] = "INVALID_FIELD";
inline constexpr char kReasonLimitExceeded[] = "LIMIT_EXCEEDED";

// Names and values of ErrorInfo.metadata, as in `{{"queue", queue}, {"event", event}}`.
using ErrorMetadata = std::initializer_list<std::pair<absl::string_view, absl::string_view>>;

// `value` in double quotes, escaped to printable ASCII; beyond 64 bytes it is cut and ends in `...`.
std::string Quote(absl::string_view value);

// INVALID_ARGUMENT, INVALID_FIELD, "<field>: <message>". `field` is a path such as "message.audience.rooms[2]".
absl::Status InvalidArgument(absl::string_view field, absl::string_view message);

// RESOURCE_EXHAUSTED, LIMIT_EXCEEDED, "<limit>: <value> exceeds the limit of <bound>". `limit` is a field of Limits;
// `context`, if any, is the path of the field that is too large, and precedes the message.
absl::Status LimitExceeded(absl::string_view limit, uint64_t value, uint64_t bound, absl::string_view context = "");

absl::Status NotFound(absl::string_view reason, absl::string_view message, ErrorMetadata metadata = {});
absl::Status AlreadyExists(absl::string_view reason, absl::string_view message, ErrorMetadata metadata = {});
absl::Status FailedPrecondition(absl::string_view reason, absl::string_view message, ErrorMetadata metadata = {});
absl::Status OutOfRange(absl::string_view reason, absl::string_view message, ErrorMetadata metadata = {});
absl::Status Unauthenticated(absl::string_view reason, absl::string_view message, ErrorMetadata metadata = {});
absl::Status PermissionDenied(absl::string_view reason, absl::string_view message, ErrorMetadata metadata = {});
absl::Status DataLoss(absl::string_view reason, absl::string_view message, ErrorMetadata metadata = {});

// With RetryInfo, unless `retry_after` is zero or less.
absl::Status Unavailable(absl::string_view reason, absl::string_view message, absl::Duration retry_after,
                         ErrorMetadata metadata = {});
absl::Status ResourceExhausted(absl::string_view reason, absl::string_view message, absl::Duration retry_after,
                               ErrorMetadata metadata = {});

// The same error with "<context>: " before its message, for example "messages[3]". OK stays OK.
absl::Status WithContext(const absl::Status& status, absl::string_view context);

// The reason in the ErrorInfo; empty if there is none or it is of another domain.
std::string ReasonOf(const absl::Status& status);

// The value called `name` in the same ErrorInfo's metadata; empty if there is none.
std::string MetadataOf(const absl::Status& status, const std::string& name);

// After which time to try again, by its RetryInfo; zero if it has none.
absl::Duration RetryDelayOf(const absl::Status& status);

// The status as a message: code, text, and as details the payloads of types of the protocol, not those of the process.
void ToProto(const absl::Status& status, google::rpc::Status* proto);

}  // namespace nmq

#endif  // NMQ_BASE_ERRORS_H_
