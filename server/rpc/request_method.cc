#include "server/rpc/request_method.h"

#include <optional>
#include <utility>

#include "server/rpc/call_of.h"

namespace nmq::rpc {

RequestMethod::RequestMethod(broker::Broker* broker, MessageQueueService* service, GrpcLoop* loop)
    : broker_(broker),
      loop_(loop),
      method_{service, service->request,
              [this](const grpc::ServerContext& context, v1::RequestRequest* request, Deferred::Done done) {
                broker_->Ask(CallOf<v1::RequestRequest>(context, broker_->clock()), request, std::move(done));
                SetTimer();
              },
              broker->limits().payload_bytes},
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
