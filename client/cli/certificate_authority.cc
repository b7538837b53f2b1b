#include "client/cli/certificate_authority.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"

namespace nmq {
namespace cli {
namespace {

constexpr int kSerialBits = 127;  // at most 20 bytes, and positive
constexpr size_t kCommonNameMax = 64;
constexpr size_t kNameMax = 253;

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Memory = std::unique_ptr<BIO, BioFree>;

absl::Status Failed() {
  char reason[256];
  ERR_error_string_n(ERR_peek_last_error(), reason, sizeof(reason));
  ERR_clear_error();
  return absl::InternalError(absl::StrCat("OpenSSL fails: ", reason));
}

std::string Text(BIO* memory) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory, &bytes);
  return {bytes, static_cast<size_t>(size)};
}

bool IsAddress(const std::string& name) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(AF_INET, name.c_str(), bytes) == 1 || inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

// What OpenSSL's text of alternative names has for it. Its commas and spaces are between names.
absl::StatusOr<std::string> AlternativeName(const std::string& name) {
  const auto is_plain = [](absl::string_view also) {
    return [also](char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains(also, c); };
  };
  if (IsAddress(name)) return absl::StrCat("IP:", name);
  const bool fits = !name.empty() && name.size() <= kNameMax;
  if (absl::StrContains(name, "://")) {
    if (fits && std::all_of(name.begin(), name.end(), is_plain(":/.-_~%@?&=+#"))) return absl::StrCat("URI:", name);
  } else if (fits && std::all_of(name.begin(), name.end(), is_plain(".-_*"))) {
    return absl::StrCat("DNS:", name);
  }
  return InvalidArgument("NAME",
                         absl::StrCat("\"", name,
                                      "\" must be a host such as nmq.example.com, an IP address, or a URI such as "
                                      "spiffe://example.com/api"));
}

bool SetCommonName(X509_NAME* to, absl::string_view name) {
  const std::string common(name.substr(0, kCommonNameMax));
  return X509_NAME_add_entry_by_txt(to, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common.c_str()), -1,
                                    -1, 0) == 1;
}

bool SetSerial(X509* certificate) {
  BIGNUM* const number = BN_new();
  const bool set = number != nullptr && BN_rand(number, kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
                   BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

bool Extend(X509* certificate, X509* issuer, int extension, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const made = X509V3_EXT_conf_nid(nullptr, &context, extension, value.c_str());
  const bool added = made != nullptr && X509_add_ext(certificate, made, -1) == 1;
  X509_EXTENSION_free(made);
  return added;
}

}  // namespace

CertificateAuthority::Certificate CertificateAuthority::Sign(EVP_PKEY* key, absl::string_view subject, X509* issuer,
                                                             EVP_PKEY* signer,
                                                             const std::vector<std::pair<int, std::string>>& extensions,
                                                             absl::Duration valid) {
  Certificate made(X509_new());
  X509* const certificate = made.get();
  if (certificate == nullptr || X509_set_version(certificate, X509_VERSION_3) != 1 || !SetSerial(certificate) ||
      X509_gmtime_adj(X509_getm_notBefore(certificate), 0) == nullptr ||
      X509_gmtime_adj(X509_getm_notAfter(certificate), absl::ToInt64Seconds(valid)) == nullptr ||
      !SetCommonName(X509_get_subject_name(certificate), subject) || X509_set_pubkey(certificate, key) != 1) {
    return nullptr;
  }
  if (issuer == nullptr) issuer = certificate;
  if (X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) != 1) return nullptr;
  for (const auto& [extension, value] : extensions) {
    if (!Extend(certificate, issuer, extension, value)) return nullptr;
  }
  return X509_sign(certificate, signer, EVP_sha256()) > 0 ? std::move(made) : nullptr;
}

absl::StatusOr<CertificateAuthority> CertificateAuthority::Make(absl::string_view name, absl::Duration valid) {
  Key key(EVP_EC_gen("P-256"));
  if (key == nullptr) return Failed();
  Certificate certificate = Sign(key.get(), name, nullptr, key.get(),
                                 {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                                  {NID_key_usage, "critical,keyCertSign,cRLSign"},
                                  {NID_subject_key_identifier, "hash"}},
                                 valid);
  if (certificate == nullptr) return Failed();
  return CertificateAuthority(std::move(key), std::move(certificate));
}

absl::StatusOr<CertificateAuthority> CertificateAuthority::Read(const PemPair& pem) {
  const Memory certificate_bytes(BIO_new_mem_buf(pem.certificate.data(), static_cast<int>(pem.certificate.size())));
  const Memory key_bytes(BIO_new_mem_buf(pem.key.data(), static_cast<int>(pem.key.size())));
  Certificate certificate(PEM_read_bio_X509(certificate_bytes.get(), nullptr, nullptr, nullptr));
  // Without a word of its own, OpenSSL would ask the terminal for the password of an encrypted key.
  Key key(PEM_read_bio_PrivateKey(key_bytes.get(), nullptr, nullptr, const_cast<char*>("")));
  ERR_clear_error();
  if (certificate == nullptr) return InvalidArgument("ca.pem", "has no certificate in PEM");
  if (key == nullptr) return InvalidArgument("ca.key", "has no private key in PEM that needs no password");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    return InvalidArgument("ca.key", "is not the key of the certificate in ca.pem");
  }
  if (X509_check_ca(certificate.get()) == 0) return InvalidArgument("ca.pem", "is not the certificate of a CA");
  return CertificateAuthority(std::move(key), std::move(certificate));
}

absl::StatusOr<PemPair> CertificateAuthority::Write(X509* certificate, EVP_PKEY* key) {
  const Memory certificate_bytes(BIO_new(BIO_s_mem()));
  const Memory key_bytes(BIO_new(BIO_s_mem()));
  if (certificate_bytes == nullptr || key_bytes == nullptr ||
      PEM_write_bio_X509(certificate_bytes.get(), certificate) != 1 ||
      PEM_write_bio_PrivateKey(key_bytes.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return Failed();
  }
  return PemPair{.certificate = Text(certificate_bytes.get()), .key = Text(key_bytes.get())};
}

absl::StatusOr<PemPair> CertificateAuthority::pem() const { return Write(certificate_.get(), key_.get()); }

absl::StatusOr<PemPair> CertificateAuthority::Issue(const std::vector<std::string>& names, Use use,
                                                    absl::Duration valid) const {
  std::vector<std::string> alternatives;
  for (const std::string& name : names) {
    // Clients look for what they call the server by, which is a host.
    if (use == Use::kServer && absl::StrContains(name, "://")) {
      return InvalidArgument("NAME",
                             absl::StrCat("\"", name, "\" must be a host or an IP address, without a scheme or port"));
    }
    const auto alternative = AlternativeName(name);
    if (!alternative.ok()) return alternative.status();
    alternatives.push_back(*alternative);
  }
  const Key key(EVP_EC_gen("P-256"));
  if (key == nullptr) return Failed();
  const Certificate certificate =
      Sign(key.get(), names.front(), certificate_.get(), key_.get(),
           {{NID_basic_constraints, "critical,CA:FALSE"},
            {NID_key_usage, "critical,digitalSignature"},
            {NID_ext_key_usage, use == Use::kServer ? "serverAuth,clientAuth" : "clientAuth"},
            {NID_subject_key_identifier, "hash"},
            {NID_authority_key_identifier, "keyid"},
            {NID_subject_alt_name, absl::StrJoin(alternatives, ",")}},
           valid);
  if (certificate == nullptr) return Failed();
  return Write(certificate.get(), key.get());
}

}  // namespace cli
}  // namespace nmq
