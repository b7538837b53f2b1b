#include "server/http2/client_certificate.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace nmq::http2 {
namespace {

// What is read of a certificate: others name nobody whom the server knows.
constexpr int kNamesMax = 64;
constexpr size_t kNameBytesMax = 1 << 10;

struct NamesFree {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

// As ClientCertificate has it; empty if it is of another kind.
std::string TextOf(const GENERAL_NAME& name) {
  if (name.type != GEN_DNS && name.type != GEN_URI) return "";
  const ASN1_IA5STRING* const value = name.type == GEN_DNS ? name.d.dNSName : name.d.uniformResourceIdentifier;
  const absl::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                               static_cast<size_t>(ASN1_STRING_length(value)));
  if (text.empty() || text.size() > kNameBytesMax || text.find('\0') != absl::string_view::npos) return "";
  return name.type == GEN_DNS ? absl::StrCat("DNS:", absl::AsciiStrToLower(text)) : absl::StrCat("URI:", text);
}

absl::Time EndOf(const X509& certificate) {
  std::tm time = {};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &time) != 1) return absl::InfinitePast();
  return absl::FromTM(time, absl::UTCTimeZone());
}

}  // namespace

std::unique_ptr<const ClientCertificate> ReadClientCertificate(const SSL& ssl) {
  X509* const shown = SSL_get0_peer_certificate(&ssl);
  if (shown == nullptr || SSL_get_verify_result(&ssl) != X509_V_OK) return nullptr;
  auto read = std::make_unique<ClientCertificate>();
  read->expiry = EndOf(*shown);
  const std::unique_ptr<GENERAL_NAMES, NamesFree> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(shown, NID_subject_alt_name, nullptr, nullptr)));
  ERR_clear_error();
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()) && i < kNamesMax; ++i) {
    std::string text = TextOf(*sk_GENERAL_NAME_value(names.get(), i));
    if (!text.empty()) read->names.push_back(std::move(text));
  }
  return read;
}

}  // namespace nmq::http2
