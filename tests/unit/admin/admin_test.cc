// What Admin changes, and what those who are there are told of it.
#include "server/admin/admin.h"

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/await.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/log/batch.h"
#include "tests/testing/fresh_directory.h"
#include "tests/testing/notification.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr char kConfig[] = R"(
    limits { namespaces: 3 queues_per_namespace: 8 }
    namespace {
      name: "default"
      automatic_queues: false
      queue { name: "Declared" }
      queue { name: "D" durability: DURABILITY_DURABLE }
    })";

class AdminTest : public testing::Test {
 protected:
  AdminTest() { Restart(); }

  void Restart(const std::string& config = kConfig) {
    admin_ = nullptr;
    world_ = nullptr;
    world_ = std::make_unique<World>(config, /*lanes=*/1, directory_);
    admin_ = std::make_unique<Admin>(&world_->broker());
  }
  Admin& admin() { return *admin_; }
  World& world() { return *world_; }

  // Makes a call that must succeed.
  template <typename Request, typename Response>
  Response Do(absl::Status (Admin::*method)(const Call&, const Request&, Response*), const Request& request) {
    Response response;
    const absl::Status status = (admin_.get()->*method)(TestCall(), request, &response);
    EXPECT_TRUE(status.ok()) << status;
    return response;
  }
  v1::RedriveDeadLettersResponse Redrive(const v1::RedriveDeadLettersRequest& request) {
    auto response = Await<absl::StatusOr<v1::RedriveDeadLettersResponse>>(
        [&](RedriveDone done) { admin_->RedriveDeadLetters(TestCall(), request, std::move(done)); });
    EXPECT_TRUE(response.ok()) << response.status();
    return response.value_or(v1::RedriveDeadLettersResponse());
  }
  // Makes a call that must be refused.
  template <typename Request, typename Response>
  absl::Status Refused(absl::Status (Admin::*method)(const Call&, const Request&, Response*), const Request& request) {
    Response response;
    const absl::Status status = (admin_.get()->*method)(TestCall(), request, &response);
    EXPECT_FALSE(status.ok());
    return status;
  }

  v1::CreateQueueResponse CreateQueue(const std::string& name, v1::Durability durability = v1::DURABILITY_LIVE,
                                      const std::string& name_space = "") {
    v1::CreateQueueRequest request;
    request.set_namespace_(name_space);
    request.set_name(name);
    request.set_durability(durability);
    return Do(&Admin::CreateQueue, request);
  }
  uint64_t DeleteQueue(const std::string& name) {
    v1::DeleteQueueRequest request;
    request.set_name(name);
    return Do(&Admin::DeleteQueue, request).messages();
  }
  uint64_t Purge(const std::string& name, uint64_t up_to = 0) {
    v1::PurgeQueueRequest request;
    request.set_name(name);
    request.set_up_to_sequence(up_to);
    return Do(&Admin::PurgeQueue, request).messages();
  }
  void Publish(const std::string& queue, int first, int last) {
    for (int i = first; i <= last; ++i) {
      const auto published = world_->Publish({.queue = queue, .payload = std::to_string(i)});
      EXPECT_TRUE(published.ok()) << published.status();
    }
  }
  // All that a listener hears, from disk, too.
  Heard HearAll(Listener* listener) {
    Heard all;
    for (int i = 0; i < 4; ++i) {
      world_->broker().FlushToDisk();
      TakeTurn(world_->lane(0));
      Heard heard = listener->HearAll();
      all.order.insert(all.order.end(), heard.order.begin(), heard.order.end());
      all.gaps.insert(all.gaps.end(), heard.gaps.begin(), heard.gaps.end());
      all.messages.insert(all.messages.end(), heard.messages.begin(), heard.messages.end());
      all.status = heard.status;
      world_->storage().log().Flush();
    }
    return all;
  }
  std::vector<std::string> QueueNames(const std::string& name_space = "") {
    v1::ListQueuesRequest request;
    request.set_namespace_(name_space);
    v1::ListQueuesResponse response;
    EXPECT_TRUE(world_->registry().ListQueues(TestCall(), request, &response).ok());
    std::vector<std::string> names;
    for (const v1::QueueInfo& queue : response.queues()) names.push_back(queue.name());
    return names;
  }
  std::vector<std::string> NamespaceNames() {
    v1::ListNamespacesResponse response;
    EXPECT_TRUE(world_->registry().ListNamespaces(TestCall(), {}, &response).ok());
    std::vector<std::string> names;
    for (const v1::NamespaceInfo& info : response.namespaces()) names.push_back(info.name());
    return names;
  }

