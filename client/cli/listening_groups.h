#ifndef NMQ_CLIENT_CLI_LISTENING_GROUPS_H_
#define NMQ_CLIENT_CLI_LISTENING_GROUPS_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "grpcpp/channel.h"
#include "nmq/v1/message.pb.h"

namespace nmq {
namespace cli {

// The groups that share a message among their members, by its queue, event and rooms. Nothing if the server does not
// say, or the caller may not know: it asks for its right first, so that no refusal is counted.
std::optional<std::vector<std::string>> ListeningGroups(const std::shared_ptr<grpc::Channel>& channel,
                                                        const std::string& namespace_name, const v1::Message& message);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_LISTENING_GROUPS_H_
