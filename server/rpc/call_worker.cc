#include "server/rpc/call_worker.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/errors.h"

namespace nmq::rpc {
namespace {

constexpr absl::Duration kCallAgainAfter = absl::Seconds(1);

}  // namespace

void CallWorker::Post(const std::shared_ptr<Answer>& answer, std::function<void(Respond)> task) {
  auto respond = [this, answer](absl::StatusOr<Frame> response) {
    --calls_;
    Answer::Give(answer, std::move(response));
  };
  if (calls_.fetch_add(1) >= kCallsMax) {
    const absl::Status refused = ResourceExhausted(
        "TOO_MANY_CALLS",
        absl::StrCat("calls: ", kCallsMax, " calls of this service wait already, and no more may; ", "try again later"),
        kCallAgainAfter, {{"bound", absl::StrCat(kCallsMax)}});
    if (metrics_ != nullptr) metrics_->CountRefusal(refused);
    respond(refused);
    return;
  }
  worker_.Post([answer, respond = std::move(respond), task = std::move(task)] {
    if (answer->awaited()) {
      task(respond);
    } else {
      respond(absl::CancelledError("the client is gone"));
    }
  });
}

}  // namespace nmq::rpc
