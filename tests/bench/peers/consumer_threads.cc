#include "tests/bench/peers/consumer_threads.h"

#include <algorithm>
#include <thread>
#include <vector>

namespace nmq::bench {

absl::Status RunInThreads(int threads, const std::function<absl::Status(int)>& body) {
  std::vector<absl::Status> ends(static_cast<size_t>(std::max(0, threads)));
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) running.emplace_back([&, i] { ends[i] = body(i); });
  for (std::thread& thread : running) thread.join();
  const auto failure = std::find_if(ends.begin(), ends.end(), [](const absl::Status& end) { return !end.ok(); });
  return failure == ends.end() ? absl::OkStatus() : *failure;
}

uint64_t Share::Take(uint64_t most) {
  absl::MutexLock lock(&mutex_);
  const uint64_t taken = std::min(most, left_);
  left_ -= taken;
  return taken;
}

void Share::Return(uint64_t messages) {
  absl::MutexLock lock(&mutex_);
  left_ += messages;
}

}  // namespace nmq::bench
