// The files that nmqd is given: its configuration, and who may do what.
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "server/access/access_list.h"
#include "server/config/config.h"

namespace {

constexpr uint64_t kMemoryBytes = uint64_t{1} << 30;
constexpr char kFile[] = "file.textproto";

void CheckError(const absl::Status& status) {
  if (status.ok()) return;
  CHECK(status.code() == absl::StatusCode::kInvalidArgument || status.code() == absl::StatusCode::kResourceExhausted)
      << status;
  CHECK(absl::StrContains(status.message(), kFile)) << status;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  CheckError(nmq::ParseConfig(text, kFile, kMemoryBytes).status());
  const auto access = nmq::AccessList::Parse(text, kFile);
  CheckError(access.status());
  if (access.ok()) {
    const auto known = (*access)->Identify("nmq_abcdefgh_abcdefghabcdefghabcdefghabcdefgh", absl::UnixEpoch());
    CHECK(absl::IsUnauthenticated(known.status())) << known.status();
  }
  return 0;
}
