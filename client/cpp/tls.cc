#include "client/cpp/tls.h"

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/pem.h"
#include "client/cpp/address.h"
#include "grpcpp/security/credentials.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

absl::Status ReadCa(const std::string& path, grpc::SslCredentialsOptions* tls) {
  const absl::StatusOr<PemFile> file = PemFile::Read("ClientOptions.tls_ca", path);
  if (!file.ok()) return file.status();
  tls->pem_root_certs = file->text();
  return file->Certificates().status();
}

absl::Status ReadPair(const ClientOptions& options, grpc::SslCredentialsOptions* tls) {
  const absl::StatusOr<PemFile> chain = PemFile::Read("ClientOptions.tls_certificate", options.tls_certificate);
  if (!chain.ok()) return chain.status();
  const absl::StatusOr<PemFile> keys = PemFile::Read("ClientOptions.tls_key", options.tls_key);
  if (!keys.ok()) return keys.status();
  const auto certificates = chain->Certificates();
  if (!certificates.ok()) return certificates.status();
  const auto key = keys->Key();
  if (!key.ok()) return key.status();
  tls->pem_cert_chain = chain->text();
  tls->pem_private_key = keys->text();
  return CheckPair(*certificates->front(), **key, *chain, *keys);
}

}  // namespace

absl::Status UseTls(ClientOptions* options) {
  absl::StatusOr<ServerAddress> address = ParseAddress(options->server);
  if (!address.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("ClientOptions.server: ", address.status().message()));
  }
  options->server = std::move(address->target);
  if (options->credentials != nullptr) return absl::OkStatus();
  if (options->tls_certificate.empty() != options->tls_key.empty()) {
    return absl::InvalidArgumentError("ClientOptions.tls_certificate: needs tls_key, and tls_key needs it");
  }
  if (!address->tls && options->tls_ca.empty() && options->tls_certificate.empty()) return absl::OkStatus();
  // Without a CA, gRPC takes those of the system.
  grpc::SslCredentialsOptions tls;
  absl::Status status = absl::OkStatus();
  if (!options->tls_ca.empty()) status = ReadCa(options->tls_ca, &tls);
  if (status.ok() && !options->tls_key.empty()) status = ReadPair(*options, &tls);
  if (status.ok()) options->credentials = grpc::SslCredentials(tls);
  return status;
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
