#include "tests/bench/nmq/raw_subscribers.h"

#include <grpcpp/channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <algorithm>
#include <string>
#include <vector>

#include "nmq/v1/message_queue.pb.h"
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
    for (const auto& subscriber : subscribers_) subscriber->AddTo(&totals);
    return totals;
  }

  uint64_t Slowest() const override {
    uint64_t least = UINT64_MAX;
    for (const auto& subscriber : subscribers_) least = std::min(least, subscriber->progress());
    return least;
  }

  absl::Status Health() const override { return board_.health(); }
  absl::Duration heartbeat() const override { return board_.heartbeat(); }

  void RecordLatency(int64_t from, int64_t to) override {
    for (const auto& lane : lanes_) {
      lane->record_to.store(to);
      lane->record_from.store(from);
    }
  }

  Histogram Stop() override {
    End();
    Histogram all;
    for (const auto& lane : lanes_) all.Merge(lane->latency);
    return all;
  }

 private:
  absl::Status Open(const Endpoint& endpoint, const SubscriberSpec& spec);
  nmq::v1::SubscribeRequest RequestOf(int subscriber, const SubscriberSpec& spec) const;
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
  const Subscriber::Manner manner = {.look = spec.every_latency ? Look::kAll : Look::kFirst,
                                     .whole = spec.interest == nullptr,
                                     .numbers = endpoint.numbers,
                                     .stalled = spec.stalled};
  for (int i = 0; i < spec.subscribers; ++i) {
    // All streams of a connection are of one lane, so that no two threads want its lock.
    const size_t channel = i % channels_.size();
    subscribers_.push_back(
        std::make_unique<Subscriber>(stubs_[channel].get(), lanes_[channel % lanes_.size()].get(), &board_, manner));
  }
  running_ = true;
  for (int i = 0; i < spec.subscribers; ++i) {
    subscribers_[i]->Start(Encode(RequestOf(i, spec)));
  }
  return board_.AwaitReady(kPatience);
}

nmq::v1::SubscribeRequest RawSubscribers::RequestOf(int subscriber, const SubscriberSpec& spec) const {
  nmq::v1::SubscribeRequest request;
  request.set_session(sessions_[subscriber % sessions_.size()]);
  if (spec.from_earliest) request.mutable_start()->set_earliest(true);
  const Interest interest = spec.interest == nullptr ? Interest() : spec.interest(subscriber);
  for (const std::string& event : interest.events) {
    nmq::v1::Pattern* const pattern = request.add_patterns();
    pattern->set_queue(spec.queue);
    pattern->set_event(event);
  }
  if (interest.events.empty()) request.add_patterns()->set_queue(spec.queue);
  for (const std::string& room : interest.rooms) request.add_rooms(room);
  return request;
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
