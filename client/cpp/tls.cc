#include "client/cpp/tls.h"

#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "grpcpp/security/credentials.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

// Leaves `*pem` empty if no file is named.
absl::Status ReadPem(const char* option, const std::string& path, std::string* pem) {
  if (path.empty()) return absl::OkStatus();
  std::ifstream file(path, std::ios::binary);
  pem->assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  if (absl::StrContains(*pem, "-----BEGIN ")) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("ClientOptions.", option, ": ", path, " is no PEM file that can be read"));
}

}  // namespace

absl::Status UseTls(ClientOptions* options) {
  if (options->credentials != nullptr) return absl::OkStatus();
  if (options->tls_certificate.empty() != options->tls_key.empty()) {
    return absl::InvalidArgumentError("ClientOptions.tls_certificate: needs tls_key, and tls_key needs it");
  }
  if (options->tls_ca.empty() && options->tls_certificate.empty()) return absl::OkStatus();
  // Without a CA, gRPC takes those of the system.
  grpc::SslCredentialsOptions tls;
  absl::Status status = ReadPem("tls_ca", options->tls_ca, &tls.pem_root_certs);
  if (status.ok()) status = ReadPem("tls_certificate", options->tls_certificate, &tls.pem_cert_chain);
  if (status.ok()) status = ReadPem("tls_key", options->tls_key, &tls.pem_private_key);
  if (status.ok()) options->credentials = grpc::SslCredentials(tls);
  return status;
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