  // Groups of the queue D.
  std::unique_ptr<Listener> Enter(const std::string& group, uint32_t attempts = 5) {
    v1::SubscribeRequest request = SubscribeTo(world_->Connect(), {{"D", ""}}, Earliest());
    request.mutable_group()->set_name(group);
    request.mutable_group()->set_attempts_max(attempts);
    auto listener = world_->TryListen(request);
    EXPECT_TRUE(listener.ok()) << listener.status();
    return listener.ok() ? *std::move(listener) : nullptr;
  }
  template <typename Request>
  static Request OfGroup(const std::string& group) {
    Request request;
    request.set_queue("D");
    request.set_group(group);
    return request;
  }
  // What was heard in one delivery.
  void Terminate(const std::string& group, uint64_t first, uint64_t last, uint64_t delivery) {
    v1::AcknowledgeRequest request;
    request.set_session(world_->Connect().session);
    request.set_queue("D");
    request.set_group(group);
    v1::Acknowledgement* one = request.add_acknowledgements();
    one->set_first(first);
    one->set_last(last);
    one->set_delivery(delivery);
    one->set_terminate("no good");
    Notification told;
    world_->broker().Acknowledge(TestCall(), &request, [&](const absl::StatusOr<v1::AcknowledgeResponse>& response) {
      EXPECT_TRUE(response.ok()) << response.status();
      told.Notify();
    });
    told.WaitForNotification();
  }

 private:
  const std::string directory_ = FreshDirectory();
  std::unique_ptr<World> world_;
  std::unique_ptr<Admin> admin_;
};

TEST_F(AdminTest, AQueueThatIsMadeTakesMessagesAndSurvivesARestart) {
  for (const auto& [name, durability] : std::vector<std::pair<std::string, v1::Durability>>{
           {"Live", v1::DURABILITY_LIVE}, {"Durable", v1::DURABILITY_DURABLE}, {"Buffered", v1::DURABILITY_BUFFERED}}) {
    EXPECT_EQ(world().Publish({.queue = name}).status().code(), absl::StatusCode::kNotFound);
    const v1::CreateQueueResponse made = CreateQueue(name, durability);
    EXPECT_TRUE(made.kept());
    EXPECT_EQ(made.queue().durability(), durability);
    Publish(name, 1, 2);
  }
  Restart();
  EXPECT_THAT(QueueNames(), ElementsAre("Buffered", "D", "Declared", "Durable", "Live"));
  Publish("Live", 3, 3);
  Publish("Durable", 3, 3);
  auto listener = world().Listen(world().Connect(), {{"Durable", ""}}, Earliest());
  EXPECT_THAT(HearAll(listener.get()).order, ElementsAre("1", "2", "3"));
}

TEST_F(AdminTest, WhoWaitsForAQueueHearsItWhenItIsMade) {
  auto listener = world().Listen(world().Connect(), {{"**", ""}});
  CreateQueue("New");
  Publish("New", 1, 1);
  EXPECT_THAT(listener->HearAll().order, ElementsAre("1"));
}

