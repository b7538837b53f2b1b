#include "tests/integration/http2/neighbour.h"

#include <algorithm>
#include <cmath>

#include "absl/time/clock.h"

namespace nmq::http2 {
namespace {

constexpr absl::Duration kStep = absl::Milliseconds(5);
constexpr size_t kPayloadBytes = 100;

}  // namespace

absl::Duration Latencies::Percentile(double percent) const {
  if (sorted.empty()) return absl::InfiniteDuration();
  const auto rank = static_cast<size_t>(std::ceil(percent / 100 * static_cast<double>(sorted.size())));
  return sorted[std::clamp<size_t>(rank, 1, sorted.size()) - 1];
}

Neighbour::Neighbour(const std::string& address) : api_(address) { Publish(absl::Milliseconds(100)); }

Latencies Neighbour::Publish(absl::Duration time) {
  v1::PublishRequest request;
  *request.mutable_message() = integration::MakeMessage("Q", "E", std::string(kPayloadBytes, 'x'));
  Latencies latencies;
  absl::Time due = absl::Now();
  for (const absl::Time end = due + time; due < end; due += kStep) {
    absl::SleepFor(due - absl::Now());
    v1::PublishResponse response;
    const grpc::Status status = api_.Call(&v1::MessageQueue::Stub::Publish, request, &response);
    latencies.sorted.push_back(absl::Now() - due);
    if (!status.ok()) latencies.failures.push_back(integration::Summary(status));
  }
  std::sort(latencies.sorted.begin(), latencies.sorted.end());
  return latencies;
}

}  // namespace nmq::http2
