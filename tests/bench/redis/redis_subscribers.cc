#include "tests/bench/redis/redis_subscribers.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tests/bench/peers/names.h"
#include "tests/bench/peers/reception.h"
#include "tests/bench/peers/socket.h"
#include "tests/bench/redis/redis_protocol.h"

namespace nmq::bench {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr size_t kReadBytes = 1 << 16;
constexpr int kEvents = 256;

// How far the subscribers of a set are. Thread-safe.
class Board {
 public:
  void Confirmed() {
    absl::MutexLock lock(&mutex_);
    ++confirmed_;
  }

  void Failed(const absl::Status& status) {
    absl::MutexLock lock(&mutex_);
    if (health_.ok()) health_ = status;
  }

  // Waits for so many confirmations, or for a failure.
  absl::Status Await(uint64_t confirmations) {
    const auto settled = [this, confirmations]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return confirmed_ >= confirmations || !health_.ok();
    };
    absl::MutexLock lock(&mutex_);
    if (!mutex_.AwaitWithTimeout(absl::Condition(&settled), kPatience)) {
      return absl::DeadlineExceededError(
          absl::StrCat("only ", confirmed_, " of ", confirmations, " channels are live"));
    }
    return health_;
  }

  absl::Status health() const {
    absl::MutexLock lock(&mutex_);
    return health_;
  }

 private:
  mutable absl::Mutex mutex_;
  uint64_t confirmed_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status health_ ABSL_GUARDED_BY(mutex_);
};

class Subscriber final : private ReplyHandler {
 public:
  Subscriber(Socket socket, bool whole, bool every_latency, LatencyBoard* latencies, Board* board)
      : socket_(std::move(socket)), board_(board), reader_(this), ear_(whole, every_latency, latencies) {}

  absl::Status Send(absl::string_view command) { return socket_.Send(command); }

  // Reads once what is there.
  absl::Status Read(char* buffer, size_t size) {
    const absl::StatusOr<size_t> received = socket_.ReadWhatIsThere(buffer, size);
    return received.ok() ? reader_.Feed({buffer, *received}) : received.status();
  }

  int fd() const { return socket_.fd(); }
  const Ear& ear() const { return ear_; }

 private:
  void OnText(absl::string_view payload) override { ear_.Heard(payload); }
  void OnInteger() override { board_->Confirmed(); }

  Socket socket_;
  Board* const board_;
  ReplyReader reader_;
  Ear ear_;
};

// A thread that reads for its subscribers.
class Lane {
 public:
  explicit Lane(Board* board)
      : board_(board), poll_(epoll_create1(EPOLL_CLOEXEC)), wake_(eventfd(0, EFD_CLOEXEC)), buffer_(kReadBytes) {}

  ~Lane() {
    Stop();
    close(poll_);
    close(wake_);
  }

  absl::Status Start() {
    if (!Watch(wake_, nullptr)) return absl::ResourceExhaustedError("no file descriptors for a polling thread");
    thread_ = std::thread([this] { Run(); });
    return absl::OkStatus();
  }

  // While it runs, the lane reads for the subscriber, which must outlive the thread.
  absl::Status Add(Subscriber* subscriber) {
    if (Watch(subscriber->fd(), subscriber)) return absl::OkStatus();
    return absl::ResourceExhaustedError("a connection cannot be polled");
  }

  void Stop() {
    if (!thread_.joinable()) return;
    eventfd_write(wake_, 1);
    thread_.join();
  }

 private:
  bool Watch(int fd, Subscriber* subscriber) {
    epoll_event event = {.events = EPOLLIN, .data = {.ptr = subscriber}};
    return epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event) == 0;
  }

  void Run() {
    epoll_event events[kEvents];
    while (true) {
      const int count = epoll_wait(poll_, events, kEvents, -1);
      for (int i = 0; i < count; ++i) {
        Subscriber* const subscriber = static_cast<Subscriber*>(events[i].data.ptr);
        if (subscriber == nullptr) return;
        const absl::Status status = subscriber->Read(buffer_.data(), buffer_.size());
        if (status.ok()) continue;
        epoll_ctl(poll_, EPOLL_CTL_DEL, subscriber->fd(), nullptr);
        board_->Failed(status);
      }
    }
  }

  Board* const board_;
  const int poll_;
  const int wake_;
  std::vector<char> buffer_;
  std::thread thread_;
};

class RedisSubscribers final : public SubscriberSet {
 public:
  absl::Status Start(const std::string& address, const SubscriberSpec& spec);

  ReceiveTotals Totals() const override {
    ReceiveTotals totals;
    for (const auto& subscriber : subscribers_) {
      totals.messages += subscriber->ear().messages();
      totals.disorder += subscriber->ear().disorder();
    }
    return totals;
  }

  uint64_t Slowest() const override {
    uint64_t least = UINT64_MAX;
    for (const auto& subscriber : subscribers_) least = std::min(least, subscriber->ear().messages());
    return least;
  }

  absl::Status Health() const override { return board_.health(); }
  absl::Duration heartbeat() const override { return absl::ZeroDuration(); }
  void RecordLatency(int64_t from, int64_t to) override { latencies_.Record(from, to); }

  Histogram Stop() override {
    for (const auto& lane : lanes_) lane->Stop();
    return latencies_.Merged();
  }

 private:
  LatencyBoard latencies_;
  Board board_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
  // Last, so that their threads end before what they use goes.
  std::vector<std::unique_ptr<Lane>> lanes_;
};

absl::Status RedisSubscribers::Start(const std::string& address, const SubscriberSpec& spec) {
  for (int i = 0; i < std::max(1, spec.threads); ++i) {
    lanes_.push_back(std::make_unique<Lane>(&board_));
    if (const absl::Status status = lanes_.back()->Start(); !status.ok()) return status;
  }
  const bool whole = spec.interest == nullptr;
  uint64_t channels = 0;
  for (int i = 0; i < spec.subscribers; ++i) {
    absl::StatusOr<Socket> socket = Socket::Connect(address);
    if (!socket.ok()) return socket.status();
    subscribers_.push_back(
        std::make_unique<Subscriber>(*std::move(socket), whole, spec.every_latency, &latencies_, &board_));
    Subscriber* const subscriber = subscribers_.back().get();
    const std::vector<std::string> names = NamesOf(spec.queue, whole ? Interest() : spec.interest(i));
    channels += names.size();
    if (const absl::Status status = subscriber->Send(SubscribeCommand(names)); !status.ok()) return status;
    const absl::Status status = lanes_[static_cast<size_t>(i) % lanes_.size()]->Add(subscriber);
    if (!status.ok()) return status;
  }
  return board_.Await(channels);
}

}  // namespace

absl::StatusOr<std::unique_ptr<SubscriberSet>> SubscribeToRedis(const std::string& address,
                                                                const SubscriberSpec& spec) {
  auto set = std::make_unique<RedisSubscribers>();
  if (const absl::Status status = set->Start(address, spec); !status.ok()) return status;
  return set;
}

}  // namespace nmq::bench
