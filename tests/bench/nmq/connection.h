#ifndef NMQ_TESTS_BENCH_NMQ_CONNECTION_H_
#define NMQ_TESTS_BENCH_NMQ_CONNECTION_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/channel.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nmq::bench {

// Channel arguments of gRPC with whole-number values.
using ChannelSettings = std::vector<std::pair<std::string, int>>;

// Reads "name=1,other=2". INVALID_ARGUMENT for anything else; empty text is no setting.
absl::StatusOr<ChannelSettings> ParseChannelSettings(absl::string_view text);

struct Endpoint {
  // HOST:PORT
  std::string address;
  ChannelSettings settings = {};
  // The server numbers its messages.
  bool numbers = true;
  // It knows patterns of events.
  bool patterns = true;
  // PEM file with the CA of a server that speaks TLS; empty for plain text.
  std::string tls_ca = {};
};

// Opens a connection of its own, shared with no other channel, and waits until it is up.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const Endpoint& endpoint);
// That many of them.
using Channels = std::vector<std::shared_ptr<grpc::Channel>>;
absl::StatusOr<Channels> OpenChannels(const Endpoint& endpoint, int count);

// Enters the namespace "default" and returns the session.
absl::StatusOr<std::string> OpenSession(const std::shared_ptr<grpc::Channel>& channel);

absl::Status FromGrpc(const grpc::Status& status);
grpc::ByteBuffer Encode(const google::protobuf::MessageLite& message);
bool Decode(const grpc::ByteBuffer& buffer, google::protobuf::MessageLite* message);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_CONNECTION_H_
