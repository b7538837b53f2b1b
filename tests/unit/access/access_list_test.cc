#include "server/access/access_list.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "base/random.h"
#include "base/token.h"
#include "gtest/gtest.h"

namespace nmq {
namespace {

std::string Identity(const std::string& name, const NewToken& token) {
  return absl::StrCat("identity { name: '", name, "' token: '", token.kept, "' }\n");
}

std::string Grant(const std::string& identity, const std::string& name_space, const std::string& rights) {
  std::string grant = absl::StrCat("grant { identity: '", identity, "' namespace: '", name_space, "'");
  return absl::StrCat(grant, " ", rights, " }\n");
}

constexpr Right kRights[] = {Right::kConnect, Right::kPublish, Right::kSubscribe,
                             Right::kJoin,    Right::kInspect, Right::kAdmin};

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

Principal Named(const std::string& name) {
  Principal principal;
  principal.name = name;
  return principal;
}

TEST(AccessList, TokenStandsForItsIdentity) {
  const NewToken api = MakeToken(SystemRandom());
  const NewToken again = MakeToken(SystemRandom());
  const NewToken other = MakeToken(SystemRandom());
  auto list = AccessList::Parse(
      absl::StrCat("identity { name: 'api' token: '", api.kept, "' token: '", again.kept, "' }"), "access.textproto");
  ASSERT_TRUE(list.ok()) << list.status();
  for (int time = 0; time < 2; ++time) {
    for (const NewToken& token : {api, again}) {
      const auto found = (*list)->Identify(token.token, kNow);
      ASSERT_TRUE(found.ok()) << found.status();
      EXPECT_EQ((*found)->name, "api");
      EXPECT_TRUE((*list)->StillKnows(**found, kNow).ok());
    }
    for (const std::string& wrong :
         {other.token, api.token + "a", api.token + " ", "\"" + api.token + "\"", std::string()}) {
      EXPECT_EQ(ReasonOf((*list)->Identify(wrong, kNow).status()), "CREDENTIALS_UNKNOWN") << wrong;
    }
  }
}

TEST(AccessList, BoundsWhatOneHasInOneNamespace) {
  const std::string claim = "grant { claim { name: 'role' value: 'ops' } namespace: 'shop' right: RIGHT_JOIN }\n";
  for (const std::string& grant :
       {Grant("api", "shop", "right: RIGHT_JOIN"), Grant("**", "shop", "right: RIGHT_JOIN"), claim}) {
    std::string text = absl::StrCat("identity { name: 'api' }\n", Grant("api", "other", "right: RIGHT_JOIN"));
    for (int i = 0; i < 1'000; ++i) text += grant;
    EXPECT_TRUE(AccessList::Parse(text, "access.textproto").ok());
    const absl::Status status = AccessList::Parse(text + grant, "access.textproto").status();
    EXPECT_TRUE(absl::StartsWith(status.message(), "access.textproto:1003:")) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "1001 exceeds the limit of 1000")) << status;
  }
}

TEST(AccessList, WhatIsNotGrantedIsForbidden) {
  const NewToken token = MakeToken(SystemRandom());
  auto list = AccessList::Parse(absl::StrCat(Identity("api", token), Grant("api", "shop", "right: RIGHT_PUBLISH"),
                                             Grant("api", "shop.*", "right: RIGHT_JOIN right: RIGHT_CONNECT")),
                                "access.textproto");
  ASSERT_TRUE(list.ok()) << list.status();
  for (const Right right : kRights) {
    const absl::Status shop = (*list)->Check(Named("api"), right, "shop");
    EXPECT_EQ(shop.code(), right == Right::kPublish ? absl::StatusCode::kOk : absl::StatusCode::kPermissionDenied);
    EXPECT_TRUE(shop.ok() || absl::StrContains(shop.message(), NameOf(right))) << shop;
    const bool joins = right == Right::kJoin || right == Right::kConnect;
    EXPECT_EQ((*list)->Check(Named("api"), right, "shop.a").ok(), joins);
    EXPECT_EQ((*list)->Check(Named("api"), right, "other").code(), absl::StatusCode::kNotFound);
    EXPECT_EQ((*list)->Check(Named("api"), right, "").code(), absl::StatusCode::kPermissionDenied);
    EXPECT_EQ((*list)->Check(Named("nobody"), right, "shop").code(), absl::StatusCode::kNotFound);
  }
}

TEST(AccessList, OnlyAGrantForAllNamespacesIsOneForWhatConcernsThemAll) {
  const NewToken token = MakeToken(SystemRandom());
  auto list =
      AccessList::Parse(absl::StrCat(Identity("a", token), Identity("b", MakeToken(SystemRandom())),
                                     Grant("**", "*", "right: RIGHT_JOIN"), Grant("b", "**", "right: RIGHT_INSPECT")),
                        "access.textproto");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_FALSE((*list)->Check(Named("a"), Right::kInspect, "").ok());
  EXPECT_TRUE((*list)->Check(Named("b"), Right::kInspect, "").ok());
  EXPECT_TRUE((*list)->Check(Named("b"), Right::kInspect, "x").ok());
  EXPECT_TRUE((*list)->Check(Named("b"), Right::kJoin, "x").ok());
  EXPECT_FALSE((*list)->Check(Named("b"), Right::kJoin, "").ok());
}

TEST(AccessList, GrantMayBeForSomeQueuesAndRooms) {
  const auto list = AccessList::Parse(
      absl::StrCat(Identity("api", MakeToken(SystemRandom())),
                   "grant { identity: 'api' namespace: 'shop' queue: 'a.*' room: 'r' right: RIGHT_PUBLISH }\n",
                   "grant { identity: 'api' namespace: 'shop' queue: 'b' right: RIGHT_INSPECT }\n"),
      "f");
  ASSERT_TRUE(list.ok()) << list.status();
  const auto code = [&](Right right, absl::string_view queue, absl::string_view room) {
    return (*list)->Check(Named("api"), right, {"shop", queue, room}).code();
  };
  EXPECT_EQ(code(Right::kPublish, "", ""), absl::StatusCode::kOk) << "something of the namespace";
  EXPECT_EQ(code(Right::kPublish, "a.x", "r"), absl::StatusCode::kOk);
  EXPECT_EQ(code(Right::kPublish, "a.x", "s"), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(code(Right::kPublish, "a.x", "**"), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(code(Right::kPublish, "b", "r"), absl::StatusCode::kPermissionDenied) << "it may inspect that one";
  EXPECT_EQ(code(Right::kPublish, "c", "r"), absl::StatusCode::kNotFound);
  EXPECT_EQ(code(Right::kInspect, "c", ""), absl::StatusCode::kNotFound);
  EXPECT_EQ(code(Right::kInspect, "b", "**"), absl::StatusCode::kOk);
  EXPECT_EQ(code(Right::kInspect, "**", "**"), absl::StatusCode::kPermissionDenied);
  const auto wrong =
      AccessList::Parse(absl::StrCat(Identity("api", MakeToken(SystemRandom())),
                                     "grant { identity: 'api' namespace: 'shop' queue: 'a*' right: RIGHT_PUBLISH }\n"),
                        "f");
  EXPECT_TRUE(absl::StrContains(wrong.status().message(), "f:2:43: grant[0].queue[0]")) << wrong.status();
}

TEST(AccessList, GrantsAreBoundedTogether) {
  std::string text;
  for (int i = 0; i < 400; ++i) absl::StrAppend(&text, "identity { name: 'i", i, "' }\n");
  for (int i = 0; i < 250; ++i) absl::StrAppend(&text, Grant("**", "n", "right: RIGHT_JOIN"));
  EXPECT_TRUE(AccessList::Parse(text, "f").ok());
  const auto list = AccessList::Parse(text + Grant("i1", "n", "right: RIGHT_JOIN"), "f");
  ASSERT_FALSE(list.ok());
  EXPECT_TRUE(absl::StrContains(list.status().message(), "100000")) << list.status();
}

TEST(AccessList, NewSecretForAnOldIdIsAnotherToken) {
  const NewToken one = MakeToken(SystemRandom());
  const NewToken other = MakeToken(SystemRandom());
  const std::string kept = one.kept.substr(0, one.kept.find('.')) + other.kept.substr(other.kept.find('.'));
  const auto before = AccessList::Parse(Identity("api", one), "f");
  const auto after = AccessList::Parse(absl::StrCat("identity { name: 'api' token: '", kept, "' }"), "f");
  ASSERT_TRUE(before.ok() && after.ok());
  const auto found = (*before)->Identify(one.token, kNow);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(ReasonOf((*after)->StillKnows(**found, kNow)), "CREDENTIALS_REVOKED");
}

TEST(AccessList, CertificatesAreNamedByWhatTheirSubjectAltNameMayBe) {
  for (const char* name : {"billing", "API.Example.com", "a_b-1.example.com", "1.example", "spiffe://example.com/api",
                           "urn:nmq:api", "HTTPS+x://example.com/?a=b#c"}) {
    const auto list = AccessList::Parse(absl::StrCat("identity { name: 'a' certificate: '", name, "' }"), "f");
    EXPECT_TRUE(list.ok()) << list.status();
  }
}

TEST(AccessList, WhatIsWrongIsPointedAt) {
  const std::string kept = MakeToken(SystemRandom()).kept;
  const std::string api = absl::StrCat("identity { name: 'api' token: '", kept, "' }\n");
  struct Case {
    std::string text;
    std::string at;
    std::string what;
  };
  const auto certified = [](const std::string& name) {
    return absl::StrCat("identity { name: 'a' certificate: '", name, "' }");
  };
  const std::string long_label = absl::StrCat(std::string(64, 'a'), ".example.com");
  const std::vector<Case> cases = {
      {certified(""), "f:1:22", "identity[0].certificate[0]"},
      {certified("CN=billing"), "f:1:22", "\"CN=billing\" is neither a DNS name"},
      {certified("billing example"), "f:1:22", "is neither"},
      {certified("*.example.com"), "f:1:22", "is neither"},
      {certified("example.com."), "f:1:22", "is neither"},
      {certified("a..example.com"), "f:1:22", "is neither"},
      {certified("10.0.0.7"), "f:1:22", "is neither"},
      {certified(long_label), "f:1:22", "is neither"},
      {certified("://example.com/a"), "f:1:22", "is neither"},
      {certified("1a://example.com/a"), "f:1:22", "is neither"},
      {certified("spiffe:"), "f:1:22", "is neither"},
      {certified("spiffe://example.com/a b"), "f:1:22", "is neither"},
      {certified("spiffe://" + std::string(1024, 'a')), "f:1:22", "is neither"},
      {"identity { }", "f:1:1", "identity[0].name"},
      {"identity { name: 'a b' }", "f:1:12", "a b"},
      {"identity { name: 'a' token: 'secret' }", "f:1:22", "identity[0].token[0]"},
      {api + api, "f:2:12", "listed twice"},
      {api + absl::StrCat("identity { name: 'b' token: '", kept, "' }"), "f:2:22", "listed twice"},
      {api + "grant { identity: 'api' namespace: 'x' }", "f:2:1", "grant[0].right"},
      {api + "grant { identity: 'api' namespace: 'x' right: 9 }", "f:2:40", "right"},
      {api + "grant { identity: 'api' namespace: 'x' right: RIGHT_UNSPECIFIED }", "f:2:40", "right"},
      {api + "grant { identity: 'api' namespace: '**x' right: RIGHT_JOIN }", "f:2:25", "**x"},
      {api + "grant { identity: 'api' right: RIGHT_JOIN }", "f:2:1", "grant[0].namespace"},
      {api + "grant { namespace: 'x' right: RIGHT_JOIN }", "f:2:1", "grant[0].identity"},
      {api + "grant { identity: 'b' namespace: 'x' right: RIGHT_JOIN }", "f:2:9", "no identity \"b\""},
      {api + "grants { }", "f:2:8", "grants"},
  };
  for (const Case& one : cases) {
    const auto list = AccessList::Parse(one.text, "f");
    ASSERT_FALSE(list.ok()) << one.text;
    EXPECT_TRUE(absl::StartsWith(list.status().message(), one.at + ": ")) << one.text << list.status();
    EXPECT_TRUE(absl::StrContains(list.status().message(), one.what)) << one.text << list.status();
    EXPECT_FALSE(absl::StrContains(list.status().message(), "secret")) << list.status();
  }
}

}  // namespace
}  // namespace nmq
