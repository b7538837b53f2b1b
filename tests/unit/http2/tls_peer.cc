#include "tests/unit/http2/tls_peer.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "gtest/gtest.h"

namespace nmq::http2 {
namespace {

BIO* Memory(const std::string& text) { return BIO_new_mem_buf(text.data(), static_cast<int>(text.size())); }

X509* Certificate(const std::string& pem) {
  BIO* const memory = Memory(pem);
  X509* const certificate = PEM_read_bio_X509(memory, nullptr, nullptr, nullptr);
  BIO_free(memory);
  return certificate;
}

void Use(const Credentials& own, SSL_CTX* context) {
  X509* const certificate = Certificate(own.certificate);
  SSL_CTX_use_certificate(context, certificate);
  X509_free(certificate);
  BIO* const memory = Memory(own.key);
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(memory, nullptr, nullptr, nullptr);
  SSL_CTX_use_PrivateKey(context, key);
  EVP_PKEY_free(key);
  BIO_free(memory);
}

SSL_CTX* ContextFor(const TlsPeer::Options& options) {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, options.version);
  SSL_CTX_set_max_proto_version(context, options.version);
  SSL_CTX_set_security_level(context, 0);  // so that versions of old can be tried
  if (!options.ca.empty()) {
    X509* const authority = Certificate(options.ca);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority);
    X509_free(authority);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }
  if (!options.own.certificate.empty()) Use(options.own, context);
  if (!options.alpn.empty()) {
    SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(options.alpn.data()),
                            static_cast<unsigned>(options.alpn.size()));
  }
  return context;
}

}  // namespace

TlsPeer::TlsPeer(int socket, const Options& options)
    : socket_(socket),
      context_(ContextFor(options)),
      ssl_(SSL_new(context_)),
      in_(BIO_new(BIO_s_mem())),
      out_(BIO_new(BIO_s_mem())) {
  SSL_set_bio(ssl_, in_, out_);
  SSL_set_connect_state(ssl_);
}

TlsPeer::~TlsPeer() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
  close(socket_);
  ERR_clear_error();
}

void TlsPeer::Take() {
  char buffer[16 << 10];
  while (true) {
    ERR_clear_error();
    size_t part = 0;
    const int outcome = SSL_read_ex(ssl_, buffer, sizeof(buffer), &part);
    if (outcome == 1) {
      received_.append(buffer, part);
      continue;
    }
    const int error = SSL_get_error(ssl_, outcome);
    if (error == SSL_ERROR_ZERO_RETURN) closed_ = true;
    if (error == SSL_ERROR_SSL && failure_ == 0) failure_ = ERR_GET_REASON(ERR_peek_error());
    break;
  }
  ERR_clear_error();
  char* encrypted;
  const long size = BIO_get_mem_data(out_, &encrypted);
  unsent_.append(encrypted, static_cast<size_t>(size));
  BIO_reset(out_);
}

void TlsPeer::Step(size_t bytes) {
  Take();
  const ssize_t sent = send(socket_, unsent_.data(), std::min(bytes, unsent_.size()), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent > 0) unsent_.erase(0, static_cast<size_t>(sent));
  std::string arrived(bytes, 0);
  const ssize_t got = recv(socket_, arrived.data(), bytes, MSG_DONTWAIT);
  if (got == 0) ended_ = true;
  if (got > 0) BIO_write(in_, arrived.data(), static_cast<int>(got));
  Take();
}

void TlsPeer::Write(absl::string_view bytes) {
  size_t written = 0;
  EXPECT_EQ(SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written), 1);
  EXPECT_EQ(written, bytes.size());
}

void TlsPeer::WriteRaw(absl::string_view bytes) {
  EXPECT_EQ(send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT), static_cast<ssize_t>(bytes.size()));
}

}  // namespace nmq::http2
