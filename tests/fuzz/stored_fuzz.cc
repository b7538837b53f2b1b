// What is read back from the disk, which may have damaged it.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "server/log/audience.h"
#include "server/log/store_format.h"
#include "server/log/sync_marks.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nmq::log;
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  uint64_t queue = 0;
  uint64_t sequence = 0;
  if (ParseMessageKey(bytes, &queue, &sequence)) CHECK_EQ(MessageKey(queue, sequence).bytes(), bytes);
  uint64_t number = 0;
  if (ParseBigEndian(bytes, &number)) CHECK_EQ(BigEndian(number), bytes);
  MessageValue value;
  if (ParseMessageValue(bytes, &value)) {
    std::string again;
    AppendMessageValue(value, &again);
    CHECK_EQ(again, bytes);
  }
  Audience audience;
  if (DecodeAudience(bytes, &audience)) CHECK_EQ(EncodeAudience(audience), bytes);
  const auto mark = DecodeSyncMarks(bytes);
  if (mark.has_value()) CHECK_LE(mark->logs.size(), kSyncMarkLogsMax);
  AfterPrefix(bytes);
  return 0;
}
