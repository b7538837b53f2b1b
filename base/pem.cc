#include "base/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace nmq {
namespace {

constexpr size_t kFileBytesMax = 1 << 20;

using Memory = std::unique_ptr<BIO, OpensslFree<BIO, BIO_free_all>>;

Memory MemoryOf(const std::string& text) { return Memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

// So that OpenSSL asks nobody at the terminal.
int NoPassword(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

absl::Status Wrong(const PemFile& file, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(file.option(), ": ", file.path(), ": ", why));
}

}  // namespace

std::string OpensslReason() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason != nullptr ? reason : "no reason is known";
}

absl::StatusOr<PemFile> PemFile::Read(const std::string& option, const std::string& path) {
  PemFile pem(option, path);
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(kFileBytesMax + 1, 0);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad() || (errno != 0 && file.gcount() == 0)) {
    return Wrong(pem, absl::StrCat(strerror(errno), "; name a PEM file that can be read"));
  }
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kFileBytesMax) {
    return Wrong(pem, absl::StrCat("has more than the ", kFileBytesMax, " bytes that a PEM file may"));
  }
  pem.text_ = std::move(text);
  return pem;
}

absl::StatusOr<std::vector<Certificate>> PemFile::Certificates() const {
  const Memory memory = MemoryOf(text_);
  std::vector<Certificate> certificates;
  while (X509* const one = PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr)) certificates.emplace_back(one);
  const bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = OpensslReason();
  if (end && !certificates.empty()) return certificates;
  if (end) return Wrong(*this, "has no certificate; name a PEM file with certificates");
  return Wrong(*this, absl::StrCat("certificate ", certificates.size() + 1, " cannot be read: ", reason,
                                   "; make the file anew"));
}

absl::StatusOr<PrivateKey> PemFile::Key() const {
  const Memory memory = MemoryOf(text_);
  bool encrypted = false;
  PrivateKey key(PEM_read_bio_PrivateKey(memory.get(), nullptr, NoPassword, &encrypted));
  const std::string reason = OpensslReason();
  if (key != nullptr) return key;
  if (encrypted) {
    return Wrong(*this,
                 "is encrypted, and nobody is asked for a password; decrypt it by openssl pkey, for its user only");
  }
  return Wrong(*this, absl::StrCat("has no private key that can be read: ", reason,
                                   "; name a PEM file with the certificate's key"));
}

absl::Status CheckPair(X509& certificate, EVP_PKEY& key, const PemFile& certificates, const PemFile& keys) {
  if (X509_check_private_key(&certificate, &key) == 1) return absl::OkStatus();
  ERR_clear_error();
  return Wrong(keys, absl::StrCat("is not the key of the first certificate in ", certificates.path(),
                                  "; name the pair that belongs together"));
}

}  // namespace nmq
