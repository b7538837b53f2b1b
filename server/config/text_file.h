// Files in protobuf's text format.
#ifndef NMQ_SERVER_CONFIG_TEXT_FILE_H_
#define NMQ_SERVER_CONFIG_TEXT_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "server/config/place.h"

namespace nmq {

// What a file holds; the error says why it cannot be read.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Puts what `text` says into `message`, and where it says that into `places`. INVALID_ARGUMENT, with "FILE:LINE:COLUMN:
// " before its message, for anything that is not understood.
absl::Status ParseText(absl::string_view text, absl::string_view file_name, google::protobuf::Message* message,
                       Place::Tree* places);

}  // namespace nmq

#endif  // NMQ_SERVER_CONFIG_TEXT_FILE_H_
