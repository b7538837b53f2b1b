#include "tests/integration/fixture.h"

#include <cstdio>
#include <fstream>
#include <initializer_list>
#include <set>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/deadline.h"
#include "base/grpc_deadline.h"
#include "base/random.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/create_channel.h"
#include "gtest/gtest.h"
#include "server/broker/broker.h"
#include "server/config/config.h"
#include "server/grpc/server.h"
#include "server/housekeeping/broker_tasks.h"
#include "server/housekeeping/housekeeper.h"
#include "server/http2/server.h"
#include "server/queue/lanes.h"
#include "server/queue/storage.h"
#include "server/rpc/transport.h"
#include "server/service/services.h"

namespace nmq::integration {
namespace {

constexpr uint64_t kMemoryBytes = 1 << 30;

ServerConfig Parse(const std::string& text) {
  auto config = ParseConfig(text, "test", kMemoryBytes);
  if (!config.ok()) ADD_FAILURE() << config.status();
  return config.ok() ? *std::move(config) : DefaultConfig(kMemoryBytes);
}

// Null without a directory.
std::unique_ptr<broker::Storage> OpenStorage(const TestServer::Options& options) {
  if (options.data_dir.empty()) return nullptr;
  log::Store::Options store;
  store.directory = options.data_dir;
  auto storage = broker::Storage::Open(store, options.clock, &SystemRandom());
  if (!storage.ok()) ADD_FAILURE() << storage.status();
  EXPECT_TRUE((*storage)->OpenQueues(Parse(options.config)).ok());
  return *std::move(storage);
}

std::string TransportOf(const TestServer::Options& options) {
  if (!options.transport.empty()) return options.transport;
  const char* const name = getenv("NMQ_TRANSPORT");
  return name != nullptr ? name : "http2";
}

std::unique_ptr<rpc::Transport> NewTransport(const TestServer::Options& options,
                                             const std::vector<broker::Lane*>& lanes, broker::Broker* broker) {
  if (TransportOf(options) == "grpc") {
    return std::make_unique<rpc::GrpcServer>(rpc::GrpcServerOptions{.listen = options.listen}, lanes, broker);
  }
  return std::make_unique<http2::Server>(http2::ServerOptions{.listen = options.listen}, lanes, broker);
}

}  // namespace

bool WaitUntil(const std::function<bool()>& done, absl::Duration patience) {
  const Deadline deadline = Deadline::In(patience);
  while (!done()) {
    if (deadline.IsOver()) return false;
    absl::SleepFor(absl::Milliseconds(1));
  }
  return true;
}

TestServer::TestServer(std::string config) : TestServer(Options{.config = std::move(config)}) {}

TestServer::TestServer(const Options& options) : storage_(OpenStorage(options)) {
  broker::Lanes lanes;
  const std::vector<broker::Lane*> grpc_lanes = lanes.Add(options.lanes);
  other_lanes_ = lanes.Add(options.other_lanes);
  broker_ = std::make_unique<broker::Broker>(Parse(options.config), options.clock, &SystemRandom(), std::move(lanes),
                                             storage_.get(), options.access);
  server_ = NewTransport(options, grpc_lanes, broker_.get());
  housekeeper_ = std::make_unique<Housekeeper>("housekeeper", PromptTasks(broker_.get()), options.clock);
  maintenance_ = std::make_unique<Housekeeper>("maintenance", MaintenanceTasks(broker_.get()), options.clock);
  services_ = std::make_unique<Services>(options.clock);
  for (Service* service : std::initializer_list<Service*>{server_.get(), housekeeper_.get(), maintenance_.get()}) {
    services_->Add(service);
  }
  const absl::Status started = services_->Start();
  if (!started.ok()) ADD_FAILURE() << started;
}

TestServer::~TestServer() = default;

const std::string& TestServer::address() const { return server_->address(); }

int TestServer::port() const {
  int port = 0;
  EXPECT_TRUE(absl::SimpleAtoi(address().substr(address().rfind(':') + 1), &port));
  return port;
}

void TestServer::Housekeep() {
  for (const Housekeeper::Task& task : PromptTasks(broker_.get())) task.run();
  for (const Housekeeper::Task& task : MaintenanceTasks(broker_.get())) task.run();
}

void TestServer::Stop(absl::Duration grace) { services_->Stop(grace); }

std::shared_ptr<grpc::Channel> NewChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
  // Windows stay at 64 KiB, so that who does not read is soon full.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

std::unique_ptr<grpc::ClientContext> NewContext(absl::Duration patience) {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(ToGrpc(Deadline::In(patience)));
  context->set_wait_for_ready(true);
  return context;
}

Api::Api(const std::string& address)
    : channel_(NewChannel(address)),
      queue_(v1::MessageQueue::NewStub(channel_)),
      registry_(v1::Registry::NewStub(channel_)),
      admin_(v1::Admin::NewStub(channel_)) {}

void Api::Check(const grpc::Status& status) {
  EXPECT_TRUE(status.ok()) << Summary(status) << ": " << status.error_message();
}

std::string Summary(const grpc::Status& status) {
  std::string text(absl::StatusCodeToString(static_cast<absl::StatusCode>(status.error_code())));
  if (status.error_details().empty()) return text;
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return absl::StrCat(text, " with unreadable details");
  if (details.code() != status.error_code()) absl::StrAppend(&text, " but details of code ", details.code());
  if (details.message() != status.error_message()) absl::StrAppend(&text, " but details say ", details.message());
  // The order of details means nothing.
  std::string waiting;
  for (const google::protobuf::Any& detail : details.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::RetryInfo retry;
    if (detail.UnpackTo(&info)) {
      if (info.domain() != "nmq") absl::StrAppend(&text, " of domain ", info.domain());
      absl::StrAppend(&text, " ", info.reason());
      const std::map<std::string, std::string> metadata(info.metadata().begin(), info.metadata().end());
      for (const auto& [name, value] : metadata) absl::StrAppend(&text, " ", name, "=", value);
    } else if (detail.UnpackTo(&retry)) {
      const absl::Duration delay =
          absl::Seconds(retry.retry_delay().seconds()) + absl::Nanoseconds(retry.retry_delay().nanos());
      waiting = absl::StrCat(" retry=", absl::FormatDuration(delay));
    } else {
      absl::StrAppend(&text, " and ", detail.type_url());
    }
  }
  return text + waiting;
}

Listener::Listener(Api* api, const v1::SubscribeRequest& request, absl::Duration patience)
    : context_(NewContext(patience)), reader_(api->queue().Subscribe(context_.get(), request)) {
  v1::SubscribeResponse frame;
  if (!reader_->Read(&frame)) return;
  EXPECT_TRUE(frame.has_ready()) << frame.ShortDebugString();
  live_ = frame.has_ready();
  ready_ = frame.ready();
  Track(frame);
}

Listener::~Listener() {
  if (ended_) return;
  Cancel();
  End();
}

void Listener::Track(const v1::SubscribeResponse& frame) {
  if (frame.has_ready()) {
    for (const v1::QueuePosition& position : frame.ready().positions()) positions_[position.queue()] = position;
  }
  for (const v1::Message& message : frame.batch().messages()) {
    v1::QueuePosition& position = positions_[message.queue()];
    position.set_queue(message.queue());
    position.set_epoch(message.epoch());
    position.set_sequence(message.sequence());
  }
  if (frame.has_gap() && frame.gap().last() > 0) {
    v1::QueuePosition& position = positions_[frame.gap().queue()];
    position.set_queue(frame.gap().queue());
    position.set_epoch(frame.gap().epoch());
    position.set_sequence(frame.gap().last());
  }
  for (const v1::QueuePosition& position : frame.heartbeat().positions()) positions_[position.queue()] = position;
}

std::optional<v1::SubscribeResponse> Listener::NextFrame() {
  EXPECT_TRUE(messages_.empty()) << "messages of the last batch have not been looked at";
  v1::SubscribeResponse frame;
  if (!reader_->Read(&frame)) return std::nullopt;
  EXPECT_FALSE(frame.has_ready()) << "a second ready frame";
  EXPECT_TRUE(!frame.has_batch() || frame.batch().messages_size() > 0) << "an empty batch";
  Track(frame);
  return frame;
}

v1::Message Listener::NextMessage() {
  while (messages_.empty()) {
    const std::optional<v1::SubscribeResponse> frame = NextFrame();
    if (!frame.has_value()) {
      const grpc::Status status = End();
      ADD_FAILURE() << "no message but the end: " << Summary(status) << ": " << status.error_message();
      return v1::Message();
    }
    if (frame->has_heartbeat()) continue;
    if (!frame->has_batch()) {
      ADD_FAILURE() << "no message but " << frame->ShortDebugString();
      return v1::Message();
    }
    messages_.insert(messages_.end(), frame->batch().messages().begin(), frame->batch().messages().end());
  }
  v1::Message message = std::move(messages_.front());
  messages_.pop_front();
  return message;
}

v1::Gap Listener::NextGap() {
  while (true) {
    const std::optional<v1::SubscribeResponse> frame = NextFrame();
    if (frame.has_value() && frame->has_gap()) return frame->gap();
    if (frame.has_value() && frame->has_heartbeat()) continue;
    ADD_FAILURE() << "no gap but " << (frame.has_value() ? frame->ShortDebugString() : Summary(End()));
    return v1::Gap();
  }
}

std::vector<std::string> Listener::Payloads(size_t count) {
  std::vector<std::string> payloads;
  while (payloads.size() < count && !testing::Test::HasFailure()) payloads.push_back(NextMessage().payload());
  return payloads;
}

std::vector<std::string> Listener::PayloadsUpTo(const std::string& last) {
  std::vector<std::string> payloads;
  do {
    payloads.push_back(NextMessage().payload());
  } while (payloads.back() != last && !testing::Test::HasFailure());
  return payloads;
}

grpc::Status Listener::End() {
  EXPECT_FALSE(ended_);
  ended_ = true;
  v1::SubscribeResponse frame;
  while (reader_->Read(&frame)) Track(frame);
  return reader_->Finish();
}

v1::StartPosition Listener::Resume() const {
  v1::StartPosition start;
  start.mutable_resume();
  for (const auto& [queue, position] : positions_) *start.mutable_resume()->add_positions() = position;
  return start;
}

v1::Drain NextDrain(Listener* listener) {
  while (const auto frame = listener->NextFrame()) {
    if (frame->has_drain()) return frame->drain();
  }
  ADD_FAILURE() << "no drain frame";
  return v1::Drain();
}

v1::Message MakeMessage(const std::string& queue, const std::string& event, const std::string& payload) {
  v1::Message message;
  message.set_queue(queue);
  message.set_event(event);
  message.set_payload(payload);
  return message;
}

v1::Message ForRooms(v1::Message message, const std::vector<std::string>& rooms) {
  for (const std::string& room : rooms) message.mutable_audience()->add_rooms(room);
  return message;
}

TestClient::TestClient(Api* api, const std::string& name_space) : api_(api) {
  v1::ConnectRequest request;
  request.set_namespace_(name_space);
  connected_ = api_->Get(&v1::MessageQueue::Stub::Connect, request);
}

TestClient::TestClient(Api* api, const v1::ConnectRequest& request)
    : api_(api), connected_(api_->Get(&v1::MessageQueue::Stub::Connect, request)) {}

v1::JoinResponse TestClient::Join(const std::vector<std::string>& rooms) const {
  v1::JoinRequest request;
  request.set_session(session());
  for (const std::string& room : rooms) request.add_rooms(room);
  return api_->Get(&v1::MessageQueue::Stub::Join, request);
}

v1::LeaveResponse TestClient::Leave(const std::vector<std::string>& rooms) const {
  v1::LeaveRequest request;
  request.set_session(session());
  for (const std::string& room : rooms) request.add_rooms(room);
  return api_->Get(&v1::MessageQueue::Stub::Leave, request);
}

v1::PublishResponse TestClient::Publish(const v1::Message& message) const {
  v1::PublishRequest request;
  request.set_session(session());
  *request.mutable_message() = message;
  return api_->Get(&v1::MessageQueue::Stub::Publish, request);
}

uint64_t TestClient::PublishAndCount(const v1::Message& message) const {
  v1::PublishRequest request;
  request.set_session(session());
  *request.mutable_message() = message;
  request.set_count_matches(true);
  return api_->Get(&v1::MessageQueue::Stub::Publish, request).matched();
}

void TestClient::Disconnect() const {
  v1::DisconnectRequest request;
  request.set_session(session());
  api_->Get(&v1::MessageQueue::Stub::Disconnect, request);
}

v1::ConnectResponse TestClient::Reconnect() const {
  v1::ConnectRequest request;
  request.set_session(session());
  v1::ConnectResponse response;
  // As long as gRPC has not seen the break, calls end in it.
  EXPECT_TRUE(WaitUntil([&] { return api_->Call(&v1::MessageQueue::Stub::Connect, request, &response).ok(); }));
  EXPECT_TRUE(response.resumed());
  EXPECT_EQ(response.client_id(), id());
  return response;
}

v1::SubscribeRequest TestClient::SubscribeRequest(const std::string& queue, const std::string& event) const {
  v1::SubscribeRequest request;
  request.set_session(session());
  v1::Pattern* pattern = request.add_patterns();
  pattern->set_queue(queue);
  pattern->set_event(event);
  return request;
}

std::unique_ptr<Listener> TestClient::Subscribe(const std::string& queue, const std::string& event) const {
  return Subscribe(SubscribeRequest(queue, event));
}

std::unique_ptr<Listener> TestClient::Subscribe(const v1::SubscribeRequest& request) const {
  auto listener = std::make_unique<Listener>(api_, request);
  if (!listener->live()) ADD_FAILURE() << "not subscribed: " << Summary(listener->End());
  return listener;
}

v1::NamespaceInfo InfoOf(Api* api, const std::string& name_space) {
  const auto list = api->Get(&v1::Registry::Stub::ListNamespaces, v1::ListNamespacesRequest());
  for (const v1::NamespaceInfo& info : list.namespaces()) {
    if (info.name() == name_space) return info;
  }
  ADD_FAILURE() << "no namespace " << name_space;
  return v1::NamespaceInfo();
}

int ConnectionsTo(int port) {
  constexpr char kEstablished[] = "01";
  char wanted[16];
  snprintf(wanted, sizeof(wanted), ":%04X", port);
  int count = 0;
  for (const char* file : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream lines(file);
    std::string number, local, remote, state, rest;
    while (lines >> number >> local >> remote >> state && std::getline(lines, rest)) {
      if (state == kEstablished && local.size() > 5 && local.substr(local.size() - 5) == wanted) ++count;
    }
  }
  return count;
}

}  // namespace nmq::integration
