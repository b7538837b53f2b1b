#include "tests/bench/peers/polling_threads.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

namespace nmq::bench {
namespace {

constexpr size_t kReadBytes = 1 << 16;
constexpr int kEvents = 256;

}  // namespace

// A thread that reads for its connections.
class PollingThreads::Lane {
 public:
  explicit Lane(const std::function<void(const absl::Status&)>* on_failure)
      : on_failure_(on_failure),
        poll_(epoll_create1(EPOLL_CLOEXEC)),
        wake_(eventfd(0, EFD_CLOEXEC)),
        buffer_(kReadBytes) {
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
        (*on_failure_)(status);
      }
    }
  }

  absl::Status Read(HearingConnection* connection) {
    const absl::StatusOr<size_t> size = connection->socket()->ReadWhatIsThere(buffer_.data(), buffer_.size());
    return size.ok() ? connection->OnBytes({buffer_.data(), *size}) : size.status();
  }

  const std::function<void(const absl::Status&)>* const on_failure_;
  const int poll_;
  const int wake_;
  std::vector<char> buffer_;
  std::thread thread_;
};

PollingThreads::PollingThreads(int threads, std::function<void(const absl::Status&)> on_failure)
    : on_failure_(std::move(on_failure)) {
  for (int i = 0; i < std::max(1, threads); ++i) lanes_.push_back(std::make_unique<Lane>(&on_failure_));
}

PollingThreads::~PollingThreads() = default;

absl::Status PollingThreads::Add(std::unique_ptr<HearingConnection> connection) {
  Lane* const lane = lanes_[connections_.size() % lanes_.size()].get();
  connections_.push_back(std::move(connection));
  return lane->Add(connections_.back().get());
}

void PollingThreads::Stop() {
  for (const auto& lane : lanes_) lane->Stop();
  connections_.clear();
}

}  // namespace nmq::bench
