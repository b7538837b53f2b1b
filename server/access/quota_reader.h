#ifndef NMQ_SERVER_ACCESS_QUOTA_READER_H_
#define NMQ_SERVER_ACCESS_QUOTA_READER_H_

#include "absl/status/statusor.h"
#include "nmq/config/v1/access.pb.h"
#include "server/call/quota.h"
#include "server/config/place.h"

namespace nmq {

// What a file says that an identity may have and do. INVALID_ARGUMENT, with its place, for a number out of range.
absl::StatusOr<Quota> ReadQuota(const config::v1::Quota& from, const Place& at);

}  // namespace nmq

#endif  // NMQ_SERVER_ACCESS_QUOTA_READER_H_
