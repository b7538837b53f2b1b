#include "client/examples/database.h"

#include <fstream>

#include "gtest/gtest.h"
#include "tests/unit/client/examples/scratch.h"

namespace nmq {
namespace examples {
namespace {

class DatabaseTest : public testing::Test {
 protected:
  DatabaseTest() : database_(*Database::Open(scratch_ / "test.db")) {
    EXPECT_TRUE(database_->Run("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT NOT NULL)").ok());
  }

  int64_t CountRows() {
    const auto count = database_->Prepare("SELECT COUNT(*) FROM t");
    EXPECT_TRUE(*count->Step());
    const int64_t rows = count->GetInteger(0);
    EXPECT_TRUE(count->Run().ok());
    return rows;
  }

  Scratch scratch_;
  std::unique_ptr<Database> database_;
};

TEST_F(DatabaseTest, StatementsAreUsedAgainAndAgain) {
  const auto insert = database_->Prepare("INSERT INTO t (text) VALUES (?)");
  EXPECT_TRUE(insert->Text(1, "one").Run().ok());
  EXPECT_EQ(database_->last_insert_id(), 1);
  EXPECT_TRUE(insert->Text(1, "").Run().ok());
  EXPECT_EQ(database_->last_insert_id(), 2);
  EXPECT_EQ(CountRows(), 2);
}

TEST_F(DatabaseTest, TextKeepsEveryByte) {
  const std::string text("a\0b'\xC3\xA9", 6);
  EXPECT_TRUE(database_->Prepare("INSERT INTO t (text) VALUES (?)")->Text(1, text).Run().ok());
  const auto select = database_->Prepare("SELECT text FROM t");
  ASSERT_TRUE(*select->Step());
  EXPECT_EQ(select->GetText(0), text);
  EXPECT_FALSE(*select->Step());
}

TEST_F(DatabaseTest, CommitsWhatSucceeds) {
  EXPECT_TRUE(database_->Transact([&] { return database_->Run("INSERT INTO t (text) VALUES ('x')"); }).ok());
  EXPECT_EQ((*Database::Open(scratch_ / "test.db"))->Prepare("SELECT * FROM t")->Step().value(), true);
}

TEST_F(DatabaseTest, UndoesWhatFails) {
  const absl::Status status = database_->Transact([&] {
    EXPECT_TRUE(database_->Run("INSERT INTO t (text) VALUES ('x')").ok());
    return absl::AbortedError("second thoughts");
  });
  EXPECT_EQ(status, absl::AbortedError("second thoughts"));
  EXPECT_EQ(CountRows(), 0);
}

TEST_F(DatabaseTest, DoesNothingIfTheTransactionCannotBegin) {
  EXPECT_TRUE(database_->Run("BEGIN").ok());
  bool called = false;
  const absl::Status status = database_->Transact([&] {
    called = true;
    return absl::OkStatus();
  });
  EXPECT_TRUE(absl::IsInternal(status)) << status;
  EXPECT_FALSE(called);
  EXPECT_TRUE(database_->Run("ROLLBACK").ok());
}

TEST_F(DatabaseTest, AConstraintIsAFailedPreconditionAndTheStatementLives) {
  const auto insert = database_->Prepare("INSERT INTO t (id, text) VALUES (1, ?)");
  EXPECT_TRUE(insert->Text(1, "a").Run().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(insert->Run()));
  EXPECT_TRUE(database_->Run("DELETE FROM t").ok());
  EXPECT_TRUE(insert->Run().ok());
}

TEST_F(DatabaseTest, WrongSqlShowsWhenItIsRun) {
  const absl::Status status = database_->Prepare("SELEKT ?")->Text(1, "a").Run();
  EXPECT_TRUE(absl::IsInternal(status));
  EXPECT_NE(status.message().find("SELEKT"), absl::string_view::npos) << status;
}

TEST_F(DatabaseTest, AnUnknownParameterIsAnErrorOnce) {
  const auto insert = database_->Prepare("INSERT INTO t (text) VALUES (?)");
  EXPECT_FALSE(insert->Text(1, "a").Text(2, "b").Run().ok());
  EXPECT_EQ(CountRows(), 0);
  EXPECT_TRUE(insert->Run().ok());
  EXPECT_EQ(CountRows(), 1);
}

TEST(DatabaseOpen, SaysWhatFileItCannotOpen) {
  const absl::Status status = Database::Open("/nowhere/test.db").status();
  EXPECT_NE(status.message().find("/nowhere/test.db"), absl::string_view::npos) << status;
}

TEST(DatabaseOpen, AFileThatIsNoDatabaseIsDataLoss) {
  Scratch scratch;
  std::ofstream(scratch / "text") << std::string(5000, 'x');
  EXPECT_TRUE(absl::IsDataLoss(Database::Open(scratch / "text").status()));
}

}  // namespace
}  // namespace examples
}  // namespace nmq
