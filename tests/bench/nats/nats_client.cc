#include "tests/bench/nats/nats_client.h"

#include "absl/strings/str_cat.h"
#include "tests/bench/nats/nats_link.h"
#include "tests/bench/nats/nats_subscribers.h"
#include "tests/bench/peers/names.h"
#include "tests/bench/peers/publishers.h"
#include "tests/bench/peers/stalled_subscribers.h"

namespace nmq::bench {
namespace {

class NatsClient final : public Client {
 public:
  explicit NatsClient(const std::string& address) : address_(address) {}

  absl::StatusOr<std::unique_ptr<SubscriberSet>> Subscribe(const SubscriberSpec& spec) override {
    return spec.stalled ? SubscribeAndStall(spec) : SubscribeToNats(address_, spec);
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
      const Interest interest = spec.interest ? spec.interest(subscriber) : Interest();
      std::string words = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";
      int subscription = 0;
      for (const std::string& subject : NamesOf(spec.queue, interest)) {
        absl::StrAppend(&words, "SUB ", subject, " ", ++subscription, "\r\n");
      }
      return words + "PING\r\n";
    };
    return SubscribeStalled(address_, spec.subscribers, greeting, "PONG\r\n");
  }

  const std::string address_;
};

}  // namespace

std::unique_ptr<Client> MakeNatsClient(const std::string& address) { return std::make_unique<NatsClient>(address); }

}  // namespace nmq::bench
