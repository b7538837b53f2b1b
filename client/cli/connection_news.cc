#include "client/cli/connection_news.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/explain.h"

namespace nmq {
namespace cli {

void ConnectionNews::OnState(SubscriptionState state, const absl::Status& status) {
  switch (state) {
    case SubscriptionState::kConnected:
      if (std::exchange(lost_, false)) err_->Tell("connected again");
      break;
    case SubscriptionState::kReconnecting:
      lost_ = true;
      err_->Tell(absl::StrCat("connection lost, trying again: ", ExplainBriefly(status)));
      break;
    case SubscriptionState::kEnded:
      stop_->Request();
      break;
  }
}

}  // namespace cli
}  // namespace nmq