TEST_F(AdminTest, AQueueKeepsItsEventsAndRetention) {
  v1::CreateQueueRequest request;
  request.set_name("Q");
  request.add_events("B");
  request.add_events("A");
  request.mutable_retention()->set_messages(3);
  Do(&Admin::CreateQueue, request);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(ReasonOf(world().Publish({.queue = "Q", .event = "C"}).status()), "EVENT_NOT_FOUND");
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(world().Publish({.queue = "Q", .event = "A"}).ok());
    v1::ListQueuesRequest list;
    list.set_queue("Q");
    v1::ListQueuesResponse response;
    ASSERT_TRUE(world().registry().ListQueues(TestCall(), list, &response).ok());
    EXPECT_THAT(response.queues(0).events(), ElementsAre("A", "B"));
    EXPECT_EQ(response.queues(0).first_sequence(), 3u);
    Restart();
  }
}

TEST_F(AdminTest, WhatWaitsForItsTimeGoesWithItsQueueAndSurvivesAPurge) {
  for (const v1::Durability durability : {v1::DURABILITY_LIVE, v1::DURABILITY_DURABLE}) {
    const std::string name = absl::StrCat("Q", static_cast<int>(durability));
    CreateQueue(name, durability);
    const auto later = [&](const std::string& payload) {
      const absl::Time due = world().clock().Now() + absl::Seconds(10);
      EXPECT_TRUE(world().Publish({.queue = name, .payload = payload, .deliver_at = due}).ok());
    };
    later("gone");
    DeleteQueue(name);
    CreateQueue(name, durability);
    later("kept");
    EXPECT_EQ(Purge(name), 0u);
    world().clock().Advance(absl::Seconds(10));
    world().broker().DeliverDue();
    auto listener = world().Listen(world().Connect(), {{name, ""}}, Earliest());
    EXPECT_THAT(HearAll(listener.get()).order, ElementsAre("kept"));
  }
}

TEST_F(AdminTest, AQueueThatIsThereIsNotMadeAgain) {
  v1::CreateQueueRequest request;
  request.set_name("Declared");
  const absl::Status status = Refused(&Admin::CreateQueue, request);
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReasonOf(status), "QUEUE_EXISTS");
}

TEST_F(AdminTest, QueuesAreBoundedAndTheirPoliciesChecked) {
  v1::CreateQueueRequest request;
  request.set_name("no name");
  EXPECT_EQ(MetadataOf(Refused(&Admin::CreateQueue, request), "field"), "name");
  request.set_name("Q");
  request.set_durability(static_cast<v1::Durability>(99));
  EXPECT_EQ(MetadataOf(Refused(&Admin::CreateQueue, request), "field"), "durability");
  request.clear_durability();
  request.add_events("");
  EXPECT_EQ(MetadataOf(Refused(&Admin::CreateQueue, request), "field"), "events[0]");
  request.clear_events();
  request.mutable_retention()->set_messages(uint64_t{1} << 60);
  EXPECT_EQ(MetadataOf(Refused(&Admin::CreateQueue, request), "field"), "retention.messages");
  request.clear_retention();
  for (int i = 0; i < 6; ++i) CreateQueue(absl::StrCat("Q", i));
  EXPECT_EQ(MetadataOf(Refused(&Admin::CreateQueue, request), "limit"), "queues_per_namespace");
}

TEST_F(AdminTest, AChangedQueueHoldsLessAndAcceptsOthers) {
  for (const v1::Durability durability : {v1::DURABILITY_LIVE, v1::DURABILITY_DURABLE}) {
    const std::string name = durability == v1::DURABILITY_LIVE ? "L" : "P";
    CreateQueue(name, durability);
    Publish(name, 1, 10);
    v1::UpdateQueueRequest request;
    request.set_name(name);
    request.mutable_events()->add_names("ONLY");
    request.mutable_retention()->set_messages(4);
    Do(&Admin::UpdateQueue, request);
    world().Housekeep();
    EXPECT_EQ(ReasonOf(world().Publish({.queue = name}).status()), "EVENT_NOT_FOUND");
    EXPECT_TRUE(world().Publish({.queue = name, .event = "ONLY", .payload = "11"}).ok());
    world().Housekeep();
    auto listener = world().Listen(world().Connect(), {{name, ""}}, Earliest());
    EXPECT_THAT(HearAll(listener.get()).order, ElementsAre("8", "9", "10", "11")) << name;
  }
}

