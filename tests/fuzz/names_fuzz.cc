// Small texts from outside: patterns, page tokens, tokens, and values of HTTP/2 headers.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/names.h"
#include "base/token.h"
#include "glog/logging.h"
#include "server/http2/wire.h"
#include "server/registry/page.h"

namespace {

constexpr char kSecret[] = "Canary5f0c!";

void CheckPattern(absl::string_view text, absl::string_view name) {
  const auto pattern = nmq::Pattern::Parse("pattern", text);
  if (!pattern.ok() || !nmq::IsName(name)) return;
  const bool matches = pattern->Matches(name);
  if (pattern->MatchesAll()) CHECK(matches);
  if (pattern->IsName()) CHECK_EQ(matches, pattern->text() == name);
}

void CheckPageToken(absl::string_view text, absl::string_view key) {
  const auto read = nmq::broker::KeyOfPageToken("queues", "shop", text);
  if (read.ok() && !text.empty())
    CHECK(nmq::broker::KeyOfPageToken("rooms", "shop", text).status().code() == absl::StatusCode::kInvalidArgument);
  if (!nmq::IsName(key)) return;
  const auto again = nmq::broker::KeyOfPageToken("queues", "shop", nmq::broker::PageToken("queues", "shop", key));
  CHECK(again.ok() && *again == key);
}

void CheckKeptToken(absl::string_view text, absl::string_view token) {
  // What is wrong may be a secret.
  const auto wrong = nmq::KeptToken::Parse("token", absl::StrCat(text, kSecret));
  CHECK(!absl::StrContains(wrong.status().message(), kSecret));
  const auto kept = nmq::KeptToken::Parse("token", text);
  if (!kept.ok()) return;
  CHECK_EQ(kept->text(), text);
  CHECK(!kept->Matches(token) || nmq::IdOfToken(token) == kept->id());
}

void CheckHeaders(absl::string_view text) {
  const auto timeout = nmq::http2::ParseTimeout(text);
  CHECK(!timeout.has_value() || *timeout >= absl::ZeroDuration());
  nmq::http2::IsGrpc(text);
  nmq::http2::ParseEncoding(text).IgnoreError();
  const auto bytes = nmq::http2::DecodeBinary(text);
  if (bytes.has_value()) CHECK(nmq::http2::DecodeBinary(nmq::http2::EncodeBinary(*bytes)) == bytes);
  for (const char c : nmq::http2::PercentEncode(text)) CHECK(c >= ' ' && c <= '~');
}

}  // namespace

// The first byte says where the input is cut in two.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view all(reinterpret_cast<const char*>(data) + 1, size - 1);
  const absl::string_view first = all.substr(0, data[0]);
  const absl::string_view second = all.substr(first.size());
  CheckPattern(first, second);
  CheckPageToken(first, second);
  CheckKeptToken(first, second);
  nmq::IdOfToken(first);
  CheckHeaders(first);
  return 0;
}
