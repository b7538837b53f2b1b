// A real nmqd that was killed, and whose newest log lost its end before the next start.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/log/log_check.h"
#include "server/log/sync_marks.h"
#include "tests/fault/nmqd_disk.h"

namespace nmq::integration {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class NmqdLostLogTest : public NmqdDiskTest {
 protected:
  static std::string Content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  static void SetContent(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
  }
  static std::string NameOf(const std::string& path) { return std::filesystem::path(path).filename().string(); }

  // The newest log that has something.
  std::string NewestLog() const {
    std::string newest;
    for (const auto& file : std::filesystem::directory_iterator(directory_)) {
      if (file.path().extension() == ".log" && file.file_size() > 0) newest = std::max(newest, file.path().string());
    }
    return newest;
  }
  // Waits until it is noted that what the newest log has now is synced. Calls `meanwhile` again and again.
  void WaitForMark(const std::function<void()>& meanwhile = [] {}) const {
    const std::string content = Content(NewestLog());
    log::LogScanner scanner;
    for (size_t at = 0; at < content.size(); at += log::kLogBlockBytes) {
      scanner.Add(absl::string_view(content).substr(at, log::kLogBlockBytes));
    }
    ASSERT_TRUE(WaitUntil([&] {
      meanwhile();
      const auto mark = log::DecodeSyncMarks(Content(absl::StrCat(directory_, "/", log::kSyncMarkFile)));
      return mark.has_value() && !mark->logs.empty() && mark->logs.back().change >= scanner.last_change();
    }));
  }