TEST_F(AdminTest, WhatTheConfigurationDeclaresIsNotChangedOrDeleted) {
  v1::UpdateQueueRequest update;
  update.set_name("Declared");
  EXPECT_EQ(ReasonOf(Refused(&Admin::UpdateQueue, update)), "DECLARED");
  v1::DeleteQueueRequest deleted;
  deleted.set_name("D");
  EXPECT_EQ(ReasonOf(Refused(&Admin::DeleteQueue, deleted)), "DECLARED");
  v1::DeleteNamespaceRequest name_space;
  name_space.set_name("default");
  const absl::Status kept = Refused(&Admin::DeleteNamespace, name_space);
  EXPECT_EQ(ReasonOf(kept), "DECLARED");
  EXPECT_THAT(std::string(kept.message()), HasSubstr("\"default\" is every server's own; change it in"));
}

TEST_F(AdminTest, ADeletedQueueIsGoneAlsoAfterARestart) {
  CreateQueue("P", v1::DURABILITY_DURABLE);
  Publish("P", 1, 3);
  EXPECT_EQ(DeleteQueue("P"), 3u);
  EXPECT_EQ(world().Publish({.queue = "P"}).status().code(), absl::StatusCode::kNotFound);
  Restart();
  EXPECT_THAT(QueueNames(), ElementsAre("D", "Declared"));
  CreateQueue("P", v1::DURABILITY_DURABLE);
  Publish("P", 4, 4);
  auto listener = world().Listen(world().Connect(), {{"P", ""}}, Earliest());
  EXPECT_THAT(HearAll(listener.get()).order, ElementsAre("4"));
}

TEST_F(AdminTest, WhatACrashLeftOfADeletedQueueIsDeletedAtTheNextStart) {
  CreateQueue("P", v1::DURABILITY_DURABLE);
  Publish("P", 1, 3);
  const uint64_t number = (*world().name_space().FindQueue("P"))->disk().number;
  // The server was killed when it had forgotten the queue, and had not deleted its messages.
  log::Batch batch;
  batch.Delete(log::Table::kMeta, "queue/default/P");
  batch.Put(log::Table::kMeta, absl::StrCat("deleted/", number), "");
  ASSERT_TRUE(world().storage().store().Write(&batch, log::Sync::kYes).ok());
  Restart();
  const auto extent = world().storage().store().FindExtent(number);
  ASSERT_TRUE(extent.ok()) << extent.status();
  EXPECT_EQ(extent->first, extent->end);
  EXPECT_TRUE(
      absl::IsNotFound(world().storage().store().Get(log::Table::kMeta, absl::StrCat("deleted/", number)).status()));
}

TEST_F(AdminTest, TheNumberOfADeletedQueueIsNotGivenAgain) {
  CreateQueue("P", v1::DURABILITY_DURABLE);
  const uint64_t number = (*world().name_space().FindQueue("P"))->disk().number;
  DeleteQueue("P");
  Restart();
  CreateQueue("P", v1::DURABILITY_DURABLE);
  EXPECT_GT((*world().name_space().FindQueue("P"))->disk().number, number);
}

