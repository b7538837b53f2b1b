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

TEST(Table, LeavesOutWholeColumnsWhereThereIsNoRoomAndSaysSo) {
  Table table({{"NAME"}, {"FIRST", Align::kRight, 1}, {"SECOND", Align::kRight, 2}, {"LAST", Align::kRight}});
  table.Add({"a", "1", "2", "3"});
  EXPECT_EQ(table.RenderFrame(17), "NAME  FIRST  LAST\na         1     3\n");
  EXPECT_EQ(table.RenderFrame(10), "NAME  LAST\na        3\n");
  EXPECT_EQ(Table({{"N"}, {"SECOND", Align::kRight, 1}}).Render(7), "N\nno roo…\n");
}

TEST(Table, CutsLongTextsWhenNoColumnIsLeftToSpare) {
  Table table({{"NAME"}, {"N", Align::kRight}});
  table.Add({"a-very-long-name", "17"});
  EXPECT_EQ(table.Render(14), "NAME         N\na-very-lo…  17\n");
}

}  // namespace
}  // namespace cli
}  // namespace nmq
