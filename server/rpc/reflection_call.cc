#include "server/rpc/reflection_call.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "server/frame/frame.h"

namespace nmq::rpc {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using grpc::reflection::v1::ServerReflectionRequest;
using grpc::reflection::v1::ServerReflectionResponse;

constexpr absl::Duration kAskAgainAfter = absl::Seconds(1);

void NotThere(absl::string_view what, ServerReflectionResponse* response) {
  response->mutable_error_response()->set_error_code(static_cast<int>(absl::StatusCode::kNotFound));
  response->mutable_error_response()->set_error_message(absl::StrCat("there is no ", what));
}

// The file and all that it imports, each once.
void AddFiles(const FileDescriptor* file, absl::flat_hash_set<const FileDescriptor*>* seen,
              grpc::reflection::v1::FileDescriptorResponse* response) {
  if (!seen->insert(file).second) return;
  google::protobuf::FileDescriptorProto proto;
  file->CopyTo(&proto);
  response->add_file_descriptor_proto(proto.SerializeAsString());
  for (int i = 0; i < file->dependency_count(); ++i) AddFiles(file->dependency(i), seen, response);
}

void AnswerFile(const FileDescriptor* file, absl::string_view wanted, ServerReflectionResponse* response) {
  if (file == nullptr) {
    NotThere(absl::StrCat("file for ", Quote(wanted)), response);
    return;
  }
  absl::flat_hash_set<const FileDescriptor*> seen;
  AddFiles(file, &seen, response->mutable_file_descriptor_response());
}

}  // namespace

ServerReflectionResponse Reflect(const ServerReflectionRequest& request, const std::vector<std::string>& services) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  ServerReflectionResponse response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case ServerReflectionRequest::kFileByFilename:
      AnswerFile(pool.FindFileByName(request.file_by_filename()), request.file_by_filename(), &response);
      break;
    case ServerReflectionRequest::kFileContainingSymbol:
      AnswerFile(pool.FindFileContainingSymbol(request.file_containing_symbol()), request.file_containing_symbol(),
                 &response);
      break;
    case ServerReflectionRequest::kListServices:
      for (const std::string& service : services)
        response.mutable_list_services_response()->add_service()->set_name(service);
      break;
    case ServerReflectionRequest::kFileContainingExtension:
    case ServerReflectionRequest::kAllExtensionNumbersOfType:
      NotThere("extension of any type", &response);
      break;
    case ServerReflectionRequest::MESSAGE_REQUEST_NOT_SET:
      response.mutable_error_response()->set_error_code(static_cast<int>(absl::StatusCode::kInvalidArgument));
      response.mutable_error_response()->set_error_message("message_request is not set");
      break;
  }
  return response;
}

ReflectionCall::ReflectionCall(const Needs& needs, Exchange* exchange) : StreamCall(exchange), needs_(needs) {
  exchange->Read();
}

void ReflectionCall::OnMessage(const RequestBytes& bytes) {
  if (!MessageCame()) return;
  ServerReflectionRequest request;
  const absl::Status status = bytes.Decode(&request);
  if (status.ok()) {
    Respond(request);
  } else {
    End(status);
  }
}

void ReflectionCall::Respond(const ServerReflectionRequest& request) {
  const ServerReflectionResponse response = Reflect(request, *needs_.services);
  const uint64_t bytes = response.ByteSizeLong();
  if (!needs_.memory->TryTake(bytes)) {
    const absl::Status status = ResourceExhausted(
        "MEMORY_SHORT",
        absl::StrCat("reflection: answers that nobody has read yet take all of the ", needs_.memory->bytes_max(),
                     " bytes that they may; read answers, or ask again later"),
        kAskAgainAfter, {{"bound", absl::StrCat(needs_.memory->bytes_max())}});
    needs_.metrics->CountRefusal(status);
    return End(status);
  }
  taken_ = bytes;
  Write(Frame(response));
}

void ReflectionCall::GiveBack() {
  if (taken_ > 0) needs_.memory->GiveBack(std::exchange(taken_, 0));
}

void ReflectionCall::OnNoMore() { End(absl::OkStatus()); }

void ReflectionCall::OnWritten(bool ok) {
  GiveBack();
  if (WriteEnded(ok)) exchange()->Read();
}

}  // namespace nmq::rpc