TEST_F(AdminTest, WhoHadNotHeardADeletedQueueIsToldAGapAndGoesOnWithTheNewOne) {
  for (const v1::Durability durability : {v1::DURABILITY_LIVE, v1::DURABILITY_DURABLE}) {
    CreateQueue("Q", durability);
    auto listener = world().Listen(world().Connect(), {{"**", ""}});
    auto slow = world().Listen(world().Connect(), {{"Q", ""}});
    Publish("Q", 1, 2);
    EXPECT_THAT(HearAll(listener.get()).order, ElementsAre("1", "2"));
    EXPECT_EQ(DeleteQueue("Q"), 2u);
    EXPECT_THAT(HearAll(listener.get()).order, IsEmpty());
    const Heard heard = HearAll(slow.get());
    EXPECT_THAT(heard.order, ElementsAre("gap 1-2"));
    EXPECT_EQ(heard.gaps[0].reason(), v1::GAP_REASON_PURGED);
    EXPECT_EQ(slow->subscription().cursors(), 0u);
    CreateQueue("Q", durability);
    Publish("Q", 3, 3);
    EXPECT_THAT(HearAll(listener.get()).order, ElementsAre("3"));
    EXPECT_THAT(HearAll(slow.get()).order, ElementsAre("3"));
    EXPECT_EQ(slow->subscription().cursors(), 1u);
    DeleteQueue("Q");
  }
}

TEST_F(AdminTest, PurgedMessagesAreAGapForWhoHadNotHeardThem) {
  CreateQueue("L");
  CreateQueue("P", v1::DURABILITY_DURABLE);
  for (const std::string name : {"L", "P"}) {
    v1::SubscribeRequest request = SubscribeTo(world().Connect(), {{name, ""}});
    request.set_overflow(v1::OVERFLOW_DISCONNECT);  // it is not its fault
    auto listener = world().TryListen(request);
    ASSERT_TRUE(listener.ok());
    Publish(name, 1, 5);
    EXPECT_EQ(Purge(name, 3), 3u);
    EXPECT_EQ(Purge(name, 2), 0u);
    EXPECT_TRUE((*listener)->subscription().CheckOverflow().ok());
    const Heard heard = HearAll(listener->get());
    EXPECT_THAT(heard.order, ElementsAre("gap 1-3", "4", "5")) << heard.status;
    EXPECT_EQ(heard.gaps[0].reason(), v1::GAP_REASON_PURGED);
    EXPECT_EQ(Purge(name), 2u);
    Publish(name, 6, 6);
    EXPECT_THAT(HearAll(listener->get()).order, ElementsAre("6"));
    auto late = world().Listen(world().Connect(), {{name, ""}}, Earliest());
    EXPECT_THAT(HearAll(late.get()).order, ElementsAre("6"));
    v1::PurgeQueueRequest beyond;
    beyond.set_name(name);
    beyond.set_up_to_sequence(7);
    EXPECT_EQ(Refused(&Admin::PurgeQueue, beyond).code(), absl::StatusCode::kOutOfRange);
  }
  Restart();
  auto listener = world().Listen(world().Connect(), {{"P", ""}}, FromSequence(6));
  EXPECT_THAT(HearAll(listener.get()).order, ElementsAre("6"));
}

TEST_F(AdminTest, ANamespaceIsMadeChangedAndDeleted) {
  v1::CreateNamespaceRequest create;
  create.set_name("shop");
  create.set_automatic_queues(true);
  EXPECT_TRUE(Do(&Admin::CreateNamespace, create).kept());
  EXPECT_EQ(ReasonOf(Refused(&Admin::CreateNamespace, create)), "NAMESPACE_EXISTS");
  CreateQueue("P", v1::DURABILITY_DURABLE, "shop");
  EXPECT_TRUE(world().Publish({.queue = "P"}, "shop").ok());
  v1::UpdateNamespaceRequest update;
  update.set_name("shop");
  update.set_automatic_queues(false);
  Do(&Admin::UpdateNamespace, update);
  Restart();
  EXPECT_THAT(NamespaceNames(), ElementsAre("default", "shop"));
  EXPECT_EQ(ReasonOf(world().Publish({.queue = "unknown"}, "shop").status()), "QUEUE_NOT_FOUND");

  const Member member = world().Connect("shop");
  auto listener = world().Listen(member, {{"**", ""}});
  v1::DeleteNamespaceRequest deleted;
  deleted.set_name("shop");
  Do(&Admin::DeleteNamespace, deleted);
  EXPECT_EQ(listener->HearAll().status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(world().Publish({.queue = "P"}, "shop").status()), "NAMESPACE_NOT_FOUND");
  EXPECT_EQ(world().Join(member, {"A"}).status().code(), absl::StatusCode::kNotFound);
  listener = nullptr;
  Restart();
  EXPECT_THAT(NamespaceNames(), ElementsAre("default"));
}

