#include "client/cpp/token.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

namespace experimental = grpc::experimental;

using Provider = std::function<std::string()>;

bool CanBeShown(absl::string_view token) {
  return std::all_of(token.begin(), token.end(), [](unsigned char c) { return absl::ascii_isgraph(c); });
}

// Changes with the file; empty if there is none.
std::string StampOf(const std::string& path) {
  struct stat found = {};
  if (stat(path.c_str(), &found) != 0) return "";
  return absl::StrCat(found.st_dev, ".", found.st_ino, ".", found.st_size, ".", found.st_mtim.tv_sec, ".",
                      found.st_mtim.tv_nsec);
}

class Shower final : public experimental::Interceptor {
 public:
  explicit Shower(const Provider* provider) : provider_(*provider) {}

  void Intercept(experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(experimental::InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      // gRPC ends the process at a value that is none.
      std::string token = provider_();
      absl::StripTrailingAsciiWhitespace(&token);
      if (!token.empty() && CanBeShown(token)) {
        methods->GetSendInitialMetadata()->emplace("authorization", absl::StrCat("Bearer ", token));
      }
    }
    methods->Proceed();
  }

 private:
  const Provider& provider_;
};

// Outlives its interceptors, as its channel outlives its calls.
class ShowerFactory final : public experimental::ClientInterceptorFactoryInterface {
 public:
  explicit ShowerFactory(Provider provider) : provider_(std::move(provider)) {}

  experimental::Interceptor* CreateClientInterceptor(experimental::ClientRpcInfo*) override {
    return new Shower(&provider_);
  }

 private:
  const Provider provider_;
};

Provider ProviderOf(const ClientOptions& options) {
  if (options.token_provider != nullptr) return options.token_provider;
  if (options.token_file.empty()) return [token = options.token] { return token; };
  return [file = std::make_shared<TokenFile>(options.token_file)] { return file->Token(); };
}

}  // namespace

absl::StatusOr<std::string> TokenFile::Read() const {
  std::ifstream file(path_);
  std::string token;
  if (!std::getline(file, token)) {
    return absl::InvalidArgumentError(
        absl::StrCat("ClientOptions.token_file: ", path_, ": cannot be read, or is empty; name a file with a token"));
  }
  absl::StripTrailingAsciiWhitespace(&token);
  if (!token.empty() && CanBeShown(token)) return token;
  return absl::InvalidArgumentError(absl::StrCat("ClientOptions.token_file: ", path_,
                                                 ": its first line is no token; write there what nmq token printed"));
}

std::string TokenFile::Token() {
  const std::string stamp = StampOf(path_);
  MutexLock lock(&mu_);
  if (stamp == stamp_) return token_;
  auto token = Read();
  if (!token.ok()) return token_;
  stamp_ = stamp;
  token_ = *std::move(token);
  return token_;
}

absl::Status CheckToken(const ClientOptions& options) {
  if (!options.token.empty() + !options.token_file.empty() + (options.token_provider != nullptr) > 1) {
    return absl::InvalidArgumentError(
        "ClientOptions: only one of token, token_file and token_provider says which token is shown");
  }
  if (!options.token_file.empty()) return TokenFile(options.token_file).Read().status();
  if (CanBeShown(options.token)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "ClientOptions.token: has a space, a line end or another byte that no token has; give what nmq token printed");
}

std::vector<std::unique_ptr<experimental::ClientInterceptorFactoryInterface>> ShowToken(const ClientOptions& options) {
  std::vector<std::unique_ptr<experimental::ClientInterceptorFactoryInterface>> factories;
  if (options.token.empty() && options.token_file.empty() && options.token_provider == nullptr) return factories;
  factories.push_back(std::make_unique<ShowerFactory>(ProviderOf(options)));
  return factories;
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
