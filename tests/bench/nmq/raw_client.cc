#include "tests/bench/nmq/raw_client.h"

#include "tests/bench/nmq/eager_publisher.h"
#include "tests/bench/nmq/paced_publisher.h"
#include "tests/bench/nmq/raw_subscribers.h"

namespace nmq::bench {
namespace {

class RawClient final : public Client {
 public:
  explicit RawClient(const Endpoint& endpoint) : endpoint_(endpoint) {}

  absl::StatusOr<std::unique_ptr<SubscriberSet>> Subscribe(const SubscriberSpec& spec) override {
    if (!endpoint_.numbers && spec.interest != nullptr) return absl::UnimplementedError("it cannot route");
    return SubscribeRaw(endpoint_, spec);
  }
  absl::StatusOr<std::unique_ptr<Publisher>> Publish(const PublisherSpec& spec) override {
    return PublishRaw(endpoint_, spec);
  }
  absl::StatusOr<std::unique_ptr<Publisher>> PublishPaced(const PaceSpec& spec) override {
    return PublishRawPaced(endpoint_, spec);
  }

 private:
  const Endpoint endpoint_;
};

}  // namespace

std::unique_ptr<Client> MakeRawClient(const Endpoint& endpoint) { return std::make_unique<RawClient>(endpoint); }

}  // namespace nmq::bench
