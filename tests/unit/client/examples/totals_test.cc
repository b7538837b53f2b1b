#include "client/examples/totals.h"

#include "gtest/gtest.h"

namespace nmq {
namespace examples {
namespace {

TEST(Totals, AreByQueueAndEvent) {
  Totals totals;
  totals.Add("FS", "create", 10);
  totals.Add("DB", "CREATE", 100);
  totals.Add("DB", "CREATE", 23);
  EXPECT_EQ(totals.events(), 3u);
  EXPECT_EQ(totals.Line(), "2 DB/CREATE, 1 FS/create");
  EXPECT_EQ(totals.Table(),
            "EVENT           COUNT         BYTES\n"
            "DB/CREATE           2           123\n"
            "FS/create           1            10\n"
            "total               3           133\n");
}

TEST(Totals, AreATableWithoutEvents) {
  EXPECT_EQ(Totals().Line(), "");
  EXPECT_EQ(Totals().Table(),
            "EVENT       COUNT         BYTES\n"
            "total           0             0\n");
}

TEST(Totals, TellWhatWasMissed) {
  Totals totals;
  totals.AddMissed(5);
  totals.AddMissed(2);
  EXPECT_EQ(totals.events(), 0u);
  EXPECT_EQ(totals.missed(), 7u);
  EXPECT_NE(totals.Table().find("and 7 missed\n"), std::string::npos);
}

}  // namespace
}  // namespace examples
}  // namespace nmq
