#include "server/rpc/loops.h"

#include <utility>

#include "absl/time/clock.h"
#include "server/rpc/drain_plan.h"

namespace nmq::rpc {
namespace {

constexpr absl::Duration kWaitStep = absl::Milliseconds(5);

}  // namespace

Loops::Loops(broker::Broker* broker)
    : broker_(broker),
      incoming_(ShareMemory(broker->limits().memory_bytes).incoming),
      outgoing_(ShareMemory(broker->limits().memory_bytes).outgoing) {}

size_t Loops::streams() const {
  size_t count = 0;
  for (const auto& loop : loops_) count += loop->stream_count();
  return count;
}

void Loops::Drain(absl::Duration grace) {
  broker_->StartDrain();
  const DrainPlan plan(broker_->clock().Monotonic(), grace, streams());
  for (const auto& loop : loops_) {
    loop->Post([raw = loop.get(), plan] {
      for (Stream* stream : raw->streams()) stream->Drain(plan);
    });
  }
}

void Loops::CheckAccess() {
  for (const auto& loop : loops_) {
    loop->Post([raw = loop.get()] {
      for (Stream* stream : raw->streams()) stream->CheckAccess();
    });
  }
}

void Loops::EndStreams() {
  for (const auto& loop : loops_) {
    loop->Post([raw = loop.get(), this] {
      for (Stream* stream : raw->streams()) stream->End(broker_->CheckNotDraining());
    });
  }
}

void Loops::WaitForStreams(absl::Duration time) const {
  const absl::Duration end = broker_->clock().Monotonic() + time;
  while (streams() > 0 && broker_->clock().Monotonic() < end) absl::SleepFor(kWaitStep);
}

void Loops::RelieveMemory(MemoryUse use) {
  const bool wanted = incoming_.anyone_waits();
  const bool critical = use == MemoryUse::kCritical;
  const bool changed = std::exchange(critical_, critical) != critical;
  if (!wanted && !changed && use == MemoryUse::kFine) return;
  for (const auto& loop : loops_) {
    loop->Post([raw = loop.get(), wanted, use, critical] {
      if (wanted) raw->intake().Lapse();
      raw->intake().SetCritical(critical);
      if (use == MemoryUse::kFine) return;
      raw->intake().RefuseSome(/*any=*/critical);
      if (!critical) return;
      for (Stream* stream : raw->streams()) stream->OnMemoryCritical();
    });
  }
}

void Loops::Shutdown() {
  for (const auto& loop : loops_) loop->Shutdown();
}

void Loops::Join() {
  for (const auto& loop : loops_) loop->Join();
}

}  // namespace nmq::rpc
