#include "server/rpc/method_table.h"

#include <algorithm>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq::rpc {
namespace {

// Serves a call of a method that is not there.
class UnknownMethod final : public Handler {
 public:
  UnknownMethod(absl::string_view path, Exchange* exchange) {
    exchange->Finish(absl::UnimplementedError(
        absl::StrCat("there is no method ", Quote(path), "; the reflection service lists those that are there")));
  }

  void OnSize(uint64_t) override {}
  void OnMessage(const RequestBytes&) override {}
  void OnNoMore() override {}
  void OnDone() override { delete this; }
};

}  // namespace

Handler* MethodTable::Serve(absl::string_view path, Exchange* exchange) const {
  const auto found = methods_.find(path);
  return found == methods_.end() ? new UnknownMethod(path, exchange) : found->second(exchange);
}

std::vector<std::string> MethodTable::paths() const {
  std::vector<std::string> paths;
  for (const auto& [path, begin] : methods_) paths.push_back(path);
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace nmq::rpc
