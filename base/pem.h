// Certificates and private keys in PEM files, for TLS.
#ifndef NMQ_BASE_PEM_H_
#define NMQ_BASE_PEM_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace nmq {

template <typename T, void (*Free)(T*)>
struct OpensslFree {
  void operator()(T* object) const { Free(object); }
};
using Certificate = std::unique_ptr<X509, OpensslFree<X509, X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY, EVP_PKEY_free>>;

// Why OpenSSL has failed on this thread; forgets it.
std::string OpensslReason();

// What a file of at most 1 MiB had when it was read. Immutable.
//
// Errors are INVALID_ARGUMENT, "<option>: <path>: ...", and say what to do.
class PemFile {
 public:
  // `option` is what the user named the file by.
  static absl::StatusOr<PemFile> Read(const std::string& option, const std::string& path);

  const std::string& option() const { return option_; }
  const std::string& path() const { return path_; }
  const std::string& text() const { return text_; }

  // All, in their order; an error if there are none.
  absl::StatusOr<std::vector<Certificate>> Certificates() const;
  // The first.
  absl::StatusOr<PrivateKey> Key() const;

 private:
  PemFile(const std::string& option, const std::string& path) : option_(option), path_(path) {}

  std::string option_;
  std::string path_;
  std::string text_;
};

// Whether `key` is that of `certificate`. The files are those that have them, for the error.
absl::Status CheckPair(X509& certificate, EVP_PKEY& key, const PemFile& certificates, const PemFile& keys);

}  // namespace nmq

#endif  // NMQ_BASE_PEM_H_
