#include "client/cli/listening_groups.h"

#include <algorithm>

#include "absl/time/time.h"
#include "base/deadline.h"
#include "base/grpc_deadline.h"
#include "base/names.h"
#include "grpcpp/client_context.h"
#include "nmq/v1/registry.grpc.pb.h"

namespace nmq {
namespace cli {
namespace {

bool IsAmong(const std::string& name, const google::protobuf::RepeatedPtrField<std::string>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool HearsEvent(const v1::GroupInfo& group, const std::string& event) {
  return group.events().empty() ||
         std::any_of(group.events().begin(), group.events().end(), [&event](const std::string& text) {
           const auto pattern = Pattern::Parse("event", text, text.size());
           return pattern.ok() && pattern->Matches(event);
         });
}

bool Hears(const v1::GroupInfo& group, const v1::Message& message) {
  const v1::Audience& audience = message.audience();
  const auto& rooms = group.options().rooms();
  const auto is_for = [&rooms](const std::string& room) { return IsAmong(room, rooms); };
  if (std::any_of(audience.except_rooms().begin(), audience.except_rooms().end(), is_for)) return false;
  const bool everyone = audience.rooms().empty() && audience.clients().empty();
  if (!everyone && std::none_of(audience.rooms().begin(), audience.rooms().end(), is_for)) return false;
  return HearsEvent(group, message.event());
}

}  // namespace

std::optional<std::vector<std::string>> ListeningGroups(const std::shared_ptr<grpc::Channel>& channel,
                                                        const std::string& namespace_name, const v1::Message& message) {
  const auto registry = v1::Registry::NewStub(channel);
  const Deadline deadline = Deadline::In(absl::Seconds(2));
  v1::ExplainRequest right;
  right.set_right(v1::RIGHT_INSPECT);
  right.set_namespace_(namespace_name);
  right.set_queue(message.queue());
  grpc::ClientContext asking;
  asking.set_deadline(ToGrpc(deadline));
  v1::ExplainResponse may;
  if (!registry->Explain(&asking, right, &may).ok() || !may.allowed()) return std::nullopt;
  v1::ListGroupsRequest request;
  request.set_namespace_(namespace_name);
  request.set_queue(message.queue());
  request.set_page_size(1000);
  grpc::ClientContext context;
  context.set_deadline(ToGrpc(deadline));
  v1::ListGroupsResponse response;
  if (!registry->ListGroups(&context, request, &response).ok()) return std::nullopt;
  std::vector<std::string> names;
  for (const v1::GroupInfo& group : response.groups()) {
    if (Hears(group, message)) names.push_back(group.options().name());
  }
  return names;
}

}  // namespace cli
}  // namespace nmq
