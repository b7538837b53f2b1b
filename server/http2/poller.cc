#include "server/http2/poller.h"

#include <sys/eventfd.h>
#include <unistd.h>

namespace nmq::http2 {

Poller::Poller() : epoll_(epoll_create1(EPOLL_CLOEXEC)), waker_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event event = {EPOLLIN, {.ptr = nullptr}};
  if (ok()) epoll_ctl(epoll_, EPOLL_CTL_ADD, waker_, &event);
}

Poller::~Poller() {
  if (waker_ >= 0) close(waker_);
  if (epoll_ >= 0) close(epoll_);
}

void Poller::Interrupt() { eventfd_write(waker_, 1); }

absl::Span<const Poller::Event> Poller::Wait(int patience_ms) {
  epoll_event come[kEventsMax];
  const int count = epoll_wait(epoll_, come, kEventsMax, patience_ms);
  size_t events = 0;
  interrupted_ = false;
  for (int i = 0; i < count; ++i) {
    void* const owner = come[i].data.ptr;
    if (owner == nullptr) {
      eventfd_t times;
      eventfd_read(waker_, &times);
      interrupted_ = true;
      continue;
    }
    const uint32_t bits = come[i].events;
    events_[events++] = {owner, ((bits & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0 ? kReadable : 0) |
                                    ((bits & EPOLLOUT) != 0 ? kWritable : 0)};
  }
  return {events_.data(), events};
}

Poller::Watch::Watch(Poller* poller, int descriptor, void* owner)
    : poller_(poller), descriptor_(descriptor), owner_(owner) {
  epoll_event event = {EPOLLIN, {.ptr = owner}};
  ok_ = epoll_ctl(poller_->epoll_, EPOLL_CTL_ADD, descriptor_, &event) == 0;
}

Poller::Watch::~Watch() {
  if (ok_) epoll_ctl(poller_->epoll_, EPOLL_CTL_DEL, descriptor_, nullptr);
}

void Poller::Watch::Await(bool readable, bool writable) {
  if (!ok_) return;
  epoll_event event = {(readable ? uint32_t{EPOLLIN} : 0) | (writable ? uint32_t{EPOLLOUT} : 0), {.ptr = owner_}};
  epoll_ctl(poller_->epoll_, EPOLL_CTL_MOD, descriptor_, &event);
}

}  // namespace nmq::http2
