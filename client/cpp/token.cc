#include "client/cpp/token.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

namespace experimental = grpc::experimental;

class Shower final : public experimental::Interceptor {
 public:
  explicit Shower(const std::string* authorization) : authorization_(*authorization) {}

  void Intercept(experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(experimental::InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      methods->GetSendInitialMetadata()->emplace("authorization", authorization_);
    }
    methods->Proceed();
  }

 private:
  const std::string& authorization_;
};

// Outlives its interceptors, as its channel outlives its calls.
class ShowerFactory final : public experimental::ClientInterceptorFactoryInterface {
 public:
  explicit ShowerFactory(std::string authorization) : authorization_(std::move(authorization)) {}

  experimental::Interceptor* CreateClientInterceptor(experimental::ClientRpcInfo*) override {
    return new Shower(&authorization_);
  }

 private:
  const std::string authorization_;
};

}  // namespace

absl::Status CheckToken(const std::string& token) {
  const auto shown = [](unsigned char c) { return absl::ascii_isgraph(c); };
  if (std::all_of(token.begin(), token.end(), shown)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "ClientOptions.token: has a space, a line end or another byte that no token has; give what nmq token printed");
}

std::vector<std::unique_ptr<experimental::ClientInterceptorFactoryInterface>> ShowToken(const std::string& token) {
  std::vector<std::unique_ptr<experimental::ClientInterceptorFactoryInterface>> factories;
  if (!token.empty()) factories.push_back(std::make_unique<ShowerFactory>(absl::StrCat("Bearer ", token)));
  return factories;
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
