#include "client/cli/stop.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "base/deadline.h"

namespace nmq {
namespace cli {
namespace {

sigset_t EndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  // The terminal goes, or its user says so: it is put back as it was.
  sigaddset(&signals, SIGHUP);
  return signals;
}

}  // namespace

// What the terminal was like before.
struct Stop::Terminal {
  termios before;
};

Stop::Stop() {
  const sigset_t signals = EndSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signals_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  requests_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

Stop::~Stop() {
  if (terminal_ != nullptr) {
    tcsetattr(STDIN_FILENO, TCSANOW, &terminal_->before);
    delete terminal_;
  }
  close(signals_);
  close(requests_);
  const sigset_t signals = EndSignals();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

void Stop::Request() {
  const uint64_t one = 1;
  // It cannot fail: the counter would have to be full.
  [[maybe_unused]] const ssize_t written = write(requests_, &one, sizeof one);
}

bool Stop::Wait(absl::Duration timeout, std::string* keys) {
  const Deadline deadline = Deadline::In(timeout);
  while (!stopped_) {
    pollfd waits[3] = {
        {.fd = signals_, .events = POLLIN, .revents = 0},
        {.fd = requests_, .events = POLLIN, .revents = 0},
        {.fd = terminal_ != nullptr && keys != nullptr ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0}};
    const absl::Duration rest = std::min(deadline.Left(), absl::Hours(1));
    if (poll(waits, 3, static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(rest, absl::Milliseconds(1))))) < 0) {
      continue;
    }
    if (waits[0].revents != 0) {
      // Taken, or it would strike when signals go their usual course again.
      signalfd_siginfo taken;
      while (read(signals_, &taken, sizeof taken) > 0) {
      }
      stopped_ = true;
    }
    if (waits[1].revents != 0) stopped_ = true;
    if (waits[2].revents != 0) {
      char pressed[64];
      const ssize_t got = read(STDIN_FILENO, pressed, sizeof pressed);
      if (got <= 0) {
        // The terminal has gone.
        stopped_ = true;
      } else if (keys != nullptr) {
        keys->append(pressed, static_cast<size_t>(got));
        return stopped_;
      }
    }
    if (deadline.IsOver()) break;
  }
  return stopped_;
}

void Stop::WatchKeys() {
  if (terminal_ != nullptr || isatty(STDIN_FILENO) != 1) return;
  termios before;
  if (tcgetattr(STDIN_FILENO, &before) != 0) return;
  termios raw = before;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0) return;
  terminal_ = new Terminal{before};
}

}  // namespace cli
}  // namespace nmq
