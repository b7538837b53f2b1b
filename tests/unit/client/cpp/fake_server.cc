#include "tests/unit/client/cpp/fake_server.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/grpc_deadline.h"
#include "client/cpp/wire.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"

namespace nmq {
namespace fake {
namespace {

std::string ToString(absl::string_view text) { return std::string(text.data(), text.size()); }

void SetDuration(absl::Duration duration, google::protobuf::Duration* proto) {
  absl::Duration rest;
  proto->set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &rest));
  proto->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
}

grpc::ByteBuffer ToBuffer(const std::vector<std::string>& pieces) {
  std::vector<grpc::Slice> slices;
  for (const std::string& piece : pieces) slices.emplace_back(piece);
  return grpc::ByteBuffer(slices.data(), slices.size());
}

google::rpc::Status ToRpc(const grpc::Status& status) {
  google::rpc::Status rpc;
  if (!rpc.ParseFromString(status.error_details())) rpc.Clear();
  rpc.set_code(status.error_code());
  rpc.set_message(status.error_message());
  return rpc;
}

}  // namespace

grpc::Status Refusal(grpc::StatusCode code, absl::string_view reason, absl::string_view message) {
  google::rpc::ErrorInfo info;
  info.set_domain("nmq");
  info.set_reason(ToString(reason));
  google::rpc::Status details;
  details.set_code(code);
  details.set_message(ToString(message));
  google::protobuf::Any* any = details.add_details();
  any->set_type_url("type.googleapis.com/google.rpc.ErrorInfo");
  any->set_value(info.SerializeAsString());
  return grpc::Status(code, ToString(message), details.SerializeAsString());
}

v1::QueuePosition At(absl::string_view queue, uint64_t epoch, uint64_t sequence) {
  v1::QueuePosition position;
  position.set_queue(ToString(queue));
  position.set_epoch(epoch);
  position.set_sequence(sequence);
  return position;
}

v1::SubscribeResponse ReadyFrame(const std::vector<v1::QueuePosition>& positions, absl::Duration heartbeat) {
  v1::SubscribeResponse frame;
  v1::Ready* ready = frame.mutable_ready();
  ready->set_subscription_id("subscription");
  ready->mutable_positions()->Add(positions.begin(), positions.end());
  SetDuration(heartbeat, ready->mutable_heartbeat());
  return frame;
}

v1::SubscribeResponse MessagesFrame(absl::string_view queue, uint64_t epoch, uint64_t first, uint64_t last) {
  v1::SubscribeResponse frame;
  for (uint64_t sequence = first; sequence <= last; ++sequence) {
    v1::Message* message = frame.mutable_batch()->add_messages();
    message->set_queue(ToString(queue));
    message->set_event("CREATE");
    message->set_epoch(epoch);
    message->set_sequence(sequence);
    message->set_payload(absl::StrCat(sequence));
  }
  return frame;
}

v1::SubscribeResponse GapFrame(absl::string_view queue, uint64_t epoch, uint64_t first, uint64_t last,
                               v1::GapReason reason) {
  v1::SubscribeResponse frame;
  v1::Gap* gap = frame.mutable_gap();
  gap->set_queue(ToString(queue));
  gap->set_epoch(epoch);
  gap->set_first(first);
  gap->set_last(last);
  if (last >= first) gap->set_count(last - first + 1);
  gap->set_reason(reason);
  return frame;
}

v1::SubscribeResponse HeartbeatFrame(const std::vector<v1::QueuePosition>& positions) {
  v1::SubscribeResponse frame;
  frame.mutable_heartbeat()->mutable_positions()->Add(positions.begin(), positions.end());
  return frame;
}

v1::SubscribeResponse DrainFrame(absl::Duration jitter) {
  v1::SubscribeResponse frame;
  SetDuration(jitter, frame.mutable_drain()->mutable_jitter());
  return frame;
}

void FakeSubscribe::Send(const v1::SubscribeResponse& frame) { SendBytes({frame.SerializeAsString()}); }

void FakeSubscribe::SendBytes(const std::vector<std::string>& pieces) {
  MutexLock lock(&mu_);
  frames_.push_back(ToBuffer(pieces));
  Step();
}

void FakeSubscribe::End(const grpc::Status& status) {
  MutexLock lock(&mu_);
  ending_ = true;
  end_ = status;
  Step();
}

