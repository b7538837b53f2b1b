#include "tests/bench/peers/stalled_subscribers.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tests/bench/peers/socket.h"

namespace nmq::bench {
namespace {

// More than any server says before it confirms.
constexpr size_t kLongestAnswer = 1 << 16;

absl::Status Await(Socket* socket, const std::string& confirmation) {
  std::string heard;
  char buffer[1024];
  while (heard.find(confirmation) == std::string::npos) {
    if (heard.size() > kLongestAnswer) return absl::DataLossError(absl::StrCat("the server never said ", confirmation));
    const absl::StatusOr<size_t> size = socket->Read(buffer, sizeof(buffer));
    if (!size.ok()) return size.status();
    heard.append(buffer, *size);
  }
  return absl::OkStatus();
}

// Knows nothing of what comes: whether the server gives a stalled subscriber up is its own affair.
class StalledSubscribers final : public SubscriberSet {
 public:
  explicit StalledSubscribers(std::vector<Socket> sockets) : sockets_(std::move(sockets)) {}

  ReceiveTotals Totals() const override { return {}; }
  uint64_t Slowest() const override { return 0; }
  absl::Status Health() const override { return absl::OkStatus(); }
  absl::Duration heartbeat() const override { return absl::ZeroDuration(); }
  void RecordLatency(int64_t, int64_t) override {}

  Histogram Stop() override {
    sockets_.clear();
    return {};
  }

 private:
  std::vector<Socket> sockets_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SubscriberSet>> SubscribeStalled(const std::string& address, int subscribers,
                                                                const std::function<std::string(int)>& greeting,
                                                                const std::string& confirmation) {
  std::vector<Socket> sockets;
  for (int i = 0; i < subscribers; ++i) {
    absl::StatusOr<Socket> socket = Socket::Connect(address);
    if (!socket.ok()) return socket.status();
    if (const absl::Status status = socket->Send(greeting(i)); !status.ok()) return status;
    sockets.push_back(*std::move(socket));
  }
  for (Socket& socket : sockets) {
    if (const absl::Status status = Await(&socket, confirmation); !status.ok()) return status;
  }
  return std::make_unique<StalledSubscribers>(std::move(sockets));
}

}  // namespace nmq::bench