TEST_F(AdminTest, ADeletedNamespaceCanBeMadeAgainAndIsEmpty) {
  v1::CreateNamespaceRequest create;
  create.set_name("shop");
  create.set_automatic_queues(true);
  v1::DeleteNamespaceRequest deleted;
  deleted.set_name("shop");
  for (int round = 0; round < 3; ++round) {
    Do(&Admin::CreateNamespace, create);
    EXPECT_THAT(QueueNames("shop"), IsEmpty());
    EXPECT_TRUE(world().Publish({.queue = "Q"}, "shop").ok());
    Do(&Admin::DeleteNamespace, deleted);
  }
  EXPECT_EQ(ReasonOf(Refused(&Admin::DeleteNamespace, deleted)), "NAMESPACE_NOT_FOUND");
}

TEST_F(AdminTest, NamespacesAreBounded) {
  v1::CreateNamespaceRequest create;
  for (const char* name : {"a", "b"}) {
    create.set_name(name);
    Do(&Admin::CreateNamespace, create);
  }
  create.set_name("c");
  EXPECT_EQ(MetadataOf(Refused(&Admin::CreateNamespace, create), "limit"), "namespaces");
}

TEST_F(AdminTest, AGroupIsMadeBeforeAnyMember) {
  v1::CreateGroupRequest create;
  create.set_queue("D");
  create.mutable_options()->set_name("g");
  EXPECT_EQ(Do(&Admin::CreateGroup, create).group().options().dead_letter_queue(), "D.dead");
  EXPECT_EQ(ReasonOf(Refused(&Admin::CreateGroup, create)), "GROUP_EXISTS");
  Publish("D", 1, 2);
  auto member = Enter("g");
  EXPECT_THAT(HearAll(member.get()).order, ElementsAre("1", "2"));
}

TEST_F(AdminTest, APausedGroupDeliversNothingUntilItIsResumedAlsoOverARestart) {
  auto member = Enter("g");
  EXPECT_TRUE(Do(&Admin::PauseGroup, OfGroup<v1::PauseGroupRequest>("g")).group().paused());
  Publish("D", 1, 2);
  EXPECT_THAT(HearAll(member.get()).order, IsEmpty());
  member = nullptr;
  Restart();
  member = Enter("g");
  EXPECT_THAT(HearAll(member.get()).order, IsEmpty());
  EXPECT_FALSE(Do(&Admin::ResumeGroup, OfGroup<v1::ResumeGroupRequest>("g")).group().paused());
  EXPECT_THAT(HearAll(member.get()).order, ElementsAre("1", "2"));
}

TEST_F(AdminTest, AGroupThatIsSetBackDeliversAgainAlsoAfterARestart) {
  auto member = Enter("g");
  Publish("D", 1, 4);
  const Heard heard = HearAll(member.get());
  ASSERT_THAT(heard.order, ElementsAre("1", "2", "3", "4"));
  Terminate("g", 2, 2, heard.messages[0].delivery());
  auto request = OfGroup<v1::SeekGroupRequest>("g");
  request.mutable_start()->set_sequence(2);
  EXPECT_EQ(Do(&Admin::SeekGroup, request).group().floor_sequence(), 1u);
  EXPECT_THAT(HearAll(member.get()).order, ElementsAre("2", "3", "4"));
  member = nullptr;
  request.clear_start();
  request.mutable_start()->set_earliest(true);
  Do(&Admin::SeekGroup, request);
  Restart();
  member = Enter("g");
  EXPECT_THAT(HearAll(member.get()).order, ElementsAre("1", "2", "3", "4"));
  request.clear_start();
  Do(&Admin::SeekGroup, request);
  Publish("D", 5, 5);
  EXPECT_THAT(HearAll(member.get()).order, ElementsAre("5"));
}

