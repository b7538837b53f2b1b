#include "server/call/access.h"

namespace nmq {
namespace {

class ViewOfAll final : public AccessView {
 public:
  bool Has(Right, absl::string_view, absl::string_view) override { return true; }
};

class Open final : public Access {
 public:
  absl::StatusOr<std::shared_ptr<const Principal>> Identify(std::optional<absl::string_view>,
                                                            const ClientCertificate*) const override {
    return nullptr;
  }
  absl::Status Check(const Call&, Right, const Named&) const override { return absl::OkStatus(); }
  std::unique_ptr<AccessView> View(const Call&, absl::string_view) const override {
    return std::make_unique<ViewOfAll>();
  }
  bool Grants(const Principal*, Right, const Named&) const override { return true; }
  absl::Status Explain(const Call&, const v1::ExplainRequest& request, v1::ExplainResponse* response) const override {
    response->set_allowed(request.right() != v1::RIGHT_UNSPECIFIED);
    return absl::OkStatus();
  }
};

}  // namespace

const Access& OpenAccess() {
  static const Open& open = *new Open;
  return open;
}

}  // namespace nmq
