#include "tests/bench/nmq/connection.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <chrono>
#include <fstream>
#include <iterator>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "nmq/v1/message_queue.grpc.pb.h"

namespace nmq::bench {
namespace {

constexpr std::chrono::seconds kPatience(20);

// False as soon as an attempt has failed.
bool AwaitConnection(grpc::Channel* channel) {
  const auto deadline = std::chrono::system_clock::now() + kPatience;
  grpc_connectivity_state state = channel->GetState(/*try_to_connect=*/true);
  while (state != GRPC_CHANNEL_READY) {
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || !channel->WaitForStateChange(state, deadline)) return false;
    state = channel->GetState(/*try_to_connect=*/true);
  }
  return true;
}

std::shared_ptr<grpc::ChannelCredentials> CredentialsFor(const Endpoint& endpoint) {
  if (endpoint.tls_ca.empty()) return grpc::InsecureChannelCredentials();
  std::ifstream file(endpoint.tls_ca);
  grpc::SslCredentialsOptions options;
  options.pem_root_certs.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  return grpc::SslCredentials(options);
}

}  // namespace

absl::StatusOr<ChannelSettings> ParseChannelSettings(absl::string_view text) {
  ChannelSettings settings;
  for (absl::string_view part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> sides = absl::StrSplit(part, absl::MaxSplits('=', 1));
    int value;
    if (sides.first.empty() || !absl::SimpleAtoi(sides.second, &value)) {
      return absl::InvalidArgumentError(absl::StrCat("no name=number: ", part));
    }
    settings.emplace_back(std::string(sides.first), value);
  }
  return settings;
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const Endpoint& endpoint) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  for (const auto& [name, value] : endpoint.settings) arguments.SetInt(name, value);
  std::shared_ptr<grpc::Channel> channel =
      grpc::CreateCustomChannel(endpoint.address, CredentialsFor(endpoint), arguments);
  if (!AwaitConnection(channel.get())) {
    return absl::UnavailableError(absl::StrCat("cannot connect to ", endpoint.address));
  }
  return channel;
}

absl::StatusOr<Channels> OpenChannels(const Endpoint& endpoint, int count) {
  Channels channels;
  for (int i = 0; i < count; ++i) {
    absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = OpenChannel(endpoint);
    if (!channel.ok()) return channel.status();
    channels.push_back(*std::move(channel));
  }
  return channels;
}

absl::StatusOr<std::string> OpenSession(const std::shared_ptr<grpc::Channel>& channel) {
  const std::unique_ptr<nmq::v1::MessageQueue::Stub> stub = nmq::v1::MessageQueue::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  nmq::v1::ConnectResponse response;
  const grpc::Status status = stub->Connect(&context, nmq::v1::ConnectRequest(), &response);
  if (!status.ok()) return FromGrpc(status);
  return response.session();
}

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

grpc::ByteBuffer Encode(const google::protobuf::MessageLite& message) {
  grpc::Slice slice(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
  return grpc::ByteBuffer(&slice, 1);
}

bool Decode(const grpc::ByteBuffer& buffer, google::protobuf::MessageLite* message) {
  grpc::Slice slice;
  if (!buffer.TrySingleSlice(&slice).ok() && !buffer.DumpToSingleSlice(&slice).ok()) return false;
  return message->ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
}

}  // namespace nmq::bench
