#include "tests/integration/http2/neighbour.h"

#include <algorithm>
#include <cmath>

#include "absl/time/clock.h"
#include "tests/integration/fixture.h"

namespace nmq::http2 {
namespace {

constexpr absl::Duration kStep = absl::Milliseconds(5);
// Longer than that after the end nobody waits for what should have been said before.
constexpr absl::Duration kLateMax = absl::Seconds(10);
constexpr size_t kPayloadBytes = 100;

}  // namespace

absl::Duration Latencies::Percentile(double percent) const {
  if (sorted.empty()) return absl::InfiniteDuration();
  const auto rank = static_cast<size_t>(std::ceil(percent / 100 * static_cast<double>(sorted.size())));
  return sorted[std::clamp<size_t>(rank, 1, sorted.size()) - 1];
}

Neighbour::Neighbour(const std::shared_ptr<grpc::Channel>& channel) : queue_(v1::MessageQueue::NewStub(channel)) {
  Publish(absl::Milliseconds(100));
}

Latencies Neighbour::Publish(absl::Duration time) {
  v1::PublishRequest request;
  *request.mutable_message() = integration::MakeMessage("Q", "E", std::string(kPayloadBytes, 'x'));
  Latencies latencies;
  absl::Time due = absl::Now();
  for (const absl::Time end = due + time; due < end; due += kStep) {
    if (absl::Now() > end + kLateMax) {
      latencies.failures.push_back("is too late to catch up");
      break;
    }
    absl::SleepFor(due - absl::Now());
    v1::PublishResponse response;
    const grpc::Status status = queue_->Publish(integration::NewContext().get(), request, &response);
    latencies.sorted.push_back(absl::Now() - due);
    if (!status.ok()) latencies.failures.push_back(integration::Summary(status));
  }
  std::sort(latencies.sorted.begin(), latencies.sorted.end());
  return latencies;
}

}  // namespace nmq::http2
