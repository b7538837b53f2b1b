#include "server/access/jwks.h"

#include <jansson.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/access/public_key.h"

namespace nmq {
namespace {

// More than the greatest key of RSA takes.
constexpr size_t kDerBytesMax = 8 << 10;

constexpr std::array<std::pair<JwsAlgorithm, absl::string_view>, 4> kNames = {{{JwsAlgorithm::kRs256, "RS256"},
                                                                               {JwsAlgorithm::kEs256, "ES256"},
                                                                               {JwsAlgorithm::kEdDsa, "EdDSA"},
                                                                               {JwsAlgorithm::kHs256, "HS256"}}};

struct JsonFree {
  void operator()(json_t* json) const { json_decref(json); }
};
using JsonPtr = std::unique_ptr<json_t, JsonFree>;

// Empty if it is none.
absl::string_view TextOf(const json_t* object, const char* name) {
  const json_t* const value = json_object_get(object, name);
  return json_is_string(value) ? absl::string_view(json_string_value(value), json_string_length(value)) : "";
}

// By what the key is; none if it is of a type that signs no tokens here.
std::optional<JwsAlgorithm> AlgorithmOf(const json_t* key) {
  const absl::string_view type = TextOf(key, "kty");
  const absl::string_view curve = TextOf(key, "crv");
  if (type == "RSA") return JwsAlgorithm::kRs256;
  if (type == "EC" && curve == "P-256") return JwsAlgorithm::kEs256;
  if (type == "OKP" && curve == "Ed25519") return JwsAlgorithm::kEdDsa;
  if (type == "oct") return JwsAlgorithm::kHs256;
  return std::nullopt;
}

// Whether the key says that it is for something else.
bool IsForOthers(const json_t* key, JwsAlgorithm algorithm) {
  const json_t* const use = json_object_get(key, "use");
  const json_t* const named = json_object_get(key, "alg");
  if (use != nullptr && TextOf(key, "use") != "sig") return true;
  if (named != nullptr && TextOf(key, "alg") != NameOf(algorithm)) return true;
  const json_t* const operations = json_object_get(key, "key_ops");
  if (operations == nullptr) return false;
  for (size_t i = 0; i < json_array_size(operations); ++i) {
    const json_t* const one = json_array_get(operations, i);
    if (json_is_string(one) && absl::string_view(json_string_value(one)) == "verify") return false;
  }
  return true;
}

struct KeyNumber {
  const char* name;
  size_t bytes_min;
  size_t bytes_max;
};
// What a public key is written as. Of P-256, some leave out the zeros before a coordinate.
std::vector<KeyNumber> NumbersOf(JwsAlgorithm algorithm) {
  constexpr size_t kPointBytes = 32;
  if (algorithm == JwsAlgorithm::kRs256) return {{"n", 1, kDerBytesMax}, {"e", 1, kDerBytesMax}};
  if (algorithm == JwsAlgorithm::kEs256) return {{"x", 1, kPointBytes}, {"y", 1, kPointBytes}};
  return {{"x", kPointBytes, kPointBytes}};
}

// Without padding and spaces, of which decoders think differently.
bool IsBase64Url(absl::string_view text, std::string* bytes) {
  const auto is_digit = [](unsigned char c) { return absl::ascii_isalnum(c) || c == '-' || c == '_'; };
  return std::all_of(text.begin(), text.end(), is_digit) && absl::WebSafeBase64Unescape(text, bytes);
}

// Reads one key of a set.
class KeyReader {
 public:
  KeyReader(absl::string_view file_name, size_t index) : at_(absl::StrCat(file_name, ": keys[", index, "]")) {}

  // None for one that is to be left out.
  absl::StatusOr<std::optional<JwsKey>> Read(const json_t* from) {
    if (!json_is_object(from)) return Wrong("is no object");
    const std::optional<JwsAlgorithm> algorithm = AlgorithmOf(from);
    if (!algorithm || IsForOthers(from, *algorithm)) return std::nullopt;
    JwsKey key{std::string(TextOf(from, "kid")), *algorithm, "", nullptr, ""};
    absl::Status status = Import(from, &key);
    if (status.ok()) status = CheckStrength(from, &key);
    if (!status.ok()) return status;
    return std::optional<JwsKey>(std::move(key));
  }

 private:
  absl::Status Wrong(absl::string_view what) const { return absl::InvalidArgumentError(absl::StrCat(at_, ": ", what)); }

  absl::Status Import(const json_t* from, JwsKey* key) {
    // What it is, and nothing that leads elsewhere.
    const JsonPtr plain(json_deep_copy(from));
    for (const char* name : {"x5u", "x5c", "x5t", "x5t#S256"}) json_object_del(plain.get(), name);
    jwk_t* made = nullptr;
    if (r_jwk_init(&made) != RHN_OK) return absl::ResourceExhaustedError("no memory for a key");
    key->key.reset(made);
    if (r_jwk_import_from_json_t(made, plain.get()) != RHN_OK) {
      return Wrong("is not what a key of its type (kty) has; RFC 7518, 6 says what that is");
    }
    return absl::OkStatus();
  }

