#ifndef NMQ_BASE_AWAIT_H_
#define NMQ_BASE_AWAIT_H_

#include <optional>
#include <utility>

#include "base/mutex.h"

namespace nmq {

// Waits for what answers later: `start` is given a callable that takes the answer, once, on any thread. For threads
// that serve nobody else.
template <typename T, typename Start>
T Await(Start start) {
  Mutex mu;  // guards what follows
  CondVar changed;
  std::optional<T> answer;
  start([&](T given) {
    MutexLock lock(&mu);
    answer.emplace(std::move(given));
    changed.SignalAll();
  });
  MutexLock lock(&mu);
  while (!answer.has_value()) changed.Wait(&mu);
  return *std::move(answer);
}

}  // namespace nmq

#endif  // NMQ_BASE_AWAIT_H_
