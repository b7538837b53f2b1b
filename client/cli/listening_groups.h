#ifndef NMQ_CLIENT_CLI_LISTENING_GROUPS_H_
#define NMQ_CLIENT_CLI_LISTENING_GROUPS_H_

#include <memory>
#include <string>
#include <vector>

#include "grpcpp/channel.h"
#include "nmq/v1/message.pb.h"

namespace nmq {
namespace cli {

// The groups that share a message among their members, by its queue, event and rooms. None if the server does not say.
std::vector<std::string> ListeningGroups(const std::shared_ptr<grpc::Channel>& channel,
                                         const std::string& namespace_name, const v1::Message& message);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_LISTENING_GROUPS_H_