  // As the library takes it when it verifies by it.
  absl::Status CheckPublic(const json_t* from, const JwsKey& key) const {
    for (const auto& [name, bytes_min, bytes_max] : NumbersOf(key.algorithm)) {
      std::string bytes;
      if (!IsBase64Url(TextOf(from, name), &bytes)) return Wrong(absl::StrCat("its ", name, " is no base64url"));
      if (bytes.size() < bytes_min || bytes.size() > bytes_max) {
        return Wrong(
            absl::StrCat("its ", name, " has ", bytes.size(), " bytes; it may have ", bytes_min, " to ", bytes_max));
      }
    }
    std::vector<unsigned char> der(kDerBytesMax);
    size_t size = der.size();
    if (r_jwk_export_to_pem_der(key.key.get(), R_FORMAT_DER, der.data(), &size, R_FLAG_IGNORE_REMOTE) != RHN_OK) {
      return Wrong("is no good public key of its type");
    }
    const absl::Status status = CheckPublicKey({reinterpret_cast<const char*>(der.data()), size});
    return status.ok() ? status : Wrong(status.message());
  }

  absl::Status CheckStrength(const json_t* from, JwsKey* key) {
    unsigned bits = 0;
    const int type = r_jwk_key_type(key->key.get(), &bits, R_FLAG_IGNORE_REMOTE);
    if ((type & R_KEY_TYPE_PRIVATE) != 0) {
      return Wrong(
          "is a private key: the server needs the public one only; make another pair, and keep its private key "
          "with who signs");
    }
    if (key->algorithm == JwsAlgorithm::kHs256) {
      if (!absl::WebSafeBase64Unescape(TextOf(from, "k"), &key->secret)) return Wrong("its k is no base64url");
      if (key->secret.size() < Jwks::kSecretBytesMin) {
        return Wrong(absl::StrCat("its secret has ", key->secret.size(), " bytes; it needs ", Jwks::kSecretBytesMin));
      }
    } else if ((type & R_KEY_TYPE_PUBLIC) == 0) {
      return Wrong("is no public key");
    }
    if (key->algorithm == JwsAlgorithm::kRs256 && bits > kRsaBitsMax) {
      return Wrong(absl::StrCat("its key has ", bits, " bits; one of RSA may have ", kRsaBitsMax));
    }
    if (key->algorithm != JwsAlgorithm::kHs256) {
      const absl::Status status = CheckPublic(from, *key);
      if (!status.ok()) return status;
    }
    char* const thumbprint = r_jwk_thumbprint(key->key.get(), R_JWK_THUMB_SHA256, R_FLAG_IGNORE_REMOTE);
    if (thumbprint == nullptr) return Wrong("cannot be used");
    key->thumbprint = thumbprint;
    r_free(thumbprint);
    return absl::OkStatus();
  }

  const std::string at_;
};

}  // namespace

void SetUpJose() {
  static const int done = r_global_init();
  static_cast<void>(done);
}

absl::string_view NameOf(JwsAlgorithm algorithm) { return kNames[static_cast<size_t>(algorithm)].second; }

std::optional<JwsAlgorithm> JwsAlgorithmOf(absl::string_view name) {
  for (const auto& [algorithm, its_name] : kNames) {
    if (its_name == name) return algorithm;
  }
  return std::nullopt;
}

absl::StatusOr<std::unique_ptr<Jwks>> Jwks::Parse(absl::string_view json, absl::string_view file_name) {
  const auto wrong = [&](absl::string_view what) { return absl::InvalidArgumentError(absl::StrCat(file_name, what)); };
  SetUpJose();
  if (json.size() > kBytesMax) return LimitExceeded("bytes", json.size(), kBytesMax, file_name);
  json_error_t error;
  const JsonPtr set(json_loadb(json.data(), json.size(), JSON_REJECT_DUPLICATES, &error));
  // What else the error says has some of the file in it.
  if (set == nullptr) return wrong(absl::StrCat(":", error.line, ":", error.column, ": is no JSON"));
  const json_t* const keys = json_object_get(set.get(), "keys");
  if (!json_is_array(keys)) return wrong(": has no list \"keys\"; a key set is {\"keys\": [...]}");
  if (json_array_size(keys) > kKeysMax) return LimitExceeded("keys", json_array_size(keys), kKeysMax, file_name);
  std::unique_ptr<Jwks> read(new Jwks);
  for (size_t i = 0; i < json_array_size(keys); ++i) {
    auto key = KeyReader(file_name, i).Read(json_array_get(keys, i));
    if (!key.ok()) return key.status();
    if (!key->has_value()) continue;
    for (const JwsKey& other : read->keys_) {
      if (other.id != (**key).id || other.algorithm != (**key).algorithm) continue;
      return wrong(absl::StrCat(": keys[", i, "]: there is another key with its kid ", Quote(other.id),
                                " and of its type, so that no token could say which"));
    }
    read->keys_.push_back(**std::move(key));
  }
  if (read->keys_.empty()) return wrong(": has no key that could verify tokens");
  return read;
}

const JwsKey* Jwks::Find(JwsAlgorithm algorithm, absl::string_view id) const {
  const JwsKey* found = nullptr;
  for (const JwsKey& key : keys_) {
    if (key.algorithm != algorithm || (!id.empty() && key.id != id)) continue;
    if (found != nullptr) return nullptr;
    found = &key;
  }
  return found;
}

bool Jwks::Has(JwsAlgorithm algorithm) const {
  return std::any_of(keys_.begin(), keys_.end(), [&](const JwsKey& key) { return key.algorithm == algorithm; });
}

bool Jwks::HasThumbprint(absl::string_view thumbprint) const {
  return std::any_of(keys_.begin(), keys_.end(), [&](const JwsKey& key) { return key.thumbprint == thumbprint; });
}

}  // namespace nmq
