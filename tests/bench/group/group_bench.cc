// What a group's bookkeeping costs for each message, in one thread.
#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "server/group/group_state.h"

namespace nmq::broker {
namespace {

constexpr int64_t kBytes = 128;
constexpr uint64_t kMuch = 1 << 30;
// Messages between two turns of the owner, each of which ends with TakeChanges.
constexpr uint64_t kTurn = 100;

void AddMembers(GroupState* group, int64_t members, uint64_t credit) {
  for (int64_t i = 0; i < members; ++i) group->AddMember(static_cast<uint64_t>(i) + 1, credit, kMuch);
}

void Done(GroupState* group, uint64_t sequence) { group->Done(sequence, group->DeliveryOf(sequence)); }

// Offers messages and acknowledges them in order. Arguments: members, messages that are pending.
void BM_InOrder(benchmark::State& state) {
  GroupState group(GroupPolicy{}, GroupState::Saved{});
  AddMembers(&group, state.range(0), kMuch);
  const auto window = static_cast<uint64_t>(state.range(1));
  uint64_t offered = 0;
  uint64_t done = 0;
  uint64_t written = 0;
  bool taken = false;
  for (auto _ : state) {
    group.Offer(kBytes, "", static_cast<int64_t>(offered), &taken);
    if (++offered > window) Done(&group, ++done);
    if (offered % kTurn == 0) written += group.TakeChanges().put.size();
  }
  state.SetItemsProcessed(static_cast<int64_t>(offered));
  state.counters["written"] = benchmark::Counter(static_cast<double>(written) / static_cast<double>(offered));
}
BENCHMARK(BM_InOrder)->ArgsProduct({{1, 5, 1000}, {1, 1000, 10000}});

// The same, acknowledged in random order.
void BM_RandomOrder(benchmark::State& state) {
  GroupState group(GroupPolicy{}, GroupState::Saved{});
  AddMembers(&group, state.range(0), kMuch);
  const auto window = static_cast<size_t>(state.range(1));
  std::vector<uint64_t> pending;
  std::minstd_rand random(1);
  uint64_t offered = 0;
  uint64_t written = 0;
  bool taken = false;
  for (auto _ : state) {
    pending.push_back(group.Offer(kBytes, "", static_cast<int64_t>(offered), &taken)->sequence);
    if (++offered > window) {
      std::swap(pending[random() % pending.size()], pending.back());
      Done(&group, pending.back());
      pending.pop_back();
    }
    if (offered % kTurn == 0) written += group.TakeChanges().put.size();
  }
  state.SetItemsProcessed(static_cast<int64_t>(offered));
  state.counters["written"] = benchmark::Counter(static_cast<double>(written) / static_cast<double>(offered));
}
BENCHMARK(BM_RandomOrder)->ArgsProduct({{5, 1000}, {1000, 10000}});

// In order and by key, of 10,000 keys.
void BM_ByKey(benchmark::State& state) {
  GroupPolicy policy;
  policy.by_key = true;
  GroupState group(policy, GroupState::Saved());
  AddMembers(&group, state.range(0), kMuch);
  std::vector<std::string> keys;
  for (int i = 0; i < 10000; ++i) keys.push_back("customer." + std::to_string(i));
  uint64_t offered = 0;
  uint64_t done = 0;
  bool taken = false;
  for (auto _ : state) {
    group.Offer(kBytes, keys[offered % keys.size()], static_cast<int64_t>(offered), &taken);
    if (++offered > 1000) Done(&group, ++done);
    if (offered % kTurn == 0) benchmark::DoNotOptimize(group.TakeChanges());
  }
  state.SetItemsProcessed(static_cast<int64_t>(offered));
}
BENCHMARK(BM_ByKey)->Arg(5)->Arg(1000);

// Every message is refused once and delivered again.
void BM_Retry(benchmark::State& state) {
  GroupState group(GroupPolicy{}, GroupState::Saved{});
  AddMembers(&group, state.range(0), kMuch);
  uint64_t offered = 0;
  bool taken = false;
  for (auto _ : state) {
    const auto now = static_cast<int64_t>(++offered);
    const uint64_t sequence = group.Offer(kBytes, "", now, &taken)->sequence;
    group.Retry(sequence, group.DeliveryOf(sequence), 0, now);
    group.Deliver(now, 1);
    Done(&group, sequence);
    if (offered % kTurn == 0) benchmark::DoNotOptimize(group.TakeChanges());
  }
  state.SetItemsProcessed(static_cast<int64_t>(offered));
}
BENCHMARK(BM_Retry)->Arg(5);

}  // namespace
}  // namespace nmq::broker
