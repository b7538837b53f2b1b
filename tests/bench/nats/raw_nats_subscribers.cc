#include "tests/bench/nats/raw_nats_subscribers.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tests/bench/nats/nats_protocol.h"
#include "tests/bench/peers/names.h"
#include "tests/bench/peers/polled_subscribers.h"
#include "tests/bench/peers/reception.h"
#include "tests/bench/peers/socket.h"

namespace nmq::bench {
namespace {

// The subscribers of a connection. One that has several subjects hears them in the order of their publishing.
class RawNatsConnection final : public HearingConnection, private NatsHandler {
 public:
  // `ears` by the subscription's number.
  RawNatsConnection(Socket socket, std::vector<Ear*> ears, HearingBoard* board)
      : HearingConnection(std::move(socket)), ears_(std::move(ears)), board_(board), reader_(this) {}

  absl::Status OnBytes(absl::string_view bytes) override { return reader_.Feed(bytes); }

 private:
  void OnMessage(uint64_t subscription, absl::string_view payload) override {
    if (subscription < ears_.size()) ears_[subscription]->Heard(payload);
  }
  absl::Status OnPing() override { return socket()->Send("PONG\r\n"); }
  void OnPong() override { board_->Confirmed(); }

  const std::vector<Ear*> ears_;
  HearingBoard* const board_;
  NatsReader reader_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SubscriberSet>> SubscribeToNatsRaw(const std::string& address,
                                                                  const SubscriberSpec& spec) {
  auto set = std::make_unique<PolledSubscribers>(spec);
  const int connections = std::clamp(spec.connections, 1, std::max(1, spec.subscribers));
  for (int connection = 0; connection < connections; ++connection) {
    std::vector<std::string> subjects;
    std::vector<Ear*> ears;
    for (int i = connection; i < spec.subscribers; i += connections) {
      for (std::string& subject : NamesOf(spec.queue, spec.interest ? spec.interest(i) : Interest())) {
        subjects.push_back(std::move(subject));
        ears.push_back(set->ear(i));
      }
    }
    absl::StatusOr<Socket> socket = Socket::Connect(address);
    if (!socket.ok()) return socket.status();
    absl::Status status = socket->Send(NatsGreeting(subjects));
    if (status.ok()) {
      status = set->Add(std::make_unique<RawNatsConnection>(*std::move(socket), std::move(ears), set->board()));
    }
    if (!status.ok()) return status;
  }
  if (const absl::Status status = set->board()->Await(static_cast<uint64_t>(connections)); !status.ok()) return status;
  return set;
}

}  // namespace nmq::bench
