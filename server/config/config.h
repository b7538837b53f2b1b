// What nmqd is told by a configuration file: proto nmq.config.v1.Config, checked and with nothing left unset.
#ifndef NMQ_SERVER_CONFIG_CONFIG_H_
#define NMQ_SERVER_CONFIG_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "nmq/v1/registry.pb.h"
#include "server/limits/limits.h"

namespace nmq {

// The namespace that always exists.
inline constexpr char kDefaultNamespace[] = "default";

// What a queue holds at the most; within Limits.
struct RetentionConfig {
  uint64_t bytes = 0;
  uint64_t messages = 0;
  absl::Duration age;
};

// What `wanted` asks for, 0 or unset standing for the limit. `refuse` makes the error for a field, "bytes", "messages"
// or "age", that is out of range.
absl::StatusOr<RetentionConfig> ResolveRetention(
    const nmq::v1::Retention& wanted, bool durable, const Limits& limits,
    absl::FunctionRef<absl::Status(const char* field, const std::string& message)> refuse);

struct QueueConfig {
  std::string name;
  // Sorted, no two alike; empty: any event.
  std::vector<std::string> events;
  RetentionConfig retention;
  nmq::v1::Durability durability = nmq::v1::DURABILITY_LIVE;
};

struct NamespaceConfig {
  std::string name;
  // Whether publishing to an unknown queue makes it.
  bool automatic_queues = false;
  RetentionConfig automatic_retention;
  // In the order of the file.
  std::vector<QueueConfig> queues;
  // How fast may be published to it; 0 for what the limits say.
  uint64_t messages_per_second = 0;
  uint64_t bytes_per_second = 0;
};

struct ServerConfig {
  Limits limits;
  // In the order of the file; "default" is always among them, first if the file does not list it.
  std::vector<NamespaceConfig> namespaces;
};

// Reads protobuf's text format. `memory_bytes` is what the process may use; `file_name` is for messages, which begin
// with FILE:LINE:COLUMN. INVALID_ARGUMENT for anything not understood, no name, said twice or out of range;
// RESOURCE_EXHAUSTED for more namespaces or queues than the file's own limits allow.
absl::StatusOr<ServerConfig> ParseConfig(absl::string_view textproto, absl::string_view file_name,
                                         uint64_t memory_bytes);

// The same for the content of a file; if it cannot be read, the error says why.
absl::StatusOr<ServerConfig> LoadConfigFile(const std::string& path, uint64_t memory_bytes);

// What an empty file stands for.
ServerConfig DefaultConfig(uint64_t memory_bytes);

}  // namespace nmq

#endif  // NMQ_SERVER_CONFIG_CONFIG_H_
