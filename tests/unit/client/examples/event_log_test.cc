#include "client/examples/event_log.h"

#include "gtest/gtest.h"
#include "tests/unit/client/examples/scratch.h"

namespace nmq {
namespace examples {
namespace {

const absl::Time kNoon = absl::FromUnixSeconds(1'700'000'000);

Message MakeStored(const std::string& queue, const std::string& event, uint64_t epoch, uint64_t sequence,
                   const std::string& payload = "12345") {
  Message message = MakeMessage(queue, event, payload);
  message.set_epoch(epoch);
  message.set_sequence(sequence);
  message.set_id("id");
  message.mutable_publish_time()->set_seconds(1'700'000'000 + static_cast<int64_t>(sequence));
  return message;
}

Gap MakeGap(uint64_t epoch, uint64_t first, uint64_t last) {
  Gap gap;
  gap.set_queue("DB");
  gap.set_epoch(epoch);
  gap.set_first(first);
  gap.set_last(last);
  gap.set_reason(last > 0 ? v1::GAP_REASON_SLOW_SUBSCRIBER : v1::GAP_REASON_EPOCH_CHANGED);
  if (last > 0) gap.set_count(last - first + 1);
  return gap;
}

class EventLogTest : public testing::Test {
 protected:
  // The rows of a query, columns parted by "|".
  std::vector<std::string> Rows(const std::string& sql, int columns) {
    std::unique_ptr<Database> database = *Database::Open(scratch_ / "log.db");
    std::unique_ptr<Statement> query = database->Prepare(sql);
    std::vector<std::string> rows;
    while (*query->Step()) {
      std::string& row = rows.emplace_back();
      for (int i = 0; i < columns; ++i) {
        row += (i > 0 ? "|" : "") + (query->IsNull(i) ? std::string("NULL") : query->GetText(i));
      }
    }
    return rows;
  }

  std::vector<std::string> Positions() { return Rows("SELECT queue, epoch, sequence FROM positions", 3); }

  Scratch scratch_;
  std::unique_ptr<EventLog> log_ = *EventLog::Open(scratch_ / "log.db");
};

using Lines = std::vector<std::string>;

TEST_F(EventLogTest, AnEventIsARowASummaryAndAPosition) {
  Message message = MakeStored("DB", "CREATE", 7, 1, "payload");
  message.set_key("k");
  message.set_content_type("text/plain");
  message.set_publisher("c1");
  (*message.mutable_headers())["b"] = "2";
  (*message.mutable_headers())["a"] = "1";
  EXPECT_TRUE(log_->Append(message).ok());
  EXPECT_EQ(Rows("SELECT queue, epoch, sequence, event, time, id, publisher, key, content_type, headers, payload, "
                 "last, missing, reason FROM log",
                 14),
            Lines({"DB|7|1|CREATE|2023-11-14T22:13:21.000Z|id|c1|k|text/plain|{\"a\":\"1\",\"b\":\"2\"}|payload|"
                   "NULL|NULL|NULL"}));
  EXPECT_EQ(Rows("SELECT queue, event, count, bytes, last_time FROM summary", 5),
            Lines({"DB|CREATE|1|7|2023-11-14T22:13:21.000Z"}));
  EXPECT_EQ(Positions(), Lines({"DB|7|1"}));
  EXPECT_EQ(log_->events(), 1u);
}

TEST_F(EventLogTest, TheSummaryAddsUpByQueueAndEvent) {
  EXPECT_TRUE(log_->Append(MakeStored("DB", "CREATE", 7, 1)).ok());
  EXPECT_TRUE(log_->Append(MakeStored("DB", "DELETE", 7, 2)).ok());
  EXPECT_TRUE(log_->Append(MakeStored("DB", "CREATE", 7, 3)).ok());
  EXPECT_TRUE(log_->Append(MakeStored("FS", "CREATE", 8, 1)).ok());
  EXPECT_EQ(Rows("SELECT queue, event, count, bytes FROM summary", 4),
            Lines({"DB|CREATE|2|10", "DB|DELETE|1|5", "FS|CREATE|1|5"}));
  EXPECT_EQ(Positions(), Lines({"DB|7|3", "FS|8|1"}));
}

TEST_F(EventLogTest, ARepeatChangesNothing) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(log_->Append(MakeStored("DB", "CREATE", 7, 1)).ok());
    EXPECT_TRUE(log_->Append(MakeStored("DB", "CREATE", 7, 2)).ok());
    EXPECT_TRUE(log_->AppendGap(MakeGap(7, 3, 5), kNoon).ok());
  }
  EXPECT_EQ(Rows("SELECT count FROM summary", 1), Lines({"2"}));
  EXPECT_EQ(Rows("SELECT sequence FROM log", 1), Lines({"1", "2", "3"}));
  EXPECT_EQ(Positions(), Lines({"DB|7|5"}));
  EXPECT_EQ(log_->events(), 2u);
  EXPECT_EQ(log_->gaps(), 1u);
}

TEST_F(EventLogTest, AGapIsARowWithoutAnEvent) {
  EXPECT_TRUE(log_->AppendGap(MakeGap(7, 3, 5), kNoon).ok());
  EXPECT_EQ(Rows("SELECT queue, epoch, sequence, event, time, last, missing, reason FROM log", 8),
            Lines({"DB|7|3|NULL|2023-11-14T22:13:20.000Z|5|3|GAP_REASON_SLOW_SUBSCRIBER"}));
  EXPECT_EQ(Rows("SELECT * FROM summary", 1), Lines());
}

TEST_F(EventLogTest, AGapOfUnknownLengthMovesNoPosition) {
  EXPECT_TRUE(log_->Append(MakeStored("DB", "CREATE", 7, 2)).ok());
  EXPECT_TRUE(log_->AppendGap(MakeGap(7, 3, 0), kNoon).ok());
  EXPECT_EQ(Positions(), Lines({"DB|7|2"}));
  EXPECT_EQ(Rows("SELECT last, missing, reason FROM log WHERE event IS NULL", 3),
            Lines({"NULL|NULL|GAP_REASON_EPOCH_CHANGED"}));
}

TEST_F(EventLogTest, ANewEpochBeginsAnew) {
  EXPECT_TRUE(log_->Append(MakeStored("DB", "CREATE", 7, 9)).ok());
  EXPECT_TRUE(log_->Append(MakeStored("DB", "CREATE", 6, 1)).ok());
  EXPECT_EQ(Positions(), Lines({"DB|6|1"}));
  EXPECT_EQ(Rows("SELECT count FROM summary", 1), Lines({"2"}));
}

TEST_F(EventLogTest, PositionsSurviveTheProgram) {
  EXPECT_TRUE(log_->Positions()->empty());
  EXPECT_TRUE(log_->Append(MakeStored("DB", "CREATE", 1'795'473'910'710'782, 9)).ok());
  log_.reset();
  log_ = *EventLog::Open(scratch_ / "log.db");
  const std::vector<v1::QueuePosition> positions = *log_->Positions();
  ASSERT_EQ(positions.size(), 1u);
  EXPECT_EQ(positions[0].queue(), "DB");
  EXPECT_EQ(positions[0].epoch(), 1'795'473'910'710'782u);
  EXPECT_EQ(positions[0].sequence(), 9u);
  EXPECT_EQ(log_->events(), 0u);
}

TEST_F(EventLogTest, AnEventThatCannotBeSummarizedIsNotLoggedEither) {
  EXPECT_TRUE((*Database::Open(scratch_ / "log.db"))->Run("DROP TABLE summary").ok());
  EXPECT_FALSE(log_->Append(MakeStored("DB", "CREATE", 7, 1)).ok());
  EXPECT_EQ(Rows("SELECT sequence FROM log", 1), Lines());
  EXPECT_EQ(Positions(), Lines());
  EXPECT_EQ(log_->events(), 0u);
}

}  // namespace
}  // namespace examples
}  // namespace nmq