TEST_F(AdminTest, ADeletedGroupEndsItsMembersAndStartsAnew) {
  auto member = Enter("g");
  Publish("D", 1, 2);
  HearAll(member.get());
  Do(&Admin::DeleteGroup, OfGroup<v1::DeleteGroupRequest>("g"));
  EXPECT_EQ(ReasonOf(HearAll(member.get()).status), "GROUP_DELETED");
  member = nullptr;
  EXPECT_EQ(ReasonOf(Refused(&Admin::DeleteGroup, OfGroup<v1::DeleteGroupRequest>("g"))), "GROUP_NOT_FOUND");
  Restart();
  EXPECT_EQ(ReasonOf(Refused(&Admin::DeleteGroup, OfGroup<v1::DeleteGroupRequest>("g"))), "GROUP_NOT_FOUND");
  member = Enter("g");
  EXPECT_THAT(HearAll(member.get()).order, ElementsAre("1", "2"));
}

TEST_F(AdminTest, AQueueCountsTheGroupsThatItHasAndNoDeletedOnes) {
  const auto groups = [&] {
    v1::QueueInfo info;
    (*world().name_space().FindQueue("D"))->Describe(&info);
    return info.groups();
  };
  for (int i = 0; i < 3; ++i) {
    auto member = Enter("g");
    auto other = Enter("h");
    EXPECT_EQ(groups(), 2u);
    Do(&Admin::DeleteGroup, OfGroup<v1::DeleteGroupRequest>("g"));
    EXPECT_EQ(groups(), 1u);
    Do(&Admin::DeleteGroup, OfGroup<v1::DeleteGroupRequest>("h"));
    EXPECT_EQ(groups(), 0u);
  }
}

TEST_F(AdminTest, AQueueOfDeadLettersIsNotDeletedWhileAGroupUsesIt) {
  auto member = Enter("g");
  v1::DeleteQueueRequest request;
  request.set_name("D.dead");
  EXPECT_EQ(ReasonOf(Refused(&Admin::DeleteQueue, request)), "QUEUE_IN_USE");
  Do(&Admin::DeleteGroup, OfGroup<v1::DeleteGroupRequest>("g"));
  EXPECT_EQ(DeleteQueue("D.dead"), 0u);
}

TEST_F(AdminTest, DeadLettersAreTriedAgain) {
  auto member = Enter("g");
  Publish("D", 1, 5);
  const Heard heard = HearAll(member.get());
  ASSERT_EQ(heard.messages.size(), 5u);
  Terminate("g", 2, 4, heard.messages[0].delivery());
  HearAll(member.get());
  v1::RedriveDeadLettersRequest request;
  request.set_queue("D.dead");
  request.set_messages_max(1);
  EXPECT_EQ(Redrive(request).messages(), 1u);
  EXPECT_THAT(HearAll(member.get()).order, ElementsAre("2"));
  request.set_messages_max(0);
  const v1::RedriveDeadLettersResponse rest = Redrive(request);
  EXPECT_EQ(rest.messages(), 2u);
  EXPECT_EQ(rest.stopped_at_sequence(), 0u);
  const Heard again = HearAll(member.get());
  EXPECT_THAT(again.order, ElementsAre("3", "4"));
  EXPECT_FALSE(again.messages[0].has_dead_letter());
  EXPECT_EQ(again.messages[0].sequence(), 7u);
  EXPECT_EQ(Redrive(request).messages(), 0u);
}

TEST_F(AdminTest, RedrivingStopsAtWhatIsNoDeadLetter) {
  CreateQueue("P", v1::DURABILITY_DURABLE);
  Publish("P", 1, 2);
  v1::RedriveDeadLettersRequest request;
  request.set_queue("P");
  const v1::RedriveDeadLettersResponse response = Redrive(request);
  EXPECT_EQ(response.messages(), 0u);
  EXPECT_EQ(response.stopped_at_sequence(), 1u);
  EXPECT_THAT(response.stopped_because(), HasSubstr("no dead letter"));
}

