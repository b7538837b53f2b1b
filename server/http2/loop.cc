#include "server/http2/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "glog/logging.h"
#include "server/http2/socket.h"
#include "server/queue/ready.h"

namespace nmq::http2 {
namespace {

// Events taken in one turn before subscriptions get to write.
constexpr int kEventsMax = 256;
constexpr absl::Duration kTick = absl::Seconds(1);
constexpr int kSecondsBetweenLines = 60;

thread_local const Loop* current_loop = nullptr;

uint32_t EventsFor(bool readable, bool writable) {
  return (readable ? uint32_t{EPOLLIN} : 0) | (writable ? uint32_t{EPOLLOUT} : 0);
}

}  // namespace

Loop::Loop(broker::Lane* lane, const Clock* clock, Metrics* metrics, const ConnectionLimits& limits, Serve serve)
    : lane_(lane),
      clock_(clock),
      metrics_(metrics),
      limits_(limits),
      serve_(std::move(serve)),
      read_buffer_(new char[Connection::kReadBytes]) {
  lane_->set_wake([this] { Wake(); });
}

Loop::~Loop() {
  Join();
  if (waker_ >= 0) close(waker_);
  if (epoll_ >= 0) close(epoll_);
}

bool Loop::Start() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  waker_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event = {EPOLLIN, {.ptr = nullptr}};
  if (epoll_ < 0 || waker_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, waker_, &event) != 0) return false;
  thread_ = std::thread([this] { Run(); });
  return true;
}

void Loop::Join() {
  if (thread_.joinable()) thread_.join();
}

void Loop::Shutdown() {
  Post([this] { running_ = false; });
}

bool Loop::IsCurrent() const { return current_loop == this; }

void Loop::Post(std::function<void()> task) {
  {
    MutexLock lock(&mu_);
    tasks_.push_back(std::move(task));
  }
  Wake();
}

void Loop::Wake() {
  if (IsCurrent()) {
    look_again_ = true;
    return;
  }
  if (woken_.exchange(true, std::memory_order_acq_rel)) return;
  eventfd_write(waker_, 1);
}

void Loop::Adopt(int socket, std::string peer) {
  // The socket is the task's until it has run: one that is forgotten closes it.
  auto bytes = std::make_shared<std::unique_ptr<ByteStream>>(std::make_unique<Socket>(socket));
  Post([this, bytes, socket, peer = std::move(peer)] {
    auto connection = std::make_unique<Connection>(this, &limits_, std::move(*bytes), peer);
    Connection* const raw = connection.get();
    connections_.emplace(raw, std::move(connection));
    connection_count_.store(connections_.size(), std::memory_order_relaxed);
    if (!tick_.set()) timers_.Set(&tick_, now_ + kTick);
    epoll_event event = {EventsFor(true, false), {.ptr = raw}};
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) != 0) OnOver(raw);
  });
}

Stream* Loop::OnRequest(Connection* connection, int32_t stream, HeaderList headers) {
  return serve_(this, connection, stream, std::move(headers));
}

void Loop::OnOver(Connection* connection) { over_.push_back(connection); }

void Loop::Await(Connection* connection, bool readable, bool writable) {
  epoll_event event = {EventsFor(readable, writable), {.ptr = connection}};
  epoll_ctl(epoll_, EPOLL_CTL_MOD, connection->descriptor(), &event);
}

void Loop::OnAbuse(const Connection& connection, absl::string_view what) {
  metrics_->CountRefusal(ResourceExhausted("CONNECTION_ABUSED", what, absl::ZeroDuration()));
  LOG_EVERY_T(WARNING, kSecondsBetweenLines) << "ended the connection from " << connection.peer() << ": " << what;
}

// In milliseconds; for ever if negative.
int Loop::Patience() const {
  if (look_again_ || !again_.empty() || !marked_.empty()) return 0;
  const std::optional<absl::Duration> first = timers_.first();
  if (!first) return -1;
  // A little late, so that timers that are due together come together.
  const absl::Duration wait = std::clamp(*first - clock_->Monotonic(), absl::ZeroDuration(), absl::Hours(1));
  return static_cast<int>(absl::ToInt64Milliseconds(wait)) + 1;
}

void Loop::TakeEvents() {
  epoll_event events[kEventsMax];
  const int count = epoll_wait(epoll_, events, kEventsMax, Patience());
  now_ = clock_->Monotonic();
  for (int i = 0; i < count; ++i) {
    auto* const connection = static_cast<Connection*>(events[i].data.ptr);
    if (connection == nullptr) {
      eventfd_t times;
      eventfd_read(waker_, &times);
      woken_.exchange(false, std::memory_order_acq_rel);
      continue;
    }
    if ((events[i].events & EPOLLOUT) != 0) connection->OnWritable();
    if ((events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) connection->OnReadable();
  }
}

void Loop::RunTasks() {
  look_again_ = false;
  std::vector<std::function<void()>> tasks;
  {
    MutexLock lock(&mu_);
    tasks.swap(tasks_);
  }
  for (const auto& task : tasks) task();
  tasks.clear();
  tasks.swap(again_);
  for (const auto& task : tasks) task();
}

void Loop::ServeReady() {
  broker::TakeReady(lane_, &ready_);
  for (broker::Subscriber* subscription : ready_) {
    subscription->owner()->BeforeReady();
    subscription->PrefetchCursor();
  }
  for (broker::Subscriber* subscription : ready_) {
    subscription->ClearReady();
    subscription->owner()->OnReady();
  }
  ready_.clear();
}

void Loop::Flush() {
  std::vector<Connection*> marked;
  marked.swap(marked_);
  for (Connection* const connection : marked) connection->Flush();
  if (!marked_.empty()) return;
  marked.clear();
  marked_.swap(marked);  // with its memory
}

// Those that are over, once nobody has any of them at hand.
void Loop::Bury() {
  while (!over_.empty()) {
    std::vector<Connection*> over;
    over.swap(over_);
    for (Connection* const connection : over) {
      std::erase(marked_, connection);
      connections_.erase(connection);
    }
  }
  connection_count_.store(connections_.size(), std::memory_order_relaxed);
}

void Loop::OnTick() {
  for (const auto& [raw, connection] : connections_) raw->OnTick();
  if (!connections_.empty()) timers_.Set(&tick_, now_ + kTick);
}

void Loop::DrainConnections() {
  for (const auto& [raw, connection] : connections_) raw->Drain();
}

void Loop::EndIdlest() {
  Connection* idlest = nullptr;
  for (const auto& [raw, connection] : connections_) {
    if (raw->streams() > 0) continue;
    if (idlest == nullptr || raw->idle_since() < idlest->idle_since()) idlest = raw;
  }
  if (idlest != nullptr) idlest->End();
}

void Loop::EndAll() {
  for (const auto& [raw, connection] : connections_) raw->End();
  Bury();
  timers_.Cancel(&tick_);
}

void Loop::Run() {
  current_loop = this;
  while (running_) {
    TakeEvents();
    RunTasks();
    ServeReady();
    timers_.Run(now_);
    Flush();
    if (!over_.empty()) Bury();
    metrics_->ObserveTurn(clock_->Monotonic() - now_);
  }
  Flush();
  EndAll();
  current_loop = nullptr;
}

}  // namespace nmq::http2
