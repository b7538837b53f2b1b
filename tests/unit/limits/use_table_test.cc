#include "server/limits/use_table.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace nmq {
namespace {

class UseTableTest : public testing::Test {
 protected:
  std::shared_ptr<int> Of(const std::string& key) {
    return table_.Of(key, [this] { return std::make_shared<int>(++made_); });
  }

  UseTable<int> table_{100};
  int made_ = 0;
};

TEST_F(UseTableTest, RemembersByTheKey) {
  EXPECT_EQ(*Of("a"), 1);
  EXPECT_EQ(*Of("b"), 2);
  EXPECT_EQ(*Of("a"), 1);
  EXPECT_EQ(table_.size(), 2u);
}

TEST_F(UseTableTest, ManyKeysDoNotMakeItGrow) {
  for (int i = 0; i < 100'000; ++i) {
    Of(absl::StrCat("key", i));
    ASSERT_LE(table_.size(), 100u);
  }
}

TEST_F(UseTableTest, TheOneAskedForLongestAgoIsForgotten) {
  for (int i = 0; i < 100; ++i) Of(absl::StrCat("key", i));
  EXPECT_EQ(*Of("key0"), 1);
  Of("another");
  EXPECT_EQ(*Of("key0"), 1);
  EXPECT_EQ(*Of("key99"), 100);
  EXPECT_GT(*Of("key1"), 100) << "it is not forgotten";
}

TEST_F(UseTableTest, WhatSomebodyUsesIsNotForgotten) {
  const std::shared_ptr<int> used = Of("used");
  std::vector<std::shared_ptr<int>> others;
  for (int i = 0; i < 99; ++i) others.push_back(Of(absl::StrCat("other", i)));
  for (int i = 0; i < 10'000; ++i) Of(absl::StrCat("key", i));
  EXPECT_EQ(Of("used"), used);
  for (int i = 0; i < 99; ++i) EXPECT_EQ(Of(absl::StrCat("other", i)), others[i]);
}

TEST_F(UseTableTest, GoesBackToItsSizeWhenTheyAreNotUsedAnyMore) {
  std::vector<std::shared_ptr<int>> used;
  for (int i = 0; i < 1000; ++i) used.push_back(Of(absl::StrCat("used", i)));
  EXPECT_EQ(table_.size(), 1000u);
  used.clear();
  for (int i = 0; i < 1000; ++i) Of(absl::StrCat("key", i));
  EXPECT_LE(table_.size(), 100u);
}

}  // namespace
}  // namespace nmq
