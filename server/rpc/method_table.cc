#include "server/rpc/method_table.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "glog/logging.h"

namespace nmq::rpc {
namespace {

// Those who try for ever are worth a line now and then.
constexpr double kSecondsBetweenRefusals = 10;

// Serves a call that is answered with an error, whatever it asks.
class Refused final : public Handler {
 public:
  Refused(const absl::Status& why, Exchange* exchange) { exchange->Finish(why); }

  void OnSize(uint64_t) override {}
  void OnMessage(const RequestBytes&) override {}
  void OnNoMore() override {}
  void OnDone() override { delete this; }
};

}  // namespace

Handler* MethodTable::Serve(absl::string_view path, Exchange* exchange) const {
  const auto found = methods_.find(path);
  if (found == methods_.end()) {
    return new Refused(absl::UnimplementedError(absl::StrCat("there is no method ", Quote(path),
                                                             "; the reflection service lists those that are there")),
                       exchange);
  }
  if (!found->second.open) {
    auto principal = access_->Identify(exchange->Metadata("authorization"));
    if (!principal.ok()) {
      if (metrics_ != nullptr) metrics_->CountRefusal(principal.status());
      LOG_EVERY_T(WARNING, kSecondsBetweenRefusals)
          << "refused a call from " << exchange->CallWith(Right::kConnect).peer << ": " << principal.status().message();
      return new Refused(principal.status(), exchange);
    }
    exchange->set_principal(*std::move(principal));
  }
  return found->second.begin(exchange);
}

std::vector<std::string> MethodTable::paths() const {
  std::vector<std::string> paths;
  for (const auto& [path, method] : methods_) paths.push_back(path);
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace nmq::rpc
