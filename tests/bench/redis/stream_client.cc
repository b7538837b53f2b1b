#include "tests/bench/redis/stream_client.h"

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tests/bench/harness/payload.h"
#include "tests/bench/harness/tally.h"
#include "tests/bench/peers/consumer_threads.h"
#include "tests/bench/peers/storing_publisher.h"
#include "tests/bench/redis/redis_protocol.h"
#include "tests/bench/redis/stream_protocol.h"

namespace nmq::bench {
namespace {

constexpr char kGroup[] = "workers";
// Messages on their way of PublishWay::kStream.
constexpr size_t kPipeline = 1000;
constexpr char kConsumed[] = "256";
constexpr char kRead[] = "1000";

void IgnoreEntry(absl::string_view, absl::string_view) {}

// Sends one command and waits for its reply.
absl::Status Ask(StreamConnection* connection, const std::vector<std::string>& words) {
  if (absl::Status status = connection->Send(Command(words)); !status.ok()) return status;
  return connection->Read();
}

// XADD commands in a pipeline: they are sent together when as many as may wait for their replies have gathered.
class AddLink final : public StoreLink {
 public:
  AddLink(std::unique_ptr<StreamConnection> connection, const PublisherSpec& spec, OnStored on_stored)
      : connection_(std::move(connection)),
        window_(spec.way == PublishWay::kUnary ? static_cast<size_t>(spec.window) : kPipeline),
        prefix_(AddPrefix(spec.queue, std::max(static_cast<size_t>(spec.payload_bytes), kStampBytes))),
        on_stored_(std::move(on_stored)) {}

  absl::Status Store(absl::string_view payload, int64_t now) override {
    absl::StrAppend(&commands_, prefix_, payload, "\r\n");
    sent_.push_back(now);
    return sent_.size() < window_ ? absl::OkStatus() : Exchange();
  }

  absl::Status Complete() override {
    while (!sent_.empty()) {
      if (absl::Status status = Exchange(); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  // Sends what has gathered, and takes in at least one reply.
  absl::Status Exchange() {
    absl::Status status = connection_->Send(commands_);
    commands_.clear();
    if (status.ok()) status = connection_->Read();
    if (!status.ok()) return status;
    for (; answered_ < connection_->replies(); ++answered_) {
      if (sent_.empty()) return absl::DataLossError("a reply to no command");
      on_stored_(absl::OkStatus(), sent_.front());
      sent_.pop_front();
    }
    return absl::OkStatus();
  }

  const std::unique_ptr<StreamConnection> connection_;
  const size_t window_;
  const std::string prefix_;
  const OnStored on_stored_;
  std::string commands_;
  uint64_t answered_ = 0;
  // When each message without a reply was handed over.
  std::deque<int64_t> sent_;
};

// One consumer of the group: XREADGROUP and, with the next one, XACK.
absl::Status ConsumeAs(const std::string& address, const std::string& queue, const std::string& consumer,
                       Tally* tally) {
  std::vector<std::string> acknowledge = {"XACK", queue, kGroup};
  const size_t fixed = acknowledge.size();
  uint64_t heard = 0;
  absl::StatusOr<std::unique_ptr<StreamConnection>> connection =
      StreamConnection::Open(address, [&](absl::string_view id, absl::string_view payload) {
        tally->Heard(payload);
        acknowledge.emplace_back(id);
        ++heard;
      });
  if (!connection.ok()) return connection.status();
  const std::string fetch =
      Command({"XREADGROUP", "GROUP", kGroup, consumer, "COUNT", kConsumed, "STREAMS", queue, ">"});
  uint64_t before = 0;
  do {
    before = heard;
    const bool has_some = acknowledge.size() > fixed;
    const uint64_t replies = (*connection)->replies() + (has_some ? 2 : 1);
    if (absl::Status status = (*connection)->Send(has_some ? Command(acknowledge) + fetch : fetch); !status.ok()) {
      return status;
    }
    acknowledge.resize(fixed);
    while ((*connection)->replies() < replies) {
      if (absl::Status status = (*connection)->Read(); !status.ok()) return status;
    }
  } while (heard > before);
  if ((*connection)->sum() == heard) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(heard, " messages were heard, ", (*connection)->sum(), " acknowledged"));
}

class RedisStreamClient final : public Client {
 public:
  explicit RedisStreamClient(const std::string& address) : address_(address) {}

  absl::StatusOr<std::unique_ptr<SubscriberSet>> Subscribe(const SubscriberSpec&) override {
    return absl::UnimplementedError("streams only");
  }

  absl::StatusOr<std::unique_ptr<Publisher>> PublishPaced(const PaceSpec&) override {
    return absl::UnimplementedError("streams only");
  }

  absl::StatusOr<std::unique_ptr<Publisher>> Publish(const PublisherSpec& spec) override {
    const auto open = [this](const PublisherSpec& the_spec,
                             OnStored on_stored) -> absl::StatusOr<std::unique_ptr<StoreLink>> {
      absl::StatusOr<std::unique_ptr<StreamConnection>> connection = StreamConnection::Open(address_, &IgnoreEntry);
      if (!connection.ok()) return connection.status();
      return std::make_unique<AddLink>(*std::move(connection), the_spec, std::move(on_stored));
    };
    return StartStoringPublisher(spec, open);
  }

  absl::StatusOr<Consumption> Consume(const ConsumerSpec& spec) override {
    absl::StatusOr<std::unique_ptr<StreamConnection>> connection = StreamConnection::Open(address_, &IgnoreEntry);
    if (!connection.ok()) return connection.status();
    absl::Status status = Ask(connection->get(), {"XGROUP", "CREATE", spec.queue, kGroup, "0", "MKSTREAM"});
    if (!status.ok()) return status;
    Tally tally(spec.messages);
    const int64_t start = Now();
    status = RunInThreads(
        spec.consumers, [&](int number) { return ConsumeAs(address_, spec.queue, absl::StrCat("c", number), &tally); });
    if (!status.ok()) return status;
    return Consumption{absl::Nanoseconds(Now() - start), tally.messages(), tally.wrong()};
  }

  absl::StatusOr<Consumption> ReadHistory(const HistorySpec& spec) override {
    OrderCheck order(/*whole=*/true);
    Consumption read;
    std::string last = "0";
    absl::StatusOr<std::unique_ptr<StreamConnection>> connection =
        StreamConnection::Open(address_, [&](absl::string_view id, absl::string_view payload) {
          Stamp stamp;
          if (!ReadStamp(payload, &stamp) || !order.Heard(stamp)) ++read.wrong;
          ++read.messages;
          last.assign(id.data(), id.size());
        });
    if (!connection.ok()) return connection.status();
    const int64_t start = Now();
    uint64_t before = 0;
    do {
      before = read.messages;
      const absl::Status status = Ask(connection->get(), {"XREAD", "COUNT", kRead, "STREAMS", spec.queue, last});
      if (!status.ok()) return status;
    } while (read.messages > before && read.messages < spec.messages);
    read.time = absl::Nanoseconds(Now() - start);
    return read;
  }

 private:
  const std::string address_;
};

}  // namespace

std::unique_ptr<Client> MakeRedisStreamClient(const std::string& address) {
  return std::make_unique<RedisStreamClient>(address);
}

}  // namespace nmq::bench