bool FakeSubscribe::AwaitCancelled() {
  const Deadline deadline = Deadline::In(kPatience);
  MutexLock lock(&mu_);
  while (!cancelled_ && !deadline.IsOver()) over_.WaitWithTimeout(&mu_, deadline.Left());
  return cancelled_;
}

void FakeSubscribe::Step() {
  if (writing_ || finished_) return;
  if (cancelled_) {
    finished_ = true;
    Finish(grpc::Status::CANCELLED);
  } else if (!frames_.empty()) {
    writing_ = true;
    StartWrite(&frames_.front());
  } else if (ending_) {
    finished_ = true;
    Finish(end_);
  }
}

void FakeSubscribe::OnWriteDone(bool) {
  MutexLock lock(&mu_);
  writing_ = false;
  frames_.pop_front();
  Step();
}

void FakeSubscribe::OnCancel() {
  MutexLock lock(&mu_);
  cancelled_ = true;
  over_.SignalAll();
  Step();
}

void FakeSubscribe::OnDone() {
  const std::shared_ptr<FakeSubscribe> alive = std::move(self);
  MutexLock lock(&mu_);
  cancelled_ = true;
  over_.SignalAll();
}

void FakePublishStream::Accept(const v1::PublishStreamRequest& request) {
  v1::PublishStreamResponse response;
  response.set_batch(request.batch());
  response.mutable_accepted();
  Send(response);
}

void FakePublishStream::Refuse(const v1::PublishStreamRequest& request, const grpc::Status& status) {
  v1::PublishStreamResponse response;
  response.set_batch(request.batch());
  *response.mutable_refused() = ToRpc(status);
  Send(response);
}

void FakePublishStream::Send(const v1::PublishStreamResponse& response) { SendBytes(response.SerializeAsString()); }

void FakePublishStream::SendBytes(const std::string& bytes) {
  MutexLock lock(&mu_);
  responses_.push_back(ToBuffer({bytes}));
  Step();
}

void FakePublishStream::End(const grpc::Status& status) {
  MutexLock lock(&mu_);
  ending_ = true;
  end_ = status;
  Step();
}

void FakePublishStream::Step() {
  if (writing_ || finished_) return;
  if (!responses_.empty()) {
    writing_ = true;
    StartWrite(&responses_.front());
  } else if (ending_) {
    finished_ = true;
    Finish(end_);
  }
}

void FakePublishStream::OnReadDone(bool ok) {
  if (!ok) return End(grpc::Status::OK);
  v1::PublishStreamRequest request;
  EXPECT_TRUE(client::internal::Decode(&incoming_, &request));
  if (accept_all) Accept(request);
  requests.Put(std::move(request));
  StartRead(&incoming_);
}

void FakePublishStream::OnWriteDone(bool) {
  MutexLock lock(&mu_);
  writing_ = false;
  responses_.pop_front();
  Step();
}

void FakePublishStream::OnCancel() {
  MutexLock lock(&mu_);
  if (!writing_) responses_.clear();
  ending_ = true;
  end_ = grpc::Status::CANCELLED;
  Step();
}

void FakePublishStream::OnDone() { const std::shared_ptr<FakePublishStream> alive = std::move(self); }

FakeServer::FakeServer(grpc::Service* other) : other_(other) { Start(); }

FakeServer::~FakeServer() { Stop(); }

std::string FakeServer::address() const { return absl::StrCat("127.0.0.1:", port_); }

