#include "tests/bench/redis/redis_subscribers.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tests/bench/peers/names.h"
#include "tests/bench/peers/polled_subscribers.h"
#include "tests/bench/peers/reception.h"
#include "tests/bench/peers/socket.h"
#include "tests/bench/redis/redis_protocol.h"

namespace nmq::bench {
namespace {

// A subscriber.
class RedisConnection final : public HearingConnection, private ReplyHandler {
 public:
  RedisConnection(Socket socket, Ear* ear, HearingBoard* board)
      : HearingConnection(std::move(socket)), ear_(ear), board_(board), reader_(this) {}

  absl::Status OnBytes(absl::string_view bytes) override { return reader_.Feed(bytes); }

 private:
  void OnText(absl::string_view payload) override { ear_->Heard(payload); }
  void OnInteger() override { board_->Confirmed(); }

  Ear* const ear_;
  HearingBoard* const board_;
  ReplyReader reader_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SubscriberSet>> SubscribeToRedis(const std::string& address,
                                                                const SubscriberSpec& spec) {
  auto set = std::make_unique<PolledSubscribers>(spec);
  uint64_t channels = 0;
  for (int i = 0; i < spec.subscribers; ++i) {
    absl::StatusOr<Socket> socket = Socket::Connect(address);
    if (!socket.ok()) return socket.status();
    const std::vector<std::string> names = NamesOf(spec.queue, spec.interest ? spec.interest(i) : Interest());
    channels += names.size();
    absl::Status status = socket->Send(SubscribeCommand(names));
    if (status.ok()) {
      status = set->Add(std::make_unique<RedisConnection>(*std::move(socket), set->ear(i), set->board()));
    }
    if (!status.ok()) return status;
  }
  if (const absl::Status status = set->board()->Await(channels); !status.ok()) return status;
  return set;
}

}  // namespace nmq::bench
