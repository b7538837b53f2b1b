#include "tests/bench/peers/polled_subscribers.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace nmq::bench {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr size_t kReadBytes = 1 << 16;
constexpr int kEvents = 256;

}  // namespace

void HearingBoard::Confirmed() {
  absl::MutexLock lock(&mutex_);
  ++confirmed_;
}

void HearingBoard::Failed(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  if (health_.ok()) health_ = status;
}

absl::Status HearingBoard::Await(uint64_t confirmations) {
  const auto settled = [this, confirmations]()
                           ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return confirmed_ >= confirmations || !health_.ok(); };
  absl::MutexLock lock(&mutex_);
  if (!mutex_.AwaitWithTimeout(absl::Condition(&settled), kPatience)) {
    return absl::DeadlineExceededError(absl::StrCat("only ", confirmed_, " of ", confirmations, " confirmations came"));
  }
  return health_;
}

absl::Status HearingBoard::health() const {
  absl::MutexLock lock(&mutex_);
  return health_;
}

// A thread that reads for its connections.
class PolledSubscribers::Lane {
 public:
  explicit Lane(HearingBoard* board)
      : board_(board), poll_(epoll_create1(EPOLL_CLOEXEC)), wake_(eventfd(0, EFD_CLOEXEC)), buffer_(kReadBytes) {
    if (Watch(wake_, nullptr)) thread_ = std::thread([this] { Run(); });
  }

  ~Lane() {
    Stop();
    close(poll_);
    close(wake_);
  }

  // The connection must outlive the thread.
  absl::Status Add(HearingConnection* connection) {
    if (thread_.joinable() && Watch(connection->socket()->fd(), connection)) return absl::OkStatus();
    return absl::ResourceExhaustedError("a connection cannot be polled: too few file descriptors");
  }

  void Stop() {
    if (!thread_.joinable()) return;
    eventfd_write(wake_, 1);
    thread_.join();
  }

 private:
  bool Watch(int fd, HearingConnection* connection) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.ptr = connection;
    return epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event) == 0;
  }

  void Run() {
    epoll_event events[kEvents];
    while (true) {
      const int count = epoll_wait(poll_, events, kEvents, -1);
      for (int i = 0; i < count; ++i) {
        HearingConnection* const connection = static_cast<HearingConnection*>(events[i].data.ptr);
        if (connection == nullptr) return;
        const absl::Status status = Read(connection);
        if (status.ok()) continue;
        epoll_ctl(poll_, EPOLL_CTL_DEL, connection->socket()->fd(), nullptr);
        board_->Failed(status);
      }
    }
  }

  absl::Status Read(HearingConnection* connection) {
    const absl::StatusOr<size_t> size = connection->socket()->ReadWhatIsThere(buffer_.data(), buffer_.size());
    return size.ok() ? connection->OnBytes({buffer_.data(), *size}) : size.status();
  }

  HearingBoard* const board_;
  const int poll_;
  const int wake_;
  std::vector<char> buffer_;
  std::thread thread_;
};

PolledSubscribers::PolledSubscribers(const SubscriberSpec& spec) {
  const bool whole = spec.interest == nullptr;
  for (int i = 0; i < spec.subscribers; ++i) {
    ears_.push_back(std::make_unique<Ear>(whole, spec.every_latency, &latencies_));
  }
  for (int i = 0; i < std::max(1, spec.threads); ++i) lanes_.push_back(std::make_unique<Lane>(&board_));
}

PolledSubscribers::~PolledSubscribers() = default;

absl::Status PolledSubscribers::Add(std::unique_ptr<HearingConnection> connection) {
  Lane* const lane = lanes_[connections_.size() % lanes_.size()].get();
  connections_.push_back(std::move(connection));
  return lane->Add(connections_.back().get());
}

ReceiveTotals PolledSubscribers::Totals() const {
  ReceiveTotals totals;
  for (const auto& ear : ears_) {
    totals.messages += ear->messages();
    totals.disorder += ear->disorder();
  }
  return totals;
}

uint64_t PolledSubscribers::Slowest() const {
  uint64_t least = UINT64_MAX;
  for (const auto& ear : ears_) least = std::min(least, ear->messages());
  return least;
}

Histogram PolledSubscribers::Stop() {
  for (const auto& lane : lanes_) lane->Stop();
  connections_.clear();
  return latencies_.Merged();
}

}  // namespace nmq::bench
