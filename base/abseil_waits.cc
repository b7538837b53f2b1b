#include "base/abseil_waits.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "absl/base/config.h"
#include "absl/synchronization/internal/create_thread_identity.h"
#include "absl/synchronization/internal/per_thread_sem.h"
#include "absl/synchronization/internal/waiter.h"
#include "base/deadline.h"

static_assert(ABSL_LTS_RELEASE_VERSION == 20220623,
              "look whether this Abseil still waits until a time of day, and whether its semaphores are still the "
              "words that are waited for here");
#if ABSL_WAITER_MODE != ABSL_WAITER_MODE_FUTEX
#error "Abseil's semaphores are no futexes here"
#endif

namespace nmq {
namespace {

using ThreadIdentity = absl::base_internal::ThreadIdentity;
using KernelTimeout = absl::synchronization_internal::KernelTimeout;
using Waiter = absl::synchronization_internal::Waiter;

// The kernel refuses times far beyond those that a machine is up.
constexpr absl::Duration kSleepMax = absl::Hours(24);

// Of this thread's timed wait, if it is one of WaitFor.
thread_local const Deadline* deadline_of_wait = nullptr;

// The count of the thread's semaphore, which Abseil increments before it wakes the thread.
std::atomic<uint32_t>& CountOf(ThreadIdentity* identity) {
  static_assert(sizeof(Waiter) == sizeof(std::atomic<uint32_t>), "Abseil's semaphore is more than a count");
  return *reinterpret_cast<std::atomic<uint32_t>*>(Waiter::GetWaiter(identity));
}

bool Take(std::atomic<uint32_t>* count) {
  uint32_t value = count->load(std::memory_order_relaxed);
  while (value != 0) {
    if (count->compare_exchange_weak(value, value - 1, std::memory_order_acquire, std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

// Sleeps while the count is zero. It may also return earlier.
void Sleep(const std::atomic<uint32_t>& count, absl::Duration time) {
  // FUTEX_WAIT takes a duration, by the monotonic clock; FUTEX_WAIT_BITSET, which Abseil uses, a time of day.
  const timespec bound = absl::ToTimespec(std::min(time, kSleepMax));
  syscall(SYS_futex, &count, FUTEX_WAIT_PRIVATE, 0, time == absl::InfiniteDuration() ? nullptr : &bound, nullptr, 0);
}

// As Abseil and gRPC read it when they make a time of day of a timeout. Not absl::Now(), which looks at the clock every
// two seconds only.
absl::Time TimeOfDay() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return absl::TimeFromTimespec(now);
}

Deadline DeadlineOf(KernelTimeout timeout) {
  if (!timeout.has_timeout()) return Deadline::Never();
  if (deadline_of_wait != nullptr) return *deadline_of_wait;
  // Now or never: later the time of day may be another one.
  return Deadline::In(absl::TimeFromTimespec(timeout.MakeAbsTimespec()) - TimeOfDay());
}

// False if the time ran out.
bool WaitForPost(ThreadIdentity* identity, KernelTimeout timeout) {
  const Deadline deadline = DeadlineOf(timeout);
  std::atomic<uint32_t>& count = CountOf(identity);
  while (!Take(&count)) {
    const absl::Duration left = deadline.Left();
    if (left == absl::ZeroDuration()) return false;
    Sleep(count, left);
  }
  return true;
}

}  // namespace

bool WaitFor(absl::CondVar* cv, absl::Mutex* mu, absl::Duration timeout) {
  const Deadline deadline = Deadline::In(timeout);
  deadline_of_wait = &deadline;
  const bool late = cv->WaitWithTimeout(mu, timeout);
  deadline_of_wait = nullptr;
  return late;
}

}  // namespace nmq

// Abseil calls this for all of its waits; its own definition is a weak one, so that it can be replaced.
extern "C" bool ABSL_INTERNAL_C_SYMBOL(AbslInternalPerThreadSemWait)(
    absl::synchronization_internal::KernelTimeout timeout) {
  auto* const identity = absl::synchronization_internal::GetOrCreateCurrentThreadIdentity();
  std::atomic<int>* const blocked = identity->blocked_count_ptr;
  if (blocked != nullptr) blocked->fetch_add(1, std::memory_order_relaxed);
  const bool in_time = nmq::WaitForPost(identity, timeout);
  if (blocked != nullptr) blocked->fetch_sub(1, std::memory_order_relaxed);
  return in_time;
}
