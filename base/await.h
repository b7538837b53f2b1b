#ifndef NMQ_BASE_AWAIT_H_
#define NMQ_BASE_AWAIT_H_

#include <optional>
#include <utility>

#include "absl/synchronization/notification.h"

namespace nmq {

// Waits for what answers later: `start` is given a callable that takes the answer, once, on any thread. For threads
// that serve nobody else.
template <typename T, typename Start>
T Await(Start start) {
  absl::Notification done;
  std::optional<T> answer;
  start([&](T given) {
    answer.emplace(std::move(given));
    done.Notify();
  });
  done.WaitForNotification();
  return *std::move(answer);
}

}  // namespace nmq

#endif  // NMQ_BASE_AWAIT_H_
