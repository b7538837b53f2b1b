// Names in clients' certificates, by which callers are known: each is a DNS name or a URI of the subjectAltName.
#ifndef NMQ_SERVER_ACCESS_CERTIFICATE_NAME_H_
#define NMQ_SERVER_ACCESS_CERTIFICATE_NAME_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace nmq {

// As ClientCertificate has it, such as "DNS:api.example.com" or "URI:spiffe://example.com/api". None for what is
// neither a DNS name without a wildcard nor a URI with a scheme, or has more than 1024 bytes.
std::optional<std::string> CertificateNameOf(absl::string_view text);

// What a certificate with these names is told about them: at most three of them, quoted.
std::string DescribeCertificateNames(const std::vector<std::string>& names);

}  // namespace nmq

#endif  // NMQ_SERVER_ACCESS_CERTIFICATE_NAME_H_
