#include "server/rpc/health_calls.h"

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "nmq/v1/message_queue.grpc.pb.h"
#include "nmq/v1/registry.grpc.pb.h"

namespace nmq::rpc {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

constexpr absl::Duration kLookInterval = absl::Seconds(1);

HealthCheckResponse::ServingStatus StatusOf(const broker::Broker& broker, const HealthCheckRequest& request) {
  const std::string& service = request.service();
  if (service == kLivenessService) return HealthCheckResponse::SERVING;
  if (!service.empty() && service != v1::MessageQueue::service_full_name() &&
      service != v1::Registry::service_full_name()) {
    return HealthCheckResponse::SERVICE_UNKNOWN;
  }
  return broker.draining() || !broker.DiskHealth().ok() ? HealthCheckResponse::NOT_SERVING
                                                        : HealthCheckResponse::SERVING;
}

}  // namespace

absl::Status CheckHealth(const broker::Broker& broker, const HealthCheckRequest& request,
                         HealthCheckResponse* response) {
  response->set_status(StatusOf(broker, request));
  if (response->status() != HealthCheckResponse::SERVICE_UNKNOWN) return absl::OkStatus();
  return NotFound("SERVICE_NOT_FOUND",
                  absl::StrCat("service: there is no service ", Quote(request.service()),
                               "; leave it empty, or ask for ", v1::MessageQueue::service_full_name(), ", ",
                               v1::Registry::service_full_name(), " or ", kLivenessService));
}

void HealthWatch::Serve(HealthService* service, broker::Broker* broker, Loop* loop, int count) {
  for (int i = 0; i < count; ++i) new HealthWatch(service, broker, loop);
}

HealthWatch::HealthWatch(HealthService* service, broker::Broker* broker, Loop* loop)
    : StreamCall(loop), service_(service), broker_(broker), writer_(context()), look_([this] { Look(); }) {
  service->RequestWatch(context(), &request_, &writer_, loop->queue(), loop->queue(), &started_);
}

void HealthWatch::Started(bool ok) {
  if (!ok) {
    delete this;  // the server shuts down
    return;
  }
  new HealthWatch(service_, broker_, loop());
  Begin();
  Look();
}

void HealthWatch::Look() {
  Tell();
  loop()->SetTimer(&look_, loop()->clock().Monotonic() + kLookInterval);
}

void HealthWatch::Tell() {
  const auto status = StatusOf(*broker_, request_);
  if (writing() || ending() || status == told_.status()) return;
  told_.set_status(status);
  WriteStarted();
  writer_.Write(told_, &written_);
}

void HealthWatch::Written(bool ok) {
  if (WriteEnded(ok)) Tell();
  Release();
}

void HealthWatch::Drain(const DrainPlan&) { Tell(); }

}  // namespace nmq::rpc
