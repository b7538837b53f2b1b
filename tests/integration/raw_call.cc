#include "tests/integration/raw_call.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/support/byte_buffer.h"
#include "nmq/v1/admin.pb.h"
#include "nmq/v1/message_queue.pb.h"
#include "nmq/v1/registry.pb.h"
#include "tests/integration/fixture.h"

namespace nmq::integration {
namespace {

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string FromBuffer(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

}  // namespace

std::vector<const google::protobuf::MethodDescriptor*> AllMethods() {
  std::vector<const google::protobuf::MethodDescriptor*> methods;
  for (const auto* file : {v1::ConnectRequest::descriptor()->file(), v1::WatchRequest::descriptor()->file(),
                           v1::PurgeQueueRequest::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) {
      for (int j = 0; j < file->service(i)->method_count(); ++j) methods.push_back(file->service(i)->method(j));
    }
  }
  return methods;
}

std::string PathOf(const google::protobuf::MethodDescriptor& method) {
  return absl::StrCat("/", method.service()->full_name(), "/", method.name());
}

RawCall::RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                 std::unique_ptr<grpc::ClientContext> context)
    : context_(std::move(context)), stub_(channel), call_(stub_.PrepareCall(context_.get(), path, &queue_)) {
  call_->StartCall(this);
  Wait();
}

RawCall::~RawCall() {
  if (!finished_) {
    context_->TryCancel();
    Finish();
  }
  queue_.Shutdown();
  void* tag;
  bool ok;
  while (queue_.Next(&tag, &ok)) {
  }
}

bool RawCall::Wait() {
  void* tag;
  bool ok = false;
  return queue_.Next(&tag, &ok) && ok;
}

bool RawCall::Write(const std::string& request) {
  call_->Write(ToBuffer(request), this);
  return Wait();
}

bool RawCall::WritesDone() {
  call_->WritesDone(this);
  return Wait();
}

bool RawCall::Read(std::string* response) {
  grpc::ByteBuffer buffer;
  call_->Read(&buffer, this);
  if (!Wait()) return false;
  *response = FromBuffer(buffer);
  return true;
}

grpc::Status RawCall::Finish() {
  std::string response;
  while (Read(&response)) {
  }
  grpc::Status status;
  call_->Finish(&status, this);
  Wait();
  finished_ = true;
  return status;
}

RawResult CallRaw(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                  const std::vector<std::string>& requests, absl::Duration patience) {
  RawCall call(channel, path, NewContext(patience));
  RawResult result;
  bool alive = true;
  for (size_t i = 0; i < requests.size() && alive; ++i) alive = call.Write(requests[i]);
  if (alive) call.WritesDone();
  std::string response;
  while (call.Read(&response)) result.responses.push_back(response);
  result.status = call.Finish();
  return result;
}

}  // namespace nmq::integration
