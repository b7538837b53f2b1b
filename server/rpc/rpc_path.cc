#include "server/rpc/rpc_path.h"

#include "absl/strings/str_cat.h"
#include "glog/logging.h"

namespace nmq::rpc {

std::string PathOf(const char* full_name, const google::protobuf::Descriptor* request,
                   const google::protobuf::Descriptor* response) {
  const auto* method = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(full_name);
  CHECK(method != nullptr) << "there is no rpc " << full_name;
  CHECK(method->input_type() == request && method->output_type() == response)
      << full_name << " takes " << method->input_type()->full_name() << " and gives "
      << method->output_type()->full_name();
  return absl::StrCat("/", method->service()->full_name(), "/", method->name());
}

}  // namespace nmq::rpc
