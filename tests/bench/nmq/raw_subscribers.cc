#include "tests/bench/nmq/raw_subscribers.h"

#include <grpcpp/channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/bench/nmq/subscribe_request.h"
#include "tests/bench/nmq/subscriber.h"

namespace nmq::bench {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

class RawSubscribers final : public SubscriberSet {
 public:
  explicit RawSubscribers(const SubscriberSpec& spec) : board_(spec.subscribers) {}
  ~RawSubscribers() override { End(); }

  absl::Status Start(const Endpoint& endpoint, const SubscriberSpec& spec);

  ReceiveTotals Totals() const override {
    ReceiveTotals totals;
    for (const auto& subscriber : subscribers_) subscriber->heard().AddTo(&totals);
    return totals;
  }

  uint64_t Slowest() const override {
    uint64_t least = UINT64_MAX;
    for (const auto& subscriber : subscribers_) least = std::min(least, subscriber->heard().progress());
    return least;
  }

  absl::Status Health() const override { return board_.health(); }
  absl::Duration heartbeat() const override { return board_.heartbeat(); }

  void RecordLatency(int64_t from, int64_t to) override {
    for (const auto& lane : lanes_) {
      lane->hearing.record_to.store(to);
      lane->hearing.record_from.store(from);
    }
  }

  Histogram Stop() override {
    End();
    Histogram all;
    for (const auto& lane : lanes_) all.Merge(lane->hearing.latency);
    return all;
  }

 private:
  absl::Status Open(const Endpoint& endpoint, const SubscriberSpec& spec);
  void End();

  StreamBoard board_;
  bool running_ = false;
  std::vector<std::string> sessions_;
  std::vector<std::unique_ptr<ReceiveLane>> lanes_;
  Channels channels_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
};

absl::Status RawSubscribers::Open(const Endpoint& endpoint, const SubscriberSpec& spec) {
  const int connections = std::clamp(spec.connections, 1, spec.subscribers);
  absl::StatusOr<Channels> channels = OpenChannels(endpoint, connections);
  if (!channels.ok()) return channels.status();
  channels_ = *std::move(channels);
  for (const auto& channel : channels_) stubs_.push_back(std::make_unique<grpc::GenericStub>(channel));
  const int clients = std::clamp(spec.clients, 1, spec.subscribers);
  for (int i = 0; i < clients; ++i) {
    absl::StatusOr<std::string> session = OpenSession(channels_[i % connections]);
    if (!session.ok()) return session.status();
    sessions_.push_back(*std::move(session));
  }
  for (int i = 0; i < std::max(1, spec.threads); ++i) lanes_.push_back(std::make_unique<ReceiveLane>());
  return absl::OkStatus();
}

absl::Status RawSubscribers::Start(const Endpoint& endpoint, const SubscriberSpec& spec) {
  if (const absl::Status status = Open(endpoint, spec); !status.ok()) return status;
  const Subscriber::Manner manner = {.hearing = MannerOf(endpoint, spec), .stalled = spec.stalled};
  for (int i = 0; i < spec.subscribers; ++i) {
    // All streams of a connection are of one lane, so that no two threads want its lock.
    const size_t channel = i % channels_.size();
    subscribers_.push_back(
        std::make_unique<Subscriber>(stubs_[channel].get(), lanes_[channel % lanes_.size()].get(), &board_, manner));
  }
  running_ = true;
  for (int i = 0; i < spec.subscribers; ++i) {
    subscribers_[i]->Start(Encode(SubscribeRequestOf(spec, i, sessions_[i % sessions_.size()])));
  }
  return board_.AwaitReady(kPatience);
}

void RawSubscribers::End() {
  if (!running_) return;
  running_ = false;
  board_.ExpectEnds();
  for (const auto& subscriber : subscribers_) subscriber->Cancel();
  board_.AwaitEnds();
}

}  // namespace

absl::StatusOr<std::unique_ptr<SubscriberSet>> SubscribeRaw(const Endpoint& endpoint, const SubscriberSpec& spec) {
  auto set = std::make_unique<RawSubscribers>(spec);
  if (const absl::Status status = set->Start(endpoint, spec); !status.ok()) return status;
  return set;
}

}  // namespace nmq::bench
