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
    const absl::Status status = Admit(found->second, exchange);
    if (!status.ok()) {
      if (metrics_ != nullptr) metrics_->CountRefusal(status);
      // Who has had too much is counted, no more.
      if (audit_ != nullptr && absl::IsUnauthenticated(status)) {
        audit_->Refused(exchange->CallWith(Right::kNone), path, status);
      }
      LOG_EVERY_T(WARNING, kSecondsBetweenRefusals)
          << "refused a call from " << exchange->CallWith(Right::kConnect).peer << ": " << status.message();
      return new Refused(status, exchange);
    }
  }
  return found->second.begin(exchange);
}

absl::Status MethodTable::Admit(const Method& method, Exchange* exchange) const {
  auto principal = access_->Identify(exchange->Metadata("authorization"), exchange->certificate());
  if (!principal.ok()) return principal.status();
  exchange->set_principal(*std::move(principal));
  const std::shared_ptr<const Principal>& caller = exchange->principal();
  if (caller == nullptr || identities_ == nullptr) return absl::OkStatus();
  const absl::Status status = exchange->CountCaller(caller, identities_);
  if (!status.ok() || !method.control) return status;
  return identities_->Of(caller.get())->CallControl(*clock_);
}

std::vector<std::string> MethodTable::paths() const {
  std::vector<std::string> paths;
  for (const auto& [path, method] : methods_) paths.push_back(path);
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace nmq::rpc
