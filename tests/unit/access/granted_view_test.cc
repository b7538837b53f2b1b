// A view answers as the list that it is of.
#include "server/access/granted_view.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/access/access_list.h"

namespace nmq {
namespace {

constexpr Right kRights[] = {Right::kConnect, Right::kPublish, Right::kSubscribe,
                             Right::kJoin,    Right::kInspect, Right::kAdmin};

// Names and patterns; as what is asked for, also nothing.
const std::vector<std::string>& Texts() {
  static const auto& texts = *new std::vector<std::string>(
      {"a", "b", "a.b", "a.c", "b.a", "a.b.c", "*", "**", "a.*", "a.**", "*.a", "*.b.**", "*.*", "a.*.c", "a.b.**"});
  return texts;
}

std::vector<std::string> Asked() {
  std::vector<std::string> asked = Texts();
  asked.insert(asked.end(), {"", "c", "a.b.c.d", "c.b.a", ".", "a."});
  return asked;
}

std::unique_ptr<AccessList> ListOf(const std::string& grants) {
  auto list = AccessList::Parse(absl::StrCat("identity { name: 'api' }\n", grants), "access.textproto");
  EXPECT_TRUE(list.ok()) << list.status();
  return *std::move(list);
}

// Asks both all that there is to ask.
void ExpectAgree(const std::string& grants, const std::string& name_space) {
  const std::shared_ptr<const AccessList> list = ListOf(grants);
  Principal api;
  api.name = "api";
  GrantedView view(list);
  list->ForEachGranted(api, [&](const Granted& granted) {
    if (granted.IsIn(name_space)) view.Add(granted);
  });
  for (const Right right : kRights) {
    for (const std::string& queue : Asked()) {
      for (const std::string& room : Asked()) {
        ASSERT_EQ(view.Has(right, queue, room), list->Check(api, right, Named(name_space, queue, room)).ok())
            << grants << NameOf(right) << " queue " << queue << " room " << room << " of " << name_space;
      }
    }
  }
}

TEST(GrantedView, OfNoGrantHasNothing) {
  GrantedView view(nullptr);
  for (const Right right : kRights) EXPECT_FALSE(view.Has(right, "", ""));
  ExpectAgree("", "shop");
}

TEST(GrantedView, AnswersAsTheListOfEachBound) {
  ExpectAgree("grant { identity: 'api' namespace: 'shop' right: RIGHT_PUBLISH }\n", "shop");
  for (const std::string& text : Texts()) {
    ExpectAgree(absl::StrCat("grant { identity: 'api' namespace: 'shop' room: '", text, "' right: RIGHT_JOIN }\n"),
                "shop");
    ExpectAgree(absl::StrCat("grant { identity: 'api' namespace: '*' queue: '", text, "' right: RIGHT_PUBLISH }\n"),
                "shop");
  }
}

TEST(GrantedView, AnswersAsTheListOfManyGrants) {
  std::string grants;
  const std::vector<std::string>& texts = Texts();
  for (size_t i = 0; i < texts.size(); ++i) {
    const char* const right = i % 3 == 0   ? "RIGHT_PUBLISH"
                              : i % 3 == 1 ? "RIGHT_JOIN right: RIGHT_PUBLISH"
                                           : "RIGHT_ADMIN";
    absl::StrAppend(&grants, "grant { identity: 'api' namespace: '", i % 4 == 0 ? "**" : "shop", "' queue: '", texts[i],
                    "' room: '", texts[(i * 7 + 3) % texts.size()], "' room: '", texts[(i * 4 + 1) % texts.size()],
                    "' right: ", right, " }\n");
    ExpectAgree(grants, "shop");
  }
  ExpectAgree(grants, "other");
  ExpectAgree(grants, "");
}

}  // namespace
}  // namespace nmq
