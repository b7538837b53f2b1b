#include "server/rpc/health_calls.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"
#include "server/frame/frame.h"

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

HealthWatch::HealthWatch(broker::Broker* broker, const std::vector<std::string>* services, Exchange* exchange)
    : StreamCall(exchange), broker_(broker), services_(services), look_([this] { Look(); }) {
  exchange->ReadRequest();
}

void HealthWatch::OnNoMore() { End(InvalidArgument("request", "is missing")); }

void HealthWatch::OnMessage(const RequestBytes& bytes) {
  if (!MessageCame()) return;
  if (const absl::Status status = bytes.Decode(&request_); !status.ok()) {
    End(status);
    return;
  }
  asked_ = true;
  Look();
}

void HealthWatch::Look() {
  Tell();
  loop()->SetTimer(&look_, loop()->clock().Monotonic() + kHealthLookInterval);
}

void HealthWatch::Tell() {
  const auto status = StatusOf(*broker_, *services_, request_);
  if (!asked_ || writing() || ending() || status == told_.status()) return;
  told_.set_status(status);
  Write(Frame(told_));
}

void HealthWatch::OnWritten(bool ok) {
  if (WriteEnded(ok)) Tell();
}

void HealthWatch::Drain(const DrainPlan&) { Tell(); }

}  // namespace nmq::rpc
