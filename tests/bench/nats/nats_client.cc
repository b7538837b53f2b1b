#include "tests/bench/nats/nats_client.h"

#include "tests/bench/nats/nats_link.h"
#include "tests/bench/nats/nats_protocol.h"
#include "tests/bench/nats/nats_subscribers.h"
#include "tests/bench/nats/raw_nats_subscribers.h"
#include "tests/bench/peers/names.h"
#include "tests/bench/peers/publishers.h"
#include "tests/bench/peers/stalled_subscribers.h"

namespace nmq::bench {
namespace {

class NatsClient final : public Client {
 public:
  NatsClient(const std::string& address, NatsReading reading) : address_(address), reading_(reading) {}

  absl::StatusOr<std::unique_ptr<SubscriberSet>> Subscribe(const SubscriberSpec& spec) override {
    if (spec.stalled) return SubscribeAndStall(spec);
    return reading_ == NatsReading::kRaw ? SubscribeToNatsRaw(address_, spec) : SubscribeToNats(address_, spec);
  }

  absl::StatusOr<std::unique_ptr<Publisher>> Publish(const PublisherSpec& spec) override {
    return StartPublisher(spec, NatsLinks(address_));
  }

  absl::StatusOr<std::unique_ptr<Publisher>> PublishPaced(const PaceSpec& spec) override {
    return StartPacedPublisher(spec, NatsLinks(address_));
  }

 private:
  absl::StatusOr<std::unique_ptr<SubscriberSet>> SubscribeAndStall(const SubscriberSpec& spec) const {
    const auto greeting = [&spec](int subscriber) {
      return NatsGreeting(NamesOf(spec.queue, spec.interest ? spec.interest(subscriber) : Interest()));
    };
    return SubscribeStalled(address_, spec.subscribers, greeting, "PONG\r\n");
  }

  const std::string address_;
  const NatsReading reading_;
};

}  // namespace

std::unique_ptr<Client> MakeNatsClient(const std::string& address, NatsReading reading) {
  return std::make_unique<NatsClient>(address, reading);
}

}  // namespace nmq::bench
