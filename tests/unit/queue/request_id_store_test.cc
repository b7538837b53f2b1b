#include "server/queue/request_id_store.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/log/batch.h"
#include "server/log/store_log.h"
#include "tests/testing/fresh_directory.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RequestIdStore : public testing::Test {
 protected:
  RequestIdStore() {
    auto store = log::Store::Open({FreshDirectory()});
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    log_.emplace(store_.get());
  }

  void Write(log::Batch* batch) { EXPECT_TRUE(store_->Write(batch, log::Sync::kNo).ok()); }

  std::vector<std::string> Load(uint64_t queue) {
    std::vector<std::string> all;
    EXPECT_TRUE(LoadRequestIds(&*log_, queue, [&](absl::string_view id, uint64_t sequence, int64_t time_us) {
                  all.push_back(absl::StrCat(id, " ", sequence, " ", time_us));
                }).ok());
    return all;
  }

  std::unique_ptr<log::Store> store_;
  std::optional<log::StoreLog> log_;
};

TEST_F(RequestIdStore, GivesBackTheOldestFirst) {
  log::Batch batch;
  PutRequestId(7, 256, 1001, "c", &batch);
  PutRequestId(7, 255, 1000, "d", &batch);
  PutRequestId(7, 1, 1000, std::string("a\0", 2), &batch);
  Write(&batch);
  EXPECT_THAT(Load(7), ElementsAre(absl::StrCat(absl::string_view("a\0", 2), " 1 1000"), "d 255 1000", "c 256 1001"));
}

TEST_F(RequestIdStore, QueuesHaveIdsOfTheirOwn) {
  log::Batch batch;
  PutRequestId(6, 1, 0, "six", &batch);
  PutRequestId(7, 1, 0, "seven", &batch);
  PutRequestId(8, 1, 0, "eight", &batch);
  Write(&batch);
  EXPECT_THAT(Load(7), ElementsAre("seven 1 0"));
  EXPECT_THAT(Load(9), IsEmpty());
}

TEST_F(RequestIdStore, DeletesARange) {
  log::Batch batch;
  for (uint64_t sequence = 1; sequence <= 5; ++sequence) PutRequestId(7, sequence, 0, "x", &batch);
  PutRequestId(6, 3, 0, "other", &batch);
  DeleteRequestIds(7, 2, 4, &batch);
  Write(&batch);
  EXPECT_THAT(Load(7), ElementsAre("x 1 0", "x 4 0", "x 5 0"));
  EXPECT_THAT(Load(6), ElementsAre("other 3 0"));
}

TEST_F(RequestIdStore, DamagedOnesAreNotTakenForOthers) {
  log::Batch batch;
  PutRequestId(7, 1, 0, "x", &batch);
  std::string key;
  Write(&batch);
  ASSERT_TRUE(store_
                  ->Scan(log::Table::kRequests, "", "",
                         [&](absl::string_view found, absl::string_view) {
                           key = std::string(found);
                           return false;
                         })
                  .ok());
  batch.Clear();
  batch.Put(log::Table::kRequests, key, "short");
  Write(&batch);
  const absl::Status status = LoadRequestIds(&*log_, 7, [](absl::string_view, uint64_t, int64_t) { FAIL(); });
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
}

}  // namespace
}  // namespace nmq::broker
