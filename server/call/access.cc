#include "server/call/access.h"

namespace nmq {
namespace {

class Open final : public Access {
 public:
  absl::StatusOr<std::shared_ptr<const Principal>> Identify(std::optional<absl::string_view>,
                                                            const ClientCertificate*) const override {
    return nullptr;
  }
  absl::Status Check(const Call&, Right, absl::string_view) const override { return absl::OkStatus(); }
};

}  // namespace

const Access& OpenAccess() {
  static const Open& open = *new Open;
  return open;
}

}  // namespace nmq
