// Certificates for tests of TLS, made when they are needed.
#ifndef NMQ_TESTS_TESTING_CERTIFICATES_H_
#define NMQ_TESTS_TESTING_CERTIFICATES_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "absl/time/time.h"

namespace nmq {

// In PEM.
struct Credentials {
  std::string certificate;
  std::string key;
};

// A certificate authority.
class Authority {
 public:
  Authority();
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  // Its own certificate, in PEM.
  const std::string& certificate() const { return certificate_; }
  // For localhost and 127.0.0.1, valid from an hour ago.
  Credentials Issue(absl::Duration valid = absl::Hours(24 * 30)) const;
  // The same, of a client with this subjectAltName, such as "URI:spiffe://example.com/api".
  Credentials IssueFor(const std::string& name, absl::Duration valid = absl::Hours(1)) const;

 private:
  EVP_PKEY* const key_;
  std::string certificate_;
};

}  // namespace nmq

#endif  // NMQ_TESTS_TESTING_CERTIFICATES_H_
