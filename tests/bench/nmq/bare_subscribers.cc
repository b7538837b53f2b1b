#include "tests/bench/nmq/bare_subscribers.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "tests/bench/nmq/heard_stream.h"
#include "tests/bench/nmq/http2_reader.h"
#include "tests/bench/nmq/methods.h"
#include "tests/bench/nmq/stream_board.h"
#include "tests/bench/nmq/subscribe_request.h"
#include "tests/bench/peers/polling_threads.h"
#include "tests/bench/peers/socket.h"

namespace nmq::bench {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

// The subscribers of a connection: each is a call.
class BareConnection final : public HearingConnection, private Http2Handler {
 public:
  BareConnection(Socket socket, StreamBoard* board)
      : HearingConnection(std::move(socket)), board_(board), reader_(this) {}

  // Before it is read. The stream must outlive it.
  void Subscribe(const nmq::v1::SubscribeRequest& request, HeardStream* heard) {
    heard_.push_back(heard);
    reader_.Call(kSubscribeMethod, request.SerializeAsString());
  }

  absl::Status OnBytes(absl::string_view bytes) override {
    absl::Status status = reader_.Feed(bytes);
    return status.ok() ? Send() : status;
  }

  absl::Status Send() {
    const std::string output = reader_.TakeOutput();
    return output.empty() ? absl::OkStatus() : socket()->Send(output);
  }

 private:
  bool OnMessage(size_t call, absl::string_view message) override {
    return heard_[call]->OnFrame(absl::MakeConstSpan(&message, 1));
  }
  void OnEnd(size_t, const absl::Status& status) override { board_->Ended(status); }

  StreamBoard* const board_;
  std::vector<HeardStream*> heard_;
  Http2Reader reader_;
};

class BareSubscribers final : public SubscriberSet {
 public:
  explicit BareSubscribers(const SubscriberSpec& spec)
      : board_(spec.subscribers),
        lanes_(static_cast<size_t>(std::max(1, spec.threads))),
        threads_(spec.threads, [this](const absl::Status& status) { board_.Ended(status); }) {}
  ~BareSubscribers() override { End(); }

  absl::Status Start(const Endpoint& endpoint, const SubscriberSpec& spec);

  ReceiveTotals Totals() const override {
    ReceiveTotals totals;
    for (const auto& heard : heard_) heard->AddTo(&totals);
    return totals;
  }

  uint64_t Slowest() const override {
    uint64_t least = UINT64_MAX;
    for (const auto& heard : heard_) least = std::min(least, heard->progress());
    return least;
  }

  absl::Status Health() const override { return board_.health(); }
  absl::Duration heartbeat() const override { return board_.heartbeat(); }

  void RecordLatency(int64_t from, int64_t to) override {
    for (HearingLane& lane : lanes_) {
      lane.record_to.store(to);
      lane.record_from.store(from);
    }
  }

  Histogram Stop() override {
    End();
    Histogram all;
    for (const HearingLane& lane : lanes_) all.Merge(lane.latency);
    return all;
  }

 private:
  absl::Status Open(int connection, int connections, const Endpoint& endpoint, const SubscriberSpec& spec);
  void End() {
    board_.ExpectEnds();
    threads_.Stop();
  }

  StreamBoard board_;
  std::vector<std::string> sessions_;
  // Of the threads.
  std::vector<HearingLane> lanes_;
  std::vector<std::unique_ptr<HeardStream>> heard_;
  // Last, so that its threads end before what they use goes.
  PollingThreads threads_;
};

absl::Status BareSubscribers::Open(int connection, int connections, const Endpoint& endpoint,
                                   const SubscriberSpec& spec) {
  absl::StatusOr<Socket> socket = Socket::Connect(endpoint.address);
  if (!socket.ok()) return socket.status();
  auto opened = std::make_unique<BareConnection>(*std::move(socket), &board_);
  HearingLane* const lane = &lanes_[static_cast<size_t>(connection) % lanes_.size()];
  for (int i = connection; i < spec.subscribers; i += connections) {
    heard_.push_back(std::make_unique<HeardStream>(lane, &board_, MannerOf(endpoint, spec)));
    const std::string& session = sessions_[static_cast<size_t>(i) % sessions_.size()];
    opened->Subscribe(SubscribeRequestOf(spec, i, session), heard_.back().get());
  }
  if (absl::Status status = opened->Send(); !status.ok()) return status;
  return threads_.Add(std::move(opened));
}

absl::Status BareSubscribers::Start(const Endpoint& endpoint, const SubscriberSpec& spec) {
  const absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = OpenChannel(endpoint);
  if (!channel.ok()) return channel.status();
  const int clients = std::clamp(spec.clients, 1, spec.subscribers);
  for (int i = 0; i < clients; ++i) {
    absl::StatusOr<std::string> session = OpenSession(*channel);
    if (!session.ok()) return session.status();
    sessions_.push_back(*std::move(session));
  }
  const int connections = std::clamp(spec.connections, 1, spec.subscribers);
  for (int i = 0; i < connections; ++i) {
    if (absl::Status status = Open(i, connections, endpoint, spec); !status.ok()) return status;
  }
  return board_.AwaitReady(kPatience);
}

}  // namespace

absl::StatusOr<std::unique_ptr<SubscriberSet>> SubscribeBare(const Endpoint& endpoint, const SubscriberSpec& spec) {
  auto set = std::make_unique<BareSubscribers>(spec);
  if (const absl::Status status = set->Start(endpoint, spec); !status.ok()) return status;
  return set;
}

}  // namespace nmq::bench