TEST_F(AdminTest, RedrivingStopsWhenTheServerDoes) {
  auto member = Enter("g");
  Publish("D", 1, 2);
  const Heard heard = HearAll(member.get());
  ASSERT_EQ(heard.messages.size(), 2u);
  Terminate("g", 1, 2, heard.messages[0].delivery());
  HearAll(member.get());
  v1::RedriveDeadLettersRequest request;
  request.set_queue("D.dead");
  admin().StopRedriving();
  const v1::RedriveDeadLettersResponse response = Redrive(request);
  EXPECT_EQ(response.messages(), 0u);
  EXPECT_EQ(response.stopped_at_sequence(), 1u);
  EXPECT_THAT(response.stopped_because(), HasSubstr("shutting down"));
}

TEST_F(AdminTest, ClientsAreMovedInBulk) {
  const Member a = world().Connect("", {"red"});
  const Member b = world().Connect("", {"red", "old"});
  const Member other = world().Connect("", {"blue"});
  auto listener = world().Listen(b, {{"**", ""}});
  v1::MoveClientsRequest request;
  EXPECT_EQ(MetadataOf(Refused(&Admin::MoveClients, request), "field"), "join");
  request.add_join("new");
  request.add_leave("old");
  EXPECT_EQ(MetadataOf(Refused(&Admin::MoveClients, request), "field"), "filter");
  request.mutable_filter()->set_room("red");
  EXPECT_EQ(Do(&Admin::MoveClients, request).clients(), 2u);
  v1::ListClientsRequest list;
  list.mutable_filter()->set_room("new");
  v1::ListClientsResponse response;
  ASSERT_TRUE(world().registry().ListClients(TestCall(), list, &response).ok());
  std::set<std::string> ids;
  for (const v1::ClientInfo& client : response.clients()) ids.insert(client.id());
  EXPECT_EQ(ids, (std::set<std::string>{a.id, b.id}));
  ASSERT_TRUE(world().Publish({.queue = "Declared", .payload = "to old", .rooms = {"old"}}).ok());
  ASSERT_TRUE(world().Publish({.queue = "Declared", .payload = "to new", .rooms = {"new"}}).ok());
  EXPECT_THAT(listener->HearAll().order, ElementsAre("to new"));
}

TEST_F(AdminTest, ClientsAreDisconnectedInBulkAndTold) {
  const Member a = world().Connect("", {"red"});
  auto listener = world().Listen(a, {{"**", ""}});
  const Member other = world().Connect();
  v1::DisconnectClientsRequest request;
  request.mutable_filter()->set_room("red");
  request.set_reason("maintenance");
  EXPECT_EQ(Do(&Admin::DisconnectClients, request).clients(), 1u);
  const absl::Status status = listener->HearAll().status;
  EXPECT_EQ(ReasonOf(status), "DISCONNECTED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("maintenance"));
  EXPECT_EQ(world().Join(a, {"A"}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(world().Join(other, {"A"}).ok());
}

TEST(Admin, WithoutADataDirectoryAQueueOnDiskIsRefusedAndALiveOneNotKept) {
  World world;
  Admin admin(&world.broker());
  v1::CreateQueueRequest request;
  request.set_name("Q");
  v1::CreateQueueResponse response;
  ASSERT_TRUE(admin.CreateQueue(TestCall(), request, &response).ok());
  EXPECT_FALSE(response.kept());
  request.set_name("P");
  request.set_durability(v1::DURABILITY_DURABLE);
  EXPECT_EQ(ReasonOf(admin.CreateQueue(TestCall(), request, &response)), "NO_DATA_DIRECTORY");
}

}  // namespace
}  // namespace nmq::broker
