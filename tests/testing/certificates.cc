#include "tests/testing/certificates.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>

namespace nmq {
namespace {

constexpr char kAuthority[] = "nmq tests";

EVP_PKEY* NewKey() { return EVP_EC_gen("P-256"); }

std::string Text(BIO* memory) {
  char* bytes;
  const long size = BIO_get_mem_data(memory, &bytes);
  std::string text(bytes, static_cast<size_t>(size));
  BIO_free(memory);
  return text;
}

std::string Pem(X509* certificate) {
  BIO* const memory = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(memory, certificate);
  return Text(memory);
}

std::string Pem(EVP_PKEY* key) {
  BIO* const memory = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(memory, key, nullptr, nullptr, 0, nullptr, nullptr);
  return Text(memory);
}

void SetName(X509_NAME* name, const std::string& common) {
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common.c_str()), -1, -1,
                             0);
}

void Extend(X509* certificate, int extension, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const made = X509V3_EXT_conf_nid(nullptr, &context, extension, value);
  X509_add_ext(certificate, made, -1);
  X509_EXTENSION_free(made);
}

// Signed by `signer`, and freed by the caller.
X509* NewCertificate(EVP_PKEY* key, const std::string& name, EVP_PKEY* signer, absl::Duration valid,
                     const std::string& alternative = "DNS:localhost,IP:127.0.0.1") {
  static std::atomic<long> serial{1};
  X509* const certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), static_cast<long>(absl::ToInt64Seconds(valid)));
  SetName(X509_get_subject_name(certificate), name);
  SetName(X509_get_issuer_name(certificate), kAuthority);
  X509_set_pubkey(certificate, key);
  if (key == signer) {
    Extend(certificate, NID_basic_constraints, "critical,CA:TRUE");
  } else {
    Extend(certificate, NID_subject_alt_name, alternative.c_str());
  }
  X509_sign(certificate, signer, EVP_sha256());
  return certificate;
}

}  // namespace

Authority::Authority() : key_(NewKey()) {
  X509* const certificate = NewCertificate(key_, kAuthority, key_, absl::Hours(24 * 30));
  certificate_ = Pem(certificate);
  X509_free(certificate);
}

Authority::~Authority() { EVP_PKEY_free(key_); }

Credentials Authority::Issue(absl::Duration valid) const { return IssueFor("DNS:localhost,IP:127.0.0.1", valid); }

Credentials Authority::IssueFor(const std::string& name, absl::Duration valid) const {
  EVP_PKEY* const key = NewKey();
  X509* const certificate = NewCertificate(key, "localhost", key_, valid, name);
  Credentials made = {Pem(certificate), Pem(key)};
  X509_free(certificate);
  EVP_PKEY_free(key);
  return made;
}

}  // namespace nmq