void FakeServer::Start() {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(address(), grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(this);
  if (other_ != nullptr) builder.RegisterService(other_);
  server_ = builder.BuildAndStart();
  ASSERT_NE(server_, nullptr);
  port_ = port;
}

void FakeServer::Stop() {
  if (server_ == nullptr) return;
  server_->Shutdown(ToGrpc(Deadline::Over()));
  server_->Wait();
  server_.reset();
}

void FakeServer::ForgetSessions() {
  MutexLock lock(&mu_);
  first_known_ = clients_ + 1;
}

grpc::Status FakeServer::CheckSession(const std::string& session) const {
  absl::string_view text = session;
  int number = 0;
  MutexLock lock(&mu_);
  if (absl::ConsumePrefix(&text, "session-") && absl::SimpleAtoi(text, &number) && number >= first_known_) {
    return grpc::Status::OK;
  }
  return Refusal(grpc::StatusCode::NOT_FOUND, "SESSION_UNKNOWN", "session: unknown");
}

grpc::Status FakeServer::Connect(grpc::ServerContext*, const v1::ConnectRequest* request,
                                 v1::ConnectResponse* response) {
  connects.Put(*request);
  if (on_connect) return on_connect(*request, response);
  response->set_resumed(CheckSession(request->session()).ok());
  MutexLock lock(&mu_);
  if (response->resumed()) {
    response->set_session(request->session());
    for (const std::string& room : rooms_[request->session()]) response->add_rooms(room);
  } else {
    response->set_session(absl::StrCat("session-", ++clients_));
  }
  response->set_client_id(absl::StrCat("client-", response->session().substr(8)));
  SetDuration(lease, response->mutable_lease());
  *response->mutable_limits() = limits;
  return grpc::Status::OK;
}

grpc::Status FakeServer::Disconnect(grpc::ServerContext*, const v1::DisconnectRequest* request,
                                    v1::DisconnectResponse*) {
  disconnects.Put(*request);
  return CheckSession(request->session());
}

grpc::Status FakeServer::Join(grpc::ServerContext*, const v1::JoinRequest* request, v1::JoinResponse* response) {
  joins.Put(*request);
  const grpc::Status known = CheckSession(request->session());
  if (!known.ok()) return known;
  if (on_join) {
    const grpc::Status status = on_join(*request);
    if (!status.ok()) return status;
  }
  MutexLock lock(&mu_);
  for (const std::string& room : request->rooms()) {
    rooms_[request->session()].insert(room);
    v1::RoomCount* count = response->add_rooms();
    count->set_room(room);
    count->set_members(1);
  }
  return grpc::Status::OK;
}

grpc::Status FakeServer::Leave(grpc::ServerContext*, const v1::LeaveRequest* request, v1::LeaveResponse* response) {
  leaves.Put(*request);
  const grpc::Status known = CheckSession(request->session());
  if (!known.ok()) return known;
  MutexLock lock(&mu_);
  for (const std::string& room : request->rooms()) {
    rooms_[request->session()].erase(room);
    response->add_rooms()->set_room(room);
  }
  return grpc::Status::OK;
}

grpc::Status FakeServer::Publish(grpc::ServerContext* context, const v1::PublishRequest* request,
                                 v1::PublishResponse* response) {
  publishes.Put(*request);
  if (on_publish) return on_publish(context, *request, response);
  if (!request->session().empty()) {
    const grpc::Status known = CheckSession(request->session());
    if (!known.ok()) return known;
  }
  response->set_id("message");
  response->set_epoch(7);
  response->set_sequence(publishes.total());
  if (request->count_matches()) response->set_matched(3);
  response->set_storage(v1::STORAGE_MEMORY);
  return grpc::Status::OK;
}

grpc::Status FakeServer::Request(grpc::ServerContext*, const v1::RequestRequest* request,
                                 v1::RequestResponse* response) {
  requests.Put(*request);
  if (on_request) return on_request(*request, response);
  v1::Answer* const answer = response->add_answers();
  answer->set_client_id("c-1");
  answer->set_payload("answer");
  response->set_matched(1);
  response->set_complete(true);
  response->mutable_position()->set_sequence(requests.total());
  return grpc::Status::OK;
}

grpc::Status FakeServer::Reply(grpc::ServerContext*, const v1::ReplyRequest* request, v1::ReplyResponse*) {
  replies.Put(*request);
  if (on_reply) return on_reply(*request);
  return CheckSession(request->session());
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* FakeServer::PublishStream(grpc::CallbackServerContext*) {
  auto stream = std::make_shared<FakePublishStream>();
  stream->self = stream;
  stream->accept_all = accept_all_batches;
  stream->StartReading();
  publish_streams.Put(stream);
  return stream.get();
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* FakeServer::Subscribe(grpc::CallbackServerContext*,
                                                                  const grpc::ByteBuffer* bytes) {
  v1::SubscribeRequest request;
  grpc::ByteBuffer copy = *bytes;
  EXPECT_TRUE(client::internal::Decode(&copy, &request));
  auto stream = std::make_shared<FakeSubscribe>(request);
  stream->self = stream;
  const grpc::Status known = CheckSession(request.session());
  {
    MutexLock lock(&mu_);
    rooms_[request.session()].insert(request.rooms().begin(), request.rooms().end());
  }
  if (!known.ok()) {
    stream->End(known);
  } else if (on_subscribe) {
    on_subscribe(stream.get());
  } else {
    stream->Send(ReadyFrame());
  }
  subscribes.Put(stream);
  return stream.get();
}

}  // namespace fake
}  // namespace nmq
