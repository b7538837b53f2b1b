#include "client/cli/explain.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/errors.h"
#include "client/cli/human.h"

namespace nmq {
namespace cli {
namespace {

// gRPC says what happened behind where it happened.
std::string LastPart(absl::string_view message) {
  const size_t colon = message.rfind(": ");
  if (colon != absl::string_view::npos) message.remove_prefix(colon + 2);
  std::string part(message.data(), message.size());
  if (part.size() > 1 && absl::ascii_islower(static_cast<unsigned char>(part[1]))) {
    part[0] = absl::ascii_tolower(static_cast<unsigned char>(part[0]));
  }
  return part.empty() ? "no answer" : part;
}

// What to do about a server that was not reached, by what gRPC says of it.
absl::string_view Advice(absl::string_view message) {
  if (absl::StrContains(message, "wrong version number")) {
    return "The server speaks no TLS: leave --tls-ca, --tls-certificate and their variables out.";
  }
  // The second is what OpenSSL says of another CA with the same name.
  if (absl::StrContains(message, "certificate verify failed") ||
      absl::StrContains(message, "asn1 encoding routines::EVP lib")) {
    return "The server's certificate is none of that CA, or has expired: see --tls-ca or NMQ_TLS_CA.";
  }
  if (absl::StrContains(message, "is not in peer certificate")) {
    return "Name the server by --server or NMQ_SERVER as its certificate does.";
  }
  // A server that refuses a client's certificate ends the connection, and so does one that ends.
  if (absl::EndsWith(message, "Endpoint read failed")) {
    return "Has nmqd ended? If it asks for certificates, name one that its CA has made with --tls-certificate and "
           "--tls-key.";
  }
  if (absl::EndsWith(message, "Socket closed") || absl::EndsWith(message, "Connection reset by peer")) {
    return "Has nmqd ended? If it serves TLS, name its CA with --tls-ca or NMQ_TLS_CA.";
  }
  return "Is nmqd running? Start it, or name another with --server or NMQ_SERVER.";
}

// The library's "ClientOptions.tls_ca: ..." is "--tls-ca: ..." here.
std::string OptionOf(absl::string_view message) {
  const std::string text(message);
  absl::string_view rest = text;
  if (!absl::ConsumePrefix(&rest, "ClientOptions.")) return text;
  const size_t name_size = std::min(rest.find(':'), rest.size());
  return absl::StrCat("--", absl::StrReplaceAll(rest.substr(0, name_size), {{"_", "-"}}), rest.substr(name_size));
}

std::string Reason(v1::GapReason reason) {
  switch (reason) {
    case v1::GAP_REASON_SLOW_SUBSCRIBER:
      return ": this subscriber was too slow";
    case v1::GAP_REASON_NOT_HELD:
      return ": the queue no longer holds them";
    case v1::GAP_REASON_EPOCH_CHANGED:
      return ": the queue has begun anew";
    case v1::GAP_REASON_DROPPED_NEWEST:
      return ": this subscriber was too slow for the newest";
    case v1::GAP_REASON_SUPERSEDED:
      return ": newer ones with their keys follow";
    case v1::GAP_REASON_EXPIRED:
      return ": their time was over";
    case v1::GAP_REASON_PURGED:
      return ": they were purged";
    case v1::GAP_REASON_RETENTION:
      return ": the queue gave them up before they were done";
    default:
      return "";
  }
}

}  // namespace

std::string Explain(const absl::Status& status, absl::string_view server) {
  const std::string reason = ReasonOf(status);
  if (absl::IsUnavailable(status) && reason.empty()) {
    return absl::StrCat("cannot reach ", server, ": ", LastPart(status.message()), ". ", Advice(status.message()));
  }
  std::string text = OneLine(status.message().empty() ? "no reason given" : OptionOf(status.message()));
  absl::StrAppend(&text, " (", absl::StatusCodeToString(status.code()));
  if (!reason.empty()) absl::StrAppend(&text, ", ", reason);
  return text + ")";
}

std::string ExplainBriefly(const absl::Status& status) {
  const bool by_server = !absl::IsUnavailable(status) || !ReasonOf(status).empty();
  return by_server ? OneLine(status.message()) : OneLine(LastPart(status.message()));
}

std::string Explain(const v1::Gap& gap) {
  std::string text = "messages";
  if (gap.has_count())
    text = gap.count() == 1 ? "at most 1 message" : absl::StrCat("at most ", Count(gap.count()), " messages");
  absl::StrAppend(&text, " of ", OneLine(gap.queue()), " missing (");
  if (gap.last() == 0) {
    absl::StrAppend(&text, "from sequence ", gap.first(), " on");
  } else if (gap.first() == gap.last()) {
    absl::StrAppend(&text, "sequence ", gap.first());
  } else {
    absl::StrAppend(&text, "sequences ", gap.first(), " to ", gap.last());
  }
  return absl::StrCat(text, ")", Reason(gap.reason()));
}

}  // namespace cli
}  // namespace nmq
