#include "server/access/public_key.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace nmq {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Pair = std::unique_ptr<EVP_PKEY, Free>;

std::string DerOf(const Pair& pair) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(pair.get(), &der);
  std::string text(reinterpret_cast<const char*>(der), size > 0 ? static_cast<size_t>(size) : 0);
  OPENSSL_free(der);
  return text;
}

Pair OnCurve(const char* curve) { return Pair(EVP_EC_gen(curve)); }
Pair OfType(const char* type) { return Pair(EVP_PKEY_Q_keygen(nullptr, nullptr, type)); }
Pair Rsa(size_t bits) { return Pair(EVP_RSA_gen(bits)); }

TEST(PublicKey, OfEachTypeThatSignsTokensIsGood) {
  for (const Pair& pair : {OnCurve("P-256"), OfType("ED25519"), Rsa(2048)}) {
    EXPECT_TRUE(CheckPublicKey(DerOf(pair)).ok()) << CheckPublicKey(DerOf(pair));
  }
  for (int time = 0; time < 50; ++time) EXPECT_TRUE(CheckPublicKey(DerOf(OfType("ED25519"))).ok());
}

TEST(PublicKey, OfAnotherTypeOrSizeIsRefused) {
  const auto message = [](const Pair& pair) { return std::string(CheckPublicKey(DerOf(pair)).message()); };
  EXPECT_TRUE(absl::StrContains(message(OnCurve("P-384")), "P-256"));
  EXPECT_TRUE(absl::StrContains(message(OnCurve("secp256k1")), "P-256"));
  EXPECT_TRUE(absl::StrContains(message(OfType("X25519")), "is none of RSA"));
  EXPECT_TRUE(absl::StrContains(message(OfType("ED448")), "is none of RSA"));
  EXPECT_TRUE(absl::StrContains(message(Rsa(1024)), "1024 bits"));
}

TEST(PublicKey, WhatIsNoneIsRefused) {
  const std::string good = DerOf(OnCurve("P-256"));
  EXPECT_FALSE(CheckPublicKey("").ok());
  for (size_t size = 1; size < good.size(); ++size) EXPECT_FALSE(CheckPublicKey(good.substr(0, size)).ok()) << size;
  std::string off = good;
  off.back() = static_cast<char>(off.back() ^ 1);
  EXPECT_FALSE(CheckPublicKey(off).ok());
}

}  // namespace
}  // namespace nmq
