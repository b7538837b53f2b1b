#include "tests/unit/broker/harness.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/config/config.h"
#include "server/housekeeping/broker_tasks.h"
#include "server/housekeeping/housekeeper.h"
#include "server/queue/ready.h"
#include "tests/testing/notification.h"

namespace nmq::broker {
namespace {

ServerConfig Parse(absl::string_view text) {
  auto config = ParseConfig(text, "test", /*memory_bytes=*/uint64_t{1} << 30);
  EXPECT_TRUE(config.ok()) << config.status();
  return *std::move(config);
}

std::unique_ptr<Storage> OpenStorage(const ServerConfig& config, const std::string& data_dir, const Clock* clock,
                                     Random* random, rocksdb::Env* env) {
  if (data_dir.empty()) return nullptr;
  log::Store::Options options;
  options.directory = data_dir;
  options.env = env;
  auto storage = Storage::Open(options, clock, random);
  EXPECT_TRUE(storage.ok()) << storage.status();
  const absl::Status opened = (*storage)->OpenQueues(config);
  EXPECT_TRUE(opened.ok()) << opened;
  return *std::move(storage);
}

void Fill(const std::vector<std::string>& from, google::protobuf::RepeatedPtrField<std::string>* to) {
  for (const std::string& name : from) *to->Add() = name;
}

void SetTime(absl::Time time, google::protobuf::Timestamp* proto) {
  const int64_t nanos = absl::ToUnixNanos(time);
  proto->set_seconds(nanos / 1'000'000'000);
  proto->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
}

}  // namespace

void TestRandom::Fill(absl::Span<uint8_t> bytes) {
  for (uint8_t& byte : bytes) {
    uint64_t mixed = state_.fetch_add(0x9e3779b97f4a7c15, std::memory_order_relaxed);
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    byte = static_cast<uint8_t>(mixed >> 56);
  }
}

const Call& TestCall() {
  static const Call& call = *new Call(Right::kAdmin, Transport::kGrpc, "test:1");
  return call;
}

v1::Message ToMessage(const Post& post) {
  v1::Message message;
  message.set_queue(post.queue);
  message.set_event(post.event);
  message.set_payload(post.payload);
  message.mutable_headers()->insert(post.headers.begin(), post.headers.end());
  message.set_key(post.key);
  if (post.deliver_at != absl::InfinitePast()) SetTime(post.deliver_at, message.mutable_deliver_at());
  if (post.expire_at != absl::InfiniteFuture()) SetTime(post.expire_at, message.mutable_expire_at());
  v1::Audience audience;
  Fill(post.rooms, audience.mutable_rooms());
  Fill(post.clients, audience.mutable_clients());
  Fill(post.except_rooms, audience.mutable_except_rooms());
  Fill(post.except_clients, audience.mutable_except_clients());
  audience.set_except_publisher(post.except_publisher);
  if (audience.ByteSizeLong() > 0) *message.mutable_audience() = std::move(audience);
  return message;
}

std::vector<std::string> Heard::payloads() const {
  std::vector<std::string> payloads;
  for (const v1::Message& message : messages) payloads.push_back(message.payload());
  return payloads;
}

void Listener::Note(const v1::QueuePosition& position) {
  for (v1::QueuePosition& known : positions_) {
    if (known.queue() != position.queue()) continue;
    // What a group delivers may come again.
    if (position.epoch() == known.epoch() && !subscription_->member_of_group()) {
      EXPECT_GE(position.sequence(), known.sequence()) << "went back in queue " << position.queue();
    }
    known = position;
    return;
  }
  positions_.push_back(position);
}

absl::Status Listener::Read(uint64_t bytes_max, Heard* heard) {
  Delivery delivery;
  absl::Status status = subscription_->Read(bytes_max, &delivery);
  if (!status.ok()) return status;
  std::string bytes;
  for (const log::ByteRange& range : delivery.ranges) bytes.append(range.data(), range.length);
  EXPECT_EQ(bytes.size(), delivery.bytes);
  EXPECT_TRUE(delivery.messages <= 1 || delivery.bytes <= bytes_max);
  v1::Batch batch;
  EXPECT_TRUE(batch.ParseFromString(bytes));
  EXPECT_EQ(static_cast<uint64_t>(batch.messages_size()), delivery.messages);
  v1::QueuePosition position;
  for (v1::Message& message : *batch.mutable_messages()) {
    position.set_queue(message.queue());
    position.set_epoch(message.epoch());
    position.set_sequence(message.sequence());
    Note(position);
    heard->order.push_back(message.payload());
    heard->messages.push_back(std::move(message));
  }
  if (delivery.has_gap) {
    EXPECT_EQ(delivery.messages, 0u);
    const v1::Gap& gap = delivery.gap;
    heard->order.push_back(absl::StrCat("gap ", gap.first(), "-", gap.last()));
    heard->gaps.push_back(gap);
    if (gap.last() > 0) {
      position.set_queue(gap.queue());
      position.set_epoch(gap.epoch());
      position.set_sequence(gap.last());
      Note(position);
    }
  }
  return absl::OkStatus();
}

Heard Listener::HearOnce(uint64_t bytes_max) {
  TakeTurn(subscription_->lane());
  Heard heard;
  if (!told_) return heard;
  while (heard.order.empty() && heard.status.ok() && subscription_->has_ready() && !subscription_->ended()) {
    heard.status = Read(bytes_max, &heard);
  }
  if (subscription_->ended()) heard.status = subscription_->end_status();
  told_ = subscription_->has_ready();
  return heard;
}

Heard Listener::HearAll(uint64_t bytes_max) {
  Heard all;
  while (true) {
    Heard heard = HearOnce(bytes_max);
    std::move(heard.messages.begin(), heard.messages.end(), std::back_inserter(all.messages));
    std::move(heard.gaps.begin(), heard.gaps.end(), std::back_inserter(all.gaps));
    std::move(heard.order.begin(), heard.order.end(), std::back_inserter(all.order));
    all.status = heard.status;
    if (heard.order.empty() || !heard.status.ok()) return all;
  }
}

std::vector<v1::QueuePosition> Listener::Progress() {
  google::protobuf::RepeatedPtrField<v1::QueuePosition> positions;
  subscription_->TakeProgress(1000, &positions);
  for (const v1::QueuePosition& position : positions) Note(position);
  return {positions.begin(), positions.end()};
}

v1::QueuePosition Listener::Position(const std::string& queue) const {
  for (const v1::QueuePosition& known : positions_) {
    if (known.queue() == queue) return known;
  }
  return v1::QueuePosition();
}

v1::Resume Listener::Positions() const {
  v1::Resume resume;
  for (const v1::QueuePosition& known : positions_) *resume.add_positions() = known;
  return resume;
}

void Listener::Close(absl::string_view reason) {
  if (subscription_ == nullptr) return;
  name_space_->Unsubscribe(subscription_.get(), reason);
  subscription_ = nullptr;
}

void TakeTurn(Lane* lane) {
  std::vector<Subscriber*> ready;
  TakeReady(lane, &ready);
  for (Subscriber* subscription : ready) {
    subscription->ClearReady();
    subscription->owner()->OnReady();
  }
}

World::World(absl::string_view config, int lanes, const std::string& data_dir, rocksdb::Env* env, const Access* access)
    : config_(Parse(config)),
      storage_(OpenStorage(config_, data_dir, &clock_, &random_, env)),
      lanes_(all_lanes_.Add(lanes)),
      broker_(config_, &clock_, &random_, std::move(all_lanes_), storage_.get(), access) {
  for (Lane* lane : lanes_) lane->set_wake([] {});
}

absl::StatusOr<v1::ConnectResponse> World::TryConnect(const v1::ConnectRequest& request) {
  v1::ConnectResponse response;
  absl::Status status = broker_.Connect(TestCall(), request, &response);
  if (!status.ok()) return status;
  return response;
}

Member World::Connect(const std::string& name_space, const std::vector<std::string>& rooms) {
  v1::ConnectRequest request;
  request.set_namespace_(name_space);
  auto response = TryConnect(request);
  EXPECT_TRUE(response.ok()) << response.status();
  Member member{response->client_id(), response->session()};
  if (!rooms.empty()) {
    EXPECT_TRUE(Join(member, rooms).ok());
  }
  return member;
}

absl::Status World::Disconnect(const Member& member) {
  v1::DisconnectRequest request;
  request.set_session(member.session);
  return broker_.Disconnect(TestCall(), request);
}

absl::StatusOr<v1::JoinResponse> World::Join(const Member& member, const std::vector<std::string>& rooms) {
  v1::JoinRequest request;
  request.set_session(member.session);
  Fill(rooms, request.mutable_rooms());
  v1::JoinResponse response;
  absl::Status status = broker_.Join(TestCall(), request, &response);
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<v1::LeaveResponse> World::Leave(const Member& member, const std::vector<std::string>& rooms) {
  v1::LeaveRequest request;
  request.set_session(member.session);
  Fill(rooms, request.mutable_rooms());
  v1::LeaveResponse response;
  absl::Status status = broker_.Leave(TestCall(), request, &response);
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<v1::PublishResponse> PublishTo(Broker* broker, v1::PublishRequest* request) {
  absl::StatusOr<v1::PublishResponse> response;
  Notification answered;
  broker->Publish(TestCall(), request, [&](absl::StatusOr<v1::PublishResponse> answer) {
    response = std::move(answer);
    answered.Notify();
  });
  answered.WaitForNotification();
  return response;
}

absl::StatusOr<v1::PublishResponse> World::Publish(const Post& post, const std::string& name_space,
                                                   bool count_matches) {
  v1::PublishRequest request;
  request.set_namespace_(name_space);
  *request.mutable_message() = ToMessage(post);
  request.set_count_matches(count_matches);
  return PublishTo(&broker_, &request);
}

absl::StatusOr<v1::PublishResponse> World::PublishAs(const Member& member, const Post& post) {
  v1::PublishRequest request;
  request.set_session(member.session);
  *request.mutable_message() = ToMessage(post);
  return PublishTo(&broker_, &request);
}

void World::Housekeep() {
  for (const Housekeeper::Task& task : PromptTasks(&broker_)) task.run();
  for (const Housekeeper::Task& task : MaintenanceTasks(&broker_)) task.run();
}

void World::Overrun(const std::string& queue, int messages, const std::string& room, const std::string& event) {
  Post post{.queue = queue, .event = event, .payload = "noise"};
  if (!room.empty()) post.rooms = {room};
  for (int i = 0; i < messages; ++i) {
    auto published = Publish(post);
    ASSERT_TRUE(published.ok()) << published.status();
  }
}

absl::StatusOr<std::unique_ptr<Listener>> World::TryListen(v1::SubscribeRequest request, int lane) {
  auto listener = std::make_unique<Listener>();
  Call call = TestCall();
  call.peer = "test:2";
  auto wish = broker_.CheckSubscribe(call, request, lanes_[lane], listener.get());
  if (!wish.ok()) return wish.status();
  listener->name_space_ = wish->name_space;
  if (Broker::MayTakeLong(*wish)) {
    absl::Status prepared;
    Notification done;
    absl::Status status = broker_.PrepareSubscribe(&*wish, /*stop=*/nullptr, [&](const absl::Status& result) {
      prepared = result;
      done.Notify();
    });
    if (!status.ok()) return status;
    done.WaitForNotification();
    if (!prepared.ok()) return prepared;
  }
  auto subscription = broker_.Subscribe(*std::move(wish), &listener->ready_);
  if (!subscription.ok()) return subscription.status();
  listener->subscription_ = *std::move(subscription);
  for (const v1::QueuePosition& position : listener->ready_.positions()) listener->Note(position);
  return listener;
}

std::unique_ptr<Listener> World::Listen(const Member& member, const Wants& wants, const v1::StartPosition& start,
                                        int lane) {
  auto listener = TryListen(SubscribeTo(member, wants, start), lane);
  EXPECT_TRUE(listener.ok()) << listener.status();
  return *std::move(listener);
}

Namespace& World::name_space(absl::string_view name) {
  v1::ListQueuesRequest request;
  request.set_namespace_(std::string(name));
  return **broker_.FindNamespace(TestCall(), request);
}

uint64_t World::Refused(absl::string_view name) {
  v1::NamespaceInfo info;
  name_space(name).Describe(&info);
  return info.counters().refused_requests();
}

v1::SubscribeRequest SubscribeTo(const Member& member, const Wants& wants, const v1::StartPosition& start) {
  v1::SubscribeRequest request;
  request.set_session(member.session);
  for (const auto& [queue, event] : wants) {
    v1::Pattern* pattern = request.add_patterns();
    pattern->set_queue(queue);
    pattern->set_event(event);
  }
  *request.mutable_start() = start;
  return request;
}

v1::StartPosition Earliest() {
  v1::StartPosition start;
  start.set_earliest(true);
  return start;
}

v1::StartPosition Last(uint64_t count) {
  v1::StartPosition start;
  start.set_last(count);
  return start;
}

v1::StartPosition FromSequence(uint64_t sequence) {
  v1::StartPosition start;
  start.set_sequence(sequence);
  return start;
}

v1::StartPosition ResumeFrom(const v1::Resume& resume) {
  v1::StartPosition start;
  *start.mutable_resume() = resume;
  return start;
}

v1::StartPosition ResumeFrom(const std::string& queue, uint64_t epoch, uint64_t sequence) {
  v1::Resume resume;
  v1::QueuePosition* position = resume.add_positions();
  position->set_queue(queue);
  position->set_epoch(epoch);
  position->set_sequence(sequence);
  return ResumeFrom(resume);
}

absl::Status PublishOn(PublishStream* stream, const v1::PublishStreamRequest& request,
                       v1::PublishStreamResponse* response) {
  google::protobuf::Arena arena;
  Notification answered;
  absl::Status status =
      stream->Publish(request.SerializeAsString(), &arena, [&](const v1::PublishStreamResponse& answer) {
        *response = answer;
        answered.Notify();
      });
  if (status.ok()) answered.WaitForNotification();
  return status;
}

}  // namespace nmq::broker
