#include "client/cli/table.h"

#include "gtest/gtest.h"

namespace nmq {
namespace cli {
namespace {

TEST(Table, ColumnsAreAsWideAsTheirWidestCell) {
  Table table({{"NAME"}, {"N", Align::kRight}, {"LAST"}});
  table.Add({"a", "1", "x"});
  table.Add({"longer", "1,000", ""});
  EXPECT_EQ(table.Render(),
            "NAME        N  LAST\n"
            "a           1  x\n"
            "longer  1,000\n");
}

TEST(Table, WithoutRowsOnlyTitles) { EXPECT_EQ(Table({{"A"}, {"B"}}).Render(), "A  B\n"); }

TEST(Table, CharactersCountNotBytes) {
  Table table({{"N"}, {"X"}});
  table.Add({"äö", "1"});
  table.Add({"ab", "2"});
  EXPECT_EQ(table.Render(), "N   X\näö  1\nab  2\n");
}

}  // namespace
}  // namespace cli
}  // namespace nmq
