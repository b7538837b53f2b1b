// A small certificate authority, for a first try of TLS.
#ifndef NMQ_CLIENT_CLI_CERTIFICATE_AUTHORITY_H_
#define NMQ_CLIENT_CLI_CERTIFICATE_AUTHORITY_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace nmq {
namespace cli {

// A certificate and its private key, both in PEM.
struct PemPair {
  std::string certificate;
  std::string key;
};

// Certificates are X.509 (RFC 5280), with keys of P-256. For one thread at a time.
class CertificateAuthority {
 public:
  enum class Use { kServer, kClient };

  // A new one, valid from now for this long. INTERNAL, here and below, if OpenSSL fails.
  static absl::StatusOr<CertificateAuthority> Make(absl::string_view name, absl::Duration valid);
  // One that was made before. INVALID_ARGUMENT if these are no certificate and its key.
  static absl::StatusOr<CertificateAuthority> Read(const PemPair& pem);

  absl::StatusOr<PemPair> pem() const;

  // For `names`, the first of which is the subject's: DNS names, IP addresses, URIs. A server's may be shown as a
  // client's, too: nmqd --health_check does that. INVALID_ARGUMENT for a name that is none.
  absl::StatusOr<PemPair> Issue(const std::vector<std::string>& names, Use use, absl::Duration valid) const;

 private:
  template <auto Free>
  struct Deleter {
    template <typename T>
    void operator()(T* object) const {
      Free(object);
    }
  };
  using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
  using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;

  CertificateAuthority(Key key, Certificate certificate) : key_(std::move(key)), certificate_(std::move(certificate)) {}

  // Signed by `signer`, which is `key` for its own. Null if OpenSSL fails.
  static Certificate Sign(EVP_PKEY* key, absl::string_view subject, X509* issuer, EVP_PKEY* signer,
                          const std::vector<std::pair<int, std::string>>& extensions, absl::Duration valid);
  static absl::StatusOr<PemPair> Write(X509* certificate, EVP_PKEY* key);

  Key key_;
  Certificate certificate_;
};

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_CERTIFICATE_AUTHORITY_H_
