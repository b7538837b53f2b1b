// What a store says of damaged files.
#include <algorithm>
#include <vector>

#include "tests/fault/store_fixture.h"
#include "tests/testing/change_database.h"

namespace nmq::log {
namespace {

class DamageTest : public StoreFaultTest {
 protected:
  static void Flip(const std::string& path, size_t offset, size_t bytes = 1) {
    std::string content = Content(path);
    ASSERT_LE(offset + bytes, content.size());
    for (size_t i = 0; i < bytes; ++i) content[offset + i] = static_cast<char>(~content[offset + i]);
    SetContent(path, content);
  }
  // Where the records of a log begin: 7 bytes, two of which are the length of what follows, in blocks of 32 KiB.
  static std::vector<size_t> Records(const std::string& log) {
    std::vector<size_t> records;
    for (size_t at = 0; at + 7 <= log.size();) {
      records.push_back(at);
      at += 7 + static_cast<uint8_t>(log[at + 4]) + 256 * static_cast<uint8_t>(log[at + 5]);
      if (at % 32768 > 32768 - 7) at += 32768 - at % 32768;
    }
    return records;
  }
  void ExpectNames(const absl::Status& status, const std::string& path) {
    ExpectError(status, absl::StatusCode::kDataLoss, kReasonStoreDamaged);
    EXPECT_NE(status.message().find(NameOf(path)), absl::string_view::npos) << status;
  }
};

TEST_F(DamageTest, DamagedTableIsReportedByWhoReadsIt) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(1000).ok());
  store_.reset();
  const std::vector<std::string> tables = Files(".sst");
  ASSERT_GT(tables.size(), 2u);
  Flip(tables[0], std::filesystem::file_size(tables[0]) / 2, 16);
  ASSERT_TRUE(Open().ok());
  absl::Status status;
  uint64_t seen = 0;
  for (uint64_t at = 1; at < acknowledged_;) {
    const auto block = store_->Read(kQueue, at, acknowledged_, 16 << 10);
    if (block.ok()) {
      at = (*block)->end();
      seen += (*block)->items.size();
    } else {
      status = block.status();
      ++at;
    }
  }
  ExpectNames(status, tables[0]);
  EXPECT_GT(seen, 500u) << "the rest is still to be read";
}

TEST_F(DamageTest, LostTableIsARefusalToOpen) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(1000).ok());
  store_.reset();
  const std::string table = Files(".sst")[1];
  const std::string content = Content(table);
  std::filesystem::remove(table);
  ExpectNames(Open(), table);
  SetContent(table, content.substr(0, content.size() - 100));
  ExpectNames(Open(), table);
  SetContent(table, content);
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(HoldsAllFrom(1));
}

TEST_F(DamageTest, LostCurrentIsARefusalToBeginAnew) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(1000).ok());
  store_.reset();
  const std::string current = directory_ + "/CURRENT";
  std::filesystem::rename(current, directory_ + "/elsewhere");
  ExpectNames(Open(), current);
  std::filesystem::rename(directory_ + "/elsewhere", current);
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(HoldsAllFrom(1));
}

TEST_F(DamageTest, DamagedManifestIsARefusalToOpen) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(1000).ok());
  store_.reset();
  for (const auto& file : std::filesystem::directory_iterator(directory_)) {
    const std::string path = file.path().string();
    if (path.find("MANIFEST") != std::string::npos) Flip(path, std::filesystem::file_size(path) / 2, 4);
  }
  ExpectError(Open(), absl::StatusCode::kDataLoss, kReasonStoreDamaged);
}

// Wherever in the log a byte is wrong, but in its last record or where a record's length stands: the store is not
// opened, and says which file is damaged. A wrong length in the last 32 KiB looks like a record that was not written to
// its end.
TEST_F(DamageTest, DamagedLogIsARefusalToOpen) {
  options_.write_buffer_bytes = 16 << 20;
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(61).ok());
  store_.reset();
  const std::string log = Files(".log").back();
  const std::string content = Content(log);
  const size_t record = content.size() / acknowledged_;
  int refusals = 0;
  int openings = 0;
  // A step that is prime to everything, so that all parts of records are met.
  for (size_t offset = 0; offset + 2 * record < content.size(); offset += 397) {
    Flip(log, offset);
    const absl::Status opened = Open();
    if (opened.ok()) {
      ++openings;
      EXPECT_TRUE(HoldsAllFrom(1)) << "byte " << offset;
      store_.reset();
      // Put all back as it was.
      for (const std::string& path : Files(".log")) std::filesystem::remove(path);
    } else {
      ++refusals;
      ExpectNames(opened, log);
    }
    SetContent(log, content);
  }
  const std::vector<size_t> records = Records(content);
  for (size_t i = 0; i + 1 < records.size(); ++i) {
    for (const size_t length_byte : {4, 5}) {
      Flip(log, records[i] + length_byte);
      ExpectNames(Open(), log);
      SetContent(log, content);
    }
  }
  EXPECT_GT(refusals, 100);
  EXPECT_EQ(openings, 0);
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(HoldsAllFrom(1));
}

class HoleTest : public DamageTest {
 protected:
  // Deletes a message behind the store's back.
  void Delete(uint64_t sequence) {
    store_.reset();
    std::string key(16, '\0');
    key[7] = kQueue;
    key[14] = static_cast<char>(sequence >> 8);
    key[15] = static_cast<char>(sequence);
    ChangeDatabase(directory_, [&](rocksdb::DB* db, const DatabaseTables& tables) {
      EXPECT_TRUE(db->Delete(rocksdb::WriteOptions(), tables.at("messages"), key).ok());
    });
    ASSERT_TRUE(Open().ok());
  }
};

TEST_F(HoleTest, MissingMessageIsReportedWithItsQueueAndSequence) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(100).ok());
  Delete(50);
  const auto block = store_->Read(kQueue, 40, 60, 1 << 20);
  ExpectError(block.status(), absl::StatusCode::kDataLoss, kReasonStoreDamaged);
  EXPECT_NE(block.status().message().find("queue 1: the message of sequence 50 is missing"), absl::string_view::npos)
      << block.status();
  ExpectError(store_->BytesOf(kQueue, 50, 60).status(), absl::StatusCode::kDataLoss, kReasonStoreDamaged);
  EXPECT_TRUE(store_->Read(kQueue, 40, 50, 1 << 20).ok());
  EXPECT_TRUE(store_->Read(kQueue, 51, 100, 1 << 20).ok());
  EXPECT_TRUE(AppendUpTo(200).ok());
}

TEST_F(HoleTest, MissingFirstMessageIsNotTakenForATrim) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(100).ok());
  Delete(1);
  ExpectError(store_->FindExtent(kQueue).status(), absl::StatusCode::kDataLoss, kReasonStoreDamaged);
  ExpectError(store_->Read(kQueue, 1, 100, 100).status(), absl::StatusCode::kDataLoss, kReasonStoreDamaged);
}

}  // namespace
}  // namespace nmq::log
