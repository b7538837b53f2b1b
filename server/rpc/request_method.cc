#include "server/rpc/request_method.h"

#include <optional>
#include <utility>

#include "nmq/v1/message_queue.pb.h"
#include "server/rpc/unary_rpc.h"

namespace nmq::rpc {

RequestMethod::RequestMethod(broker::Broker* broker, Loop* loop)
    : broker_(broker), loop_(loop), timer_([this] { OnTime(); }) {
  AddDeferredRpc<v1::RequestRequest, v1::RequestResponse>(
      "nmq.v1.MessageQueue.Request", broker->limits().payload_bytes, /*keeps=*/false,
      [this](const Call& call, v1::RequestRequest* request, broker::Questions::Done done) {
        broker_->Ask(call, request, std::move(done));
        SetTimer();
      },
      &loop->methods());
}

void RequestMethod::OnTime() {
  broker_->ExpireQuestions();
  SetTimer();
}

void RequestMethod::SetTimer() {
  const std::optional<absl::Duration> next = broker_->NextQuestionDeadline();
  // An early ring does no harm, and is cheaper than setting it anew for each question that is answered.
  if (!next.has_value() || (timer_.set() && due_ <= *next)) return;
  due_ = *next;
  loop_->SetTimer(&timer_, due_);
}

}  // namespace nmq::rpc
