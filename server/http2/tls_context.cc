#include "server/http2/tls_context.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/errors.h"
#include "base/pem.h"
#include "glog/logging.h"
#include "server/http2/tls_stream.h"

namespace nmq::http2 {
namespace {

constexpr char kH2[] = "h2";
// What HTTP/2 allows of TLS 1.2: forward secrecy and authenticated encryption.
constexpr char kCiphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

constexpr absl::Duration kWarnBefore = absl::Hours(14 * 24);
constexpr absl::Duration kWarnPeriod = absl::Hours(24);

absl::Time ExpiryOf(const X509& certificate) {
  tm utc = {};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &utc) != 1) return absl::InfinitePast();
  return absl::FromTM(utc, absl::UTCTimeZone());
}

absl::Status CheckTimes(const std::string& path, const X509& certificate) {
  if (X509_cmp_current_time(X509_get0_notAfter(&certificate)) < 0) {
    return InvalidArgument("tls_certificate", absl::StrCat(path, ": has expired; get a new certificate"));
  }
  if (X509_cmp_current_time(X509_get0_notBefore(&certificate)) > 0) {
    return InvalidArgument("tls_certificate",
                           absl::StrCat(path, ": is not valid yet; look at this machine's clock, or get another"));
  }
  return absl::OkStatus();
}

absl::Status UseCertificate(const TlsFiles& files, SSL_CTX* context) {
  const auto chain_file = PemFile::Read("tls_certificate", files.certificate);
  if (!chain_file.ok()) return chain_file.status();
  const auto key_file = PemFile::Read("tls_key", files.key);
  if (!key_file.ok()) return key_file.status();
  const auto chain = chain_file->Certificates();
  if (!chain.ok()) return chain.status();
  const auto key = key_file->Key();
  if (!key.ok()) return key.status();
  X509* const own = chain->front().get();
  absl::Status valid = CheckTimes(files.certificate, *own);
  if (valid.ok()) valid = CheckPair(*own, **key, *chain_file, *key_file);
  if (!valid.ok()) return valid;
  bool used = SSL_CTX_use_certificate(context, own) == 1 && SSL_CTX_use_PrivateKey(context, key->get()) == 1;
  for (size_t i = 1; i < chain->size(); ++i) used = used && SSL_CTX_add1_chain_cert(context, (*chain)[i].get()) == 1;
  if (used) return absl::OkStatus();
  return InvalidArgument("tls_certificate", absl::StrCat(files.certificate, ": cannot be used: ", OpensslReason(),
                                                         "; get one with a larger key or a newer algorithm"));
}

// Clients that have the server's own key are the server's user: nmqd --health_check is one.
int VerifyClient(X509_STORE_CTX* client, void* own) {
  if (X509_cmp(X509_STORE_CTX_get0_cert(client), static_cast<X509*>(own)) != 0) return X509_verify_cert(client);
  X509_STORE_CTX_set_error(client, X509_V_OK);
  return 1;
}

absl::Status RequireClients(const std::string& path, SSL_CTX* context) {
  const auto file = PemFile::Read("tls_client_ca", path);
  if (!file.ok()) return file.status();
  const auto authorities = file->Certificates();
  if (!authorities.ok()) return authorities.status();
  bool used = true;
  for (const Certificate& authority : *authorities) {
    used = used && X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) == 1 &&
           SSL_CTX_add_client_CA(context, authority.get()) == 1;
  }
  if (!used) return InvalidArgument("tls_client_ca", absl::StrCat(path, ": cannot be used: ", OpensslReason()));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context, VerifyClient, SSL_CTX_get0_certificate(context));
  return absl::OkStatus();
}

// OpenSSL's callback for ALPN is for clients that name protocols; this one is for all.
int RequireAlpn(SSL* ssl, int* alert, void*) {
  const unsigned char* names;
  size_t size;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &names, &size) == 1) {
    return SSL_CLIENT_HELLO_SUCCESS;
  }
  ERR_raise_data(ERR_LIB_SSL, SSL_R_NO_APPLICATION_PROTOCOL, "none");
  *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
  return SSL_CLIENT_HELLO_ERROR;
}

