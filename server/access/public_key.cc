#include "server/access/public_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstddef>
#include <memory>

#include "absl/strings/str_cat.h"

namespace nmq {
namespace {

// FIPS 186-5, A.1.1.
constexpr int kExponentBitsMax = 256;
constexpr size_t kEd25519Bytes = 32;
constexpr char kP256[] = "prime256v1";

// The field and the constant of Ed25519, and the y of two points of order 8: RFC 8032, 5.1.
constexpr char kFieldPrime[] = "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed";
constexpr char kCurveD[] = "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3";
constexpr char kYOfOrder8[] = "05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826";

struct Free {
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(BN_CTX* context) const { BN_CTX_free(context); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using Number = std::unique_ptr<BIGNUM, Free>;

absl::Status Wrong(absl::string_view what) { return absl::InvalidArgumentError(what); }

Number FromHex(const char* digits) {
  BIGNUM* made = nullptr;
  BN_hex2bn(&made, digits);
  return Number(made);
}

absl::Status CheckExponent(const EVP_PKEY& key) {
  BIGNUM* read = nullptr;
  if (EVP_PKEY_get_bn_param(&key, OSSL_PKEY_PARAM_RSA_E, &read) != 1) return Wrong("has no e");
  const Number e(read);
  if (!BN_is_odd(e.get()) || BN_is_one(e.get()) || BN_num_bits(e.get()) > kExponentBitsMax) {
    return Wrong(absl::StrCat("its e is not an odd number from 3 to one of ", kExponentBitsMax,
                              " bits; 65537 (AQAB) is the usual one"));
  }
  return absl::OkStatus();
}

// Whether this is a point of the curve, and not one of the eight of low order. OpenSSL asks neither.
bool IsOfHighOrder(unsigned char (&point)[kEd25519Bytes]) {
  point[kEd25519Bytes - 1] &= 0x7f;  // the rest is the sign of x
  const Number y(BN_lebin2bn(point, kEd25519Bytes, nullptr));
  const Number p = FromHex(kFieldPrime);
  const Number d = FromHex(kCurveD);
  const Number y8 = FromHex(kYOfOrder8);
  const Number sum(BN_new());
  const Number u(BN_new());
  const Number v(BN_new());
  const std::unique_ptr<BN_CTX, Free> context(BN_CTX_new());
  if (BN_cmp(y.get(), p.get()) >= 0 || BN_is_zero(y.get()) || BN_cmp(y.get(), y8.get()) == 0) return false;
  BN_add(sum.get(), y.get(), y8.get());
  if (BN_cmp(sum.get(), p.get()) == 0) return false;
  // x^2 = u / v is a square if u * v is one: it is 0 for y = 1 and y = -1, which are of low order, too.
  BN_mod_sqr(u.get(), y.get(), p.get(), context.get());
  BN_mod_mul(v.get(), d.get(), u.get(), p.get(), context.get());
  BN_sub_word(u.get(), 1);
  BN_add_word(v.get(), 1);
  BN_mod_mul(sum.get(), u.get(), v.get(), p.get(), context.get());
  return BN_kronecker(sum.get(), p.get(), context.get()) == 1;
}

absl::Status CheckByType(EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA: {
      const int bits = EVP_PKEY_get_bits(key);
      if (bits < kRsaBitsMin || bits > kRsaBitsMax) {
        return Wrong(absl::StrCat("its key has ", bits, " bits; one of RSA needs ", kRsaBitsMin, " to ", kRsaBitsMax));
      }
      return CheckExponent(*key);
    }
    case EVP_PKEY_EC: {
      char curve[sizeof(kP256)] = {};
      size_t size = 0;
      if (EVP_PKEY_get_group_name(key, curve, sizeof(curve), &size) == 1 && absl::string_view(curve) == kP256) {
        return absl::OkStatus();
      }
      return Wrong("is not on P-256");
    }
    case EVP_PKEY_ED25519: {
      unsigned char point[kEd25519Bytes];
      size_t size = sizeof(point);
      if (EVP_PKEY_get_raw_public_key(key, point, &size) != 1 || size != kEd25519Bytes || !IsOfHighOrder(point)) {
        return Wrong("its x is no point of Ed25519 that could be a public key");
      }
      return absl::OkStatus();
    }
    default:
      return Wrong("is none of RSA, on P-256, or of Ed25519");
  }
}

}  // namespace

absl::Status CheckPublicKey(absl::string_view der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<EVP_PKEY, Free> key(d2i_PUBKEY(nullptr, &bytes, static_cast<long>(der.size())));
  absl::Status status =
      key == nullptr ? Wrong("is not what a public key of its type (kty) has") : CheckByType(key.get());
  if (status.ok()) {
    const std::unique_ptr<EVP_PKEY_CTX, Free> context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
    if (context == nullptr || EVP_PKEY_public_check(context.get()) != 1)
      status = Wrong("is no good public key of its type");
  }
  ERR_clear_error();
  return status;
}

}  // namespace nmq
