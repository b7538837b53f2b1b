#include "server/health_check.h"

#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/deadline.h"
#include "base/errors.h"
#include "base/grpc_deadline.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_certificate_verifier.h"
#include "grpcpp/security/tls_credentials_options.h"
#include "server/rpc/listen.h"

namespace nmq {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// A server on every address can be asked on this one, also one of [::], which takes IPv4, too.
std::string AddressToAsk(const std::string& listen) {
  const size_t colon = listen.rfind(':');
  const std::string host = listen.substr(0, colon);
  if (host.empty() || host == "0.0.0.0" || host == "[::]") return absl::StrCat("127.0.0.1", listen.substr(colon));
  return listen;
}

absl::StatusOr<std::string> ReadFile(absl::string_view field, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!text.empty()) return text;
  return InvalidArgument(field, absl::StrCat(path, ": cannot be read; name the file that the server has"));
}

// With the server's own certificate, which it takes from a client, too.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> CredentialsFor(const HealthCheckTls& tls) {
  using namespace grpc::experimental;
  if (tls.certificate.empty()) return grpc::InsecureChannelCredentials();
  const absl::StatusOr<std::string> certificate = ReadFile("tls_certificate", tls.certificate);
  if (!certificate.ok()) return certificate.status();
  const absl::StatusOr<std::string> key = ReadFile("tls_key", tls.key);
  if (!key.ok()) return key.status();
  TlsChannelCredentialsOptions options;
  options.set_certificate_provider(
      std::make_shared<StaticDataCertificateProvider>(std::vector<IdentityKeyCertPair>{{*key, *certificate}}));
  options.watch_identity_key_cert_pairs();
  options.set_verify_server_certs(false);
  options.set_check_call_host(false);
  options.set_certificate_verifier(std::make_shared<NoOpCertificateVerifier>());
  return TlsCredentials(options);
}

}  // namespace

absl::Status CheckHealth(const std::string& listen, const std::string& service, const HealthCheckTls& tls,
                         absl::Duration patience) {
  absl::Status valid = rpc::CheckAddress(listen);
  if (!valid.ok()) return valid;
  if (absl::EndsWith(listen, ":0")) return InvalidArgument("listen", "port 0 cannot be asked; name the server's port");
  const std::string address = AddressToAsk(listen);
  const auto credentials = CredentialsFor(tls);
  if (!credentials.ok()) return credentials.status();

  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // the server is on this machine
  auto channel = grpc::CreateCustomChannel(address, *credentials, arguments);
  grpc::ClientContext context;
  context.set_deadline(ToGrpc(Deadline::In(patience)));
  HealthCheckRequest request;
  request.set_service(service);
  HealthCheckResponse response;
  const grpc::Status asked = Health::NewStub(channel)->Check(&context, request, &response);
  if (asked.error_code() == grpc::StatusCode::NOT_FOUND) {
    return NotFound("SERVICE_UNKNOWN", absl::StrCat(address, " does not know the service \"", absl::CHexEscape(service),
                                                    "\"; name none, liveness, or one of nmq.v1"));
  }
  if (!asked.ok()) {
    // The text may come from any program that listens there.
    const std::string why = absl::CHexEscape(asked.error_message());
    return Unavailable("NOT_ASKED", absl::StrCat(address, " does not tell its health: ", why), absl::ZeroDuration());
  }
  if (response.status() == HealthCheckResponse::SERVING) return absl::OkStatus();
  return Unavailable("NOT_SERVING",
                     absl::StrCat(address, " says ", HealthCheckResponse::ServingStatus_Name(response.status())),
                     absl::ZeroDuration());
}

}  // namespace nmq
