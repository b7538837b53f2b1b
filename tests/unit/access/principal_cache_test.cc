#include "server/access/principal_cache.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace nmq {
namespace {

Principal Named(const std::string& name) {
  Principal principal;
  principal.name = name;
  return principal;
}

TEST(PrincipalCache, FindsWhatWasAdded) {
  PrincipalCache cache(10, 100'000);
  EXPECT_EQ(cache.Find("t"), nullptr);
  const auto added = cache.Add("t", Named("a"));
  EXPECT_EQ(cache.Find("t"), added);
  EXPECT_EQ(cache.Add("t", Named("b")), added) << "the first stays";
  EXPECT_EQ(added->name, "a");
}

TEST(PrincipalCache, OldestGoesWhenItIsFull) {
  PrincipalCache cache(3, 100'000);
  for (int i = 0; i < 4; ++i) cache.Add(absl::StrCat(i), Named(absl::StrCat(i)));
  EXPECT_EQ(cache.size(), 3u);
  EXPECT_EQ(cache.Find("0"), nullptr);
  EXPECT_NE(cache.Find("1"), nullptr);
  EXPECT_EQ(cache.Add("0", Named("new"))->name, "new");
}

TEST(PrincipalCache, BytesAreBounded) {
  PrincipalCache cache(1'000, 100'000);
  for (int i = 0; i < 100; ++i) {
    Principal principal = Named("a");
    principal.claims = {std::string(4'000, 'x')};
    cache.Add(absl::StrCat(std::string(4'000, 't'), i), principal);
  }
  EXPECT_GT(cache.size(), 5u);
  EXPECT_LT(cache.size(), 13u);
}

}  // namespace
}  // namespace nmq
