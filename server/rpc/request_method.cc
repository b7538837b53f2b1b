#include "server/rpc/request_method.h"

#include <optional>
#include <utility>

namespace nmq::rpc {

RequestMethod::RequestMethod(broker::Broker* broker, MessageQueueService* service, Loop* loop)
    : broker_(broker),
      loop_(loop),
      method_{service, &MessageQueueService::RequestRequest,
              [this](const grpc::ServerContext&, v1::RequestRequest* request, Call::Done done) {
                broker_->Ask(request, std::move(done));
                SetTimer();
              }},
      timer_([this] { OnTime(); }) {}

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
