#ifndef NMQ_CLIENT_CLI_CONNECTION_NEWS_H_
#define NMQ_CLIENT_CLI_CONNECTION_NEWS_H_

#include "absl/status/status.h"
#include "client/cli/output.h"
#include "client/cli/stop.h"
#include "client/cpp/client.h"

namespace nmq {
namespace cli {

// Says on `err` what becomes of a subscription's connection, and asks `stop` when the subscription has ended. Both must
// outlive this. For the subscription's thread.
class ConnectionNews {
 public:
  ConnectionNews(Output* err, Stop* stop) : err_(err), stop_(stop) {}
  void OnState(SubscriptionState state, const absl::Status& status);

 private:
  Output* const err_;
  Stop* const stop_;
  bool lost_ = false;
};

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_CONNECTION_NEWS_H_
