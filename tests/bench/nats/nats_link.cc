#include "tests/bench/nats/nats_link.h"

#include <utility>

#include "tests/bench/nats/nats_connection.h"

namespace nmq::bench {
namespace {

class NatsLink final : public PublishLink {
 public:
  NatsLink(NatsConnection connection, const LinkSpec& spec)
      : connection_(std::move(connection)), subjects_(spec.names) {}

  absl::Status Add(size_t name, absl::string_view payload) override {
    const natsStatus status = natsConnection_Publish(connection_.get(), subjects_[name].c_str(), payload.data(),
                                                     static_cast<int>(payload.size()));
    if (status != NATS_OK) return FromNats(status, "publishing");
    ++handed_over_;
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> Send() override { return std::exchange(handed_over_, 0); }

  absl::StatusOr<uint64_t> Confirm() override {
    const natsStatus status = natsConnection_FlushTimeout(connection_.get(), kNatsPatience);
    if (status != NATS_OK) return FromNats(status, "flushing");
    return Send();
  }

 private:
  const NatsConnection connection_;
  const std::vector<std::string> subjects_;
  // Since the last Send().
  uint64_t handed_over_ = 0;
};

}  // namespace

LinkOpener NatsLinks(const std::string& address) {
  return [address](const LinkSpec& spec) -> absl::StatusOr<std::unique_ptr<PublishLink>> {
    absl::StatusOr<NatsConnection> connection = OpenNatsConnection(address, {.send_at_once = spec.at_once});
    if (!connection.ok()) return connection.status();
    return std::make_unique<NatsLink>(*std::move(connection), spec);
  };
}

}  // namespace nmq::bench
