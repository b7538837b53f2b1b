#include "server/rpc/health_calls.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"

namespace nmq::rpc {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

constexpr absl::Duration kHealthLookInterval = absl::Seconds(1);

HealthCheckResponse::ServingStatus StatusOf(const broker::Broker& broker, const std::vector<std::string>& services,
                                            const HealthCheckRequest& request) {
  const std::string& service = request.service();
  if (service == kLivenessService) return HealthCheckResponse::SERVING;
  if (!service.empty() && std::find(services.begin(), services.end(), service) == services.end()) {
    return HealthCheckResponse::SERVICE_UNKNOWN;
  }
  return broker.draining() || !broker.DiskHealth().ok() ? HealthCheckResponse::NOT_SERVING
                                                        : HealthCheckResponse::SERVING;
}

}  // namespace

absl::Status CheckHealth(const broker::Broker& broker, const std::vector<std::string>& services,
                         const HealthCheckRequest& request, HealthCheckResponse* response) {
  response->set_status(StatusOf(broker, services, request));
  if (response->status() != HealthCheckResponse::SERVICE_UNKNOWN) return absl::OkStatus();
  return NotFound("SERVICE_NOT_FOUND", absl::StrCat("service: there is no service ", Quote(request.service()),
                                                    "; leave it empty, or ask for ", absl::StrJoin(services, ", "),
                                                    " or ", kLivenessService));
}

void HealthWatch::Serve(HealthService* service, broker::Broker* broker, const std::vector<std::string>* services,
                        GrpcLoop* loop, int count) {
  for (int i = 0; i < count; ++i) new HealthWatch(service, broker, services, loop);
}

HealthWatch::HealthWatch(HealthService* service, broker::Broker* broker, const std::vector<std::string>* services,
                         GrpcLoop* loop)
    : StreamCall(loop), service_(service), broker_(broker), services_(services), writer_(context()), look_([this] {
        Look();
      }) {
  service->RequestWatch(context(), &request_, &writer_, loop->queue(), loop->queue(), &started_);
}

void HealthWatch::Started(bool ok) {
  if (!ok) {
    delete this;  // the server shuts down
    return;
  }
  new HealthWatch(service_, broker_, services_, loop());
  Begin();
  Look();
}

void HealthWatch::Look() {
  Tell();
  loop()->SetTimer(&look_, loop()->clock().Monotonic() + kHealthLookInterval);
}

void HealthWatch::Tell() {
  const auto status = StatusOf(*broker_, *services_, request_);
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
