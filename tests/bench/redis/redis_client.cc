#include "tests/bench/redis/redis_client.h"

#include "tests/bench/peers/names.h"
#include "tests/bench/peers/publishers.h"
#include "tests/bench/peers/stalled_subscribers.h"
#include "tests/bench/redis/redis_link.h"
#include "tests/bench/redis/redis_protocol.h"
#include "tests/bench/redis/redis_subscribers.h"

namespace nmq::bench {
namespace {

class RedisClient final : public Client {
 public:
  explicit RedisClient(const std::string& address) : address_(address) {}

  absl::StatusOr<std::unique_ptr<SubscriberSet>> Subscribe(const SubscriberSpec& spec) override {
    return spec.stalled ? SubscribeAndStall(spec) : SubscribeToRedis(address_, spec);
  }

  absl::StatusOr<std::unique_ptr<Publisher>> Publish(const PublisherSpec& spec) override {
    return StartPublisher(spec, RedisLinks(address_));
  }

  absl::StatusOr<std::unique_ptr<Publisher>> PublishPaced(const PaceSpec& spec) override {
    return StartPacedPublisher(spec, RedisLinks(address_));
  }

 private:
  absl::StatusOr<std::unique_ptr<SubscriberSet>> SubscribeAndStall(const SubscriberSpec& spec) const {
    const auto greeting = [&spec](int subscriber) {
      const Interest interest = spec.interest ? spec.interest(subscriber) : Interest();
      return SubscribeCommand(NamesOf(spec.queue, interest)) + Command({"PING"});
    };
    return SubscribeStalled(address_, spec.subscribers, greeting, "\r\npong\r\n");
  }

  const std::string address_;
};

}  // namespace

std::unique_ptr<Client> MakeRedisClient(const std::string& address) { return std::make_unique<RedisClient>(address); }

}  // namespace nmq::bench