int SelectH2(SSL*, const unsigned char** selected, unsigned char* size, const unsigned char* offered,
             unsigned int offered_size, void*) {
  const auto* const end = offered + offered_size;
  for (const auto* name = offered; name < end; name += 1 + *name) {
    if (absl::string_view(reinterpret_cast<const char*>(name) + 1, *name) != kH2) continue;
    *selected = name + 1;
    *size = *name;
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

void SetProtocol(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, kCiphers);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  // Sessions are in the clients' tickets only. With clients' certificates, OpenSSL wants a name for them.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(kH2), sizeof(kH2) - 1);
  SSL_CTX_set_client_hello_cb(context, RequireAlpn, nullptr);
  SSL_CTX_set_alpn_select_cb(context, SelectH2, nullptr);
}

// A file's own; empty if there is none.
std::string StampOf(const std::string& path) {
  struct stat found = {};
  if (path.empty() || stat(path.c_str(), &found) != 0) return "";
  return absl::StrCat(found.st_dev, " ", found.st_ino, " ", found.st_size, " ", found.st_mtim.tv_sec, " ",
                      found.st_mtim.tv_nsec, " ", found.st_ctim.tv_sec, " ", found.st_ctim.tv_nsec);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsContext>> TlsContext::Load(const TlsFiles& files) {
  std::unique_ptr<TlsContext> loaded(new TlsContext(files));
  loaded->stamp_ = loaded->Stamp();
  absl::StatusOr<ContextPtr> context = Read(files);
  if (!context.ok()) return context.status();
  loaded->context_ = *std::move(context);
  loaded->LookAtExpiry();
  return loaded;
}

absl::StatusOr<TlsContext::ContextPtr> TlsContext::Read(const TlsFiles& files) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return absl::InternalError(absl::StrCat("TLS cannot be had: ", OpensslReason()));
  SetProtocol(context.get());
  absl::Status status = UseCertificate(files, context.get());
  if (status.ok() && !files.client_ca.empty()) status = RequireClients(files.client_ca, context.get());
  if (!status.ok()) return status;
  return context;
}

std::string TlsContext::Stamp() const {
  return absl::StrCat(StampOf(files_.certificate), "/", StampOf(files_.key), "/", StampOf(files_.client_ca));
}

void TlsContext::Refresh() {
  std::string stamp = Stamp();
  if (stamp == stamp_) return;
  stamp_ = std::move(stamp);
  absl::StatusOr<ContextPtr> context = Read(files_);
  if (context.ok()) {
    context_ = *std::move(context);
    warned_ = absl::InfinitePast();
    LOG(INFO) << "new connections get the certificate that is now in " << files_.certificate;
  } else {
    LOG(WARNING) << "keeps the certificate that it has: " << context.status().message();
  }
}

void TlsContext::LookAtExpiry() {
  const absl::Time expiry = ExpiryOf(*SSL_CTX_get0_certificate(context_.get()));
  expires_->store(absl::ToUnixSeconds(expiry), std::memory_order_relaxed);
  const absl::Time now = absl::Now();
  if (expiry - now > kWarnBefore || now - warned_ < kWarnPeriod) return;
  warned_ = now;
  LOG(WARNING) << "the certificate in " << files_.certificate << (expiry > now ? " expires at " : " has expired at ")
               << absl::FormatTime(absl::RFC3339_sec, expiry, absl::UTCTimeZone()) << "; put a new one in its place";
}

std::unique_ptr<ByteStream> TlsContext::Serve(int socket) {
  Refresh();
  LookAtExpiry();
  SslPtr ssl(SSL_new(context_.get()));
  if (ssl != nullptr) SSL_set_accept_state(ssl.get());
  return std::make_unique<TlsStream>(std::move(ssl), socket);
}

}  // namespace nmq::http2