  // Publishes to "D" with a request id, which is the payload.
  v1::PublishResponse PublishWithId(const std::string& id) {
    v1::Message message = MakeMessage("D", "E", id);
    message.set_request_id(id);
    return client().Publish(message);
  }
  std::unique_ptr<Listener> ResumeBehind(uint64_t epoch, uint64_t sequence) {
    v1::SubscribeRequest request = client().SubscribeRequest("D");
    v1::QueuePosition* position = request.mutable_start()->mutable_resume()->add_positions();
    position->set_queue("D");
    position->set_epoch(epoch);
    position->set_sequence(sequence);
    return client().Subscribe(request);
  }
  // Loses the rest of the newest log, from the middle on, and says how many messages "D" has left.
  uint64_t LoseHalf() {
    const std::string log = NewestLog();
    SetContent(log, Content(log).substr(0, Content(log).size() / 2));
    flags_ = {"--accept_data_loss"};
    Start();
    flags_.clear();
    EXPECT_TRUE(WaitForLog({"goes on although", NameOf(log), directory_}));
    EXPECT_TRUE(WaitForLog({"queue default/D holds", "in a new epoch"}));
    return api().Get(&v1::Registry::Stub::ListQueues, ListOfD()).queues(0).last_sequence();
  }
  static v1::ListQueuesRequest ListOfD() {
    v1::ListQueuesRequest list;
    list.set_queue("D");
    return list;
  }
};

TEST_F(NmqdLostLogTest, SyncedEndThatIsMissingIsARefusalToStart) {
  Start();
  PublishAcknowledged("D", 150);
  WaitForMark();
  Kill();
  const std::string log = NewestLog();
  const std::string content = Content(log);
  const std::string left = content.substr(0, content.size() / 3);
  for (const std::string& lost : {left, left + std::string(content.size() - left.size(), '\0')}) {
    SetContent(log, lost);
    ExpectRefusesToStart({directory_, NameOf(log), "synced up to", "are lost", "--accept_data_loss"});
  }
  std::filesystem::remove(log);
  ExpectRefusesToStart({directory_, NameOf(log) + " is missing", "are lost", "--accept_data_loss"});
  ExpectRefusesToStart({NameOf(log) + " is missing"});
  SetContent(log, content);
  Start();
  ExpectHoldsAcknowledged("D");
}

TEST_F(NmqdLostLogTest, AcceptedLossBeginsANewEpochAndIsToldAsAGap) {
  Start();
  std::vector<v1::PublishResponse> published;
  for (int i = 1; i <= 150; ++i) published.push_back(PublishWithId(absl::StrCat("D-", i)));
  const uint64_t epoch = published.back().epoch();
  WaitForMark();
  Kill();
  const uint64_t held = LoseHalf();
  ASSERT_GT(held, 20u);
  ASSERT_LT(held, 130u);

  // What is lost is published anew, what is held is known.
  const v1::PublishResponse known = PublishWithId("D-3");
  EXPECT_TRUE(known.duplicate());
  EXPECT_EQ(known.epoch(), epoch);
  EXPECT_EQ(known.sequence(), 3u);
  EXPECT_EQ(known.id(), published[2].id());
  const v1::PublishResponse again = PublishWithId("D-150");
  EXPECT_FALSE(again.duplicate());
  EXPECT_EQ(again.sequence(), held + 1);
  EXPECT_GT(again.epoch(), epoch);

  // Twice: also after a start without the flag.
  for (int run = 0; run < 2; ++run) {
    // One that heard what is lost.
    auto ahead = ResumeBehind(epoch, 140);
    v1::Gap gap = ahead->NextGap();
    EXPECT_EQ(gap.reason(), v1::GAP_REASON_EPOCH_CHANGED);
    EXPECT_EQ(gap.epoch(), epoch);
    EXPECT_EQ(gap.first(), 141u);
    v1::Message message = ahead->NextMessage();
    EXPECT_EQ(message.payload(), "D-150");
    EXPECT_EQ(message.epoch(), again.epoch());
    // One that is behind hears what is left, then the gap, then what is new. So does a later one behind that.
    auto behind = ResumeBehind(epoch, held - 2);
    EXPECT_EQ(behind->ready().positions(0).epoch(), epoch);
    EXPECT_EQ(behind->NextMessage().id(), published[held - 2].id());
    EXPECT_EQ(behind->NextMessage().id(), published[held - 1].id());
    EXPECT_EQ(behind->Resume().resume().positions(0).epoch(), epoch);
    gap = behind->NextGap();
    EXPECT_EQ(gap.reason(), v1::GAP_REASON_EPOCH_CHANGED);
    EXPECT_EQ(gap.epoch(), epoch);
    EXPECT_EQ(gap.first(), held + 1);
    EXPECT_EQ(behind->NextMessage().id(), again.id());
    auto at_the_end = ResumeBehind(epoch, held);
    EXPECT_EQ(at_the_end->NextGap().first(), held + 1);
    EXPECT_EQ(at_the_end->NextMessage().id(), again.id());
    // One of the new epoch.
    EXPECT_EQ(ResumeBehind(again.epoch(), held)->NextMessage().id(), again.id());
    if (run > 0) break;
    Stop();
    Start();
    EXPECT_THAT(nmqd().process().errors(), testing::Not(HasSubstr("although")));
  }
}

TEST_F(NmqdLostLogTest, GroupGoesOnBehindWhatIsLeftAndIsToldOnce) {
  Start();
  v1::SubscribeRequest request = client().SubscribeRequest("D");
  request.mutable_group()->set_name("workers");
  request.mutable_group()->set_credit_messages(1000);
  {
    auto worker = client().Subscribe(request);
    for (int i = 1; i <= 150; ++i) PublishWithId(absl::StrCat("D-", i));
    v1::AcknowledgeRequest done;
    done.set_session(client().session());
    done.set_queue("D");
    done.set_group("workers");
    v1::Acknowledgement* all = done.add_acknowledgements();
    all->set_first(1);
    all->set_last(worker->Payloads(150).size());
    all->set_done(true);
    api().Get(&v1::MessageQueue::Stub::Acknowledge, done);
  }
  // What the group has noted is synced by what is published behind it.
  int ticks = 0;
  WaitForMark([&] { PublishWithId(absl::StrCat("tick-", ++ticks)); });
  Kill();
  const uint64_t held = LoseHalf();
  request.set_session(client().session());
  auto worker = client().Subscribe(request);
  const v1::PublishResponse fresh = PublishWithId("fresh");
  EXPECT_EQ(fresh.sequence(), held + 1);
  // Among what is left and was not done when the log was cut.
  bool told = false;
  std::string last;
  while (last != "fresh") {
    const auto frame = worker->NextFrame();
    ASSERT_TRUE(frame.has_value());
    if (frame->has_gap()) {
      EXPECT_FALSE(told);
      told = true;
      EXPECT_EQ(frame->gap().reason(), v1::GAP_REASON_EPOCH_CHANGED);
      EXPECT_EQ(frame->gap().first(), held + 1);
    }
    for (const v1::Message& message : frame->batch().messages()) last = message.payload();
  }
  EXPECT_TRUE(told);
}

TEST_F(NmqdLostLogTest, TornEndThatWasNotSyncedIsDroppedAndSaidSo) {
  Start();
  PublishAcknowledged("D", 10);
  WaitForMark();
  PublishAcknowledged("B", 50, 1000);
  Kill();
  const std::string log = NewestLog();
  const std::string content = Content(log);
  for (const std::string& torn :
       {content.substr(0, content.size() - 3000), content.substr(0, content.size() - 3000) + std::string(3000, '\0')}) {
    SetContent(log, torn);
    Start();
    EXPECT_TRUE(WaitForLog({"dropped the last", "bytes of " + NameOf(log), "not synced"}));
    ExpectHoldsAcknowledged("D");
    const std::vector<std::string> held = Held("B");
    ASSERT_GT(held.size(), 30u);
    ASSERT_LT(held.size(), 50u);
    EXPECT_TRUE(std::equal(held.begin(), held.end(), acknowledged_["B"].begin()));
    ExpectHealth(true);
    Kill();
  }
  Start();
  EXPECT_THAT(nmqd().process().errors(), testing::Not(HasSubstr("dropped")));
  acknowledged_["B"] = Held("B");
  PublishAcknowledged("B", 10);
  ExpectHoldsAcknowledged("B");
}

TEST_F(NmqdLostLogTest, FlagWithoutALossChangesNothingButAWarning) {
  Start();
  const v1::PublishResponse before = PublishWithId("a");
  Stop();
  flags_ = {"--accept_data_loss"};
  Start();
  EXPECT_TRUE(WaitForLog({"--accept_data_loss", "one start"}));
  EXPECT_EQ(PublishWithId("b").epoch(), before.epoch());
}

}  // namespace
}  // namespace nmq::integration
