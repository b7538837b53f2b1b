// A library for LD_PRELOAD under which a process has a time of day that a test can set (see stepped_clock.h): what it
// reads is the machine's plus what stands in the file NMQ_TEST_CLOCK, and what waits until a time of day looks at that,
// as the kernel would do it if the machine's clock were set. The monotonic clock stays what it is.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace {

constexpr int64_t kNanos = 1'000'000'000;
// How long it takes a wait to find that the clock was set.
constexpr int64_t kLookNanos = 20'000'000;

template <typename Function>
Function* Real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

const std::atomic<int64_t>* MapOffset() {
  static const std::atomic<int64_t> none{0};
  const char* const path = getenv("NMQ_TEST_CLOCK");
  const int file = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return &none;
  void* const memory = mmap(nullptr, sizeof(none), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  return memory == MAP_FAILED ? &none : static_cast<const std::atomic<int64_t>*>(memory);
}

int64_t Offset() {
  static const std::atomic<int64_t>* const offset = MapOffset();
  return offset->load();
}

int64_t ToNanos(const timespec& time) { return time.tv_sec * kNanos + time.tv_nsec; }
timespec FromNanos(int64_t nanos) { return {nanos / kNanos, nanos % kNanos}; }

int64_t MachineNow() {
  static auto* const real = Real<int(clockid_t, timespec*)>("clock_gettime");
  timespec now;
  real(CLOCK_REALTIME, &now);
  return ToNanos(now);
}
int64_t Now() { return MachineNow() + Offset(); }

// Up to when to wait before looking at the clock again, as the machine has it; the end, if that is sooner.
timespec NextLook(const timespec& end) {
  const int64_t left = ToNanos(end) - Now();
  return FromNanos(MachineNow() + (left < kLookNanos ? left : kLookNanos));
}
bool IsOver(const timespec& end) { return Now() >= ToNanos(end); }

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static auto* const real = Real<int(clockid_t, timespec*)>("clock_gettime");
  const int result = real(clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    *time = FromNanos(ToNanos(*time) + Offset());
  }
  return result;
}

int gettimeofday(timeval* time, void*) noexcept {
  const timespec now = FromNanos(Now());
  *time = {now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

time_t time(time_t* result) noexcept {
  const time_t now = Now() / kNanos;
  if (result != nullptr) *result = now;
  return now;
}

// With which Abseil and others call futex().
long syscall(long number, ...) noexcept {
  static auto* const real = Real<long(long, ...)>("syscall");
  va_list list;
  va_start(list, number);
  long a[6];
  for (long& argument : a) argument = va_arg(list, long);
  va_end(list);
  const auto* const end = reinterpret_cast<const timespec*>(a[3]);
  const bool waits_by_date = number == SYS_futex && (a[1] & FUTEX_CLOCK_REALTIME) != 0 &&
                             (a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET && end != nullptr;
  if (!waits_by_date) return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  while (!IsOver(*end)) {
    const timespec look = NextLook(*end);
    const long result = real(number, a[0], a[1], a[2], &look, a[4], a[5]);
    if (result == 0 || errno != ETIMEDOUT) return result;
  }
  errno = ETIMEDOUT;
  return -1;
}

// Whoever waits looks at what he waits for when he is woken for no reason.
int pthread_cond_timedwait(pthread_cond_t* cond, pthread_mutex_t* mutex, const timespec* end) {
  static auto* const real = Real<int(pthread_cond_t*, pthread_mutex_t*, const timespec*)>("pthread_cond_timedwait");
  // One of the monotonic clock, which begins when the machine does.
  if (end->tv_sec < 1'000'000'000) return real(cond, mutex, end);
  const timespec look = NextLook(*end);
  const int result = real(cond, mutex, &look);
  return result == ETIMEDOUT && !IsOver(*end) ? 0 : result;
}

int pthread_cond_clockwait(pthread_cond_t* cond, pthread_mutex_t* mutex, clockid_t clock, const timespec* end) {
  static auto* const real =
      Real<int(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*)>("pthread_cond_clockwait");
  if (clock != CLOCK_REALTIME) return real(cond, mutex, clock, end);
  const timespec look = NextLook(*end);
  const int result = real(cond, mutex, clock, &look);
  return result == ETIMEDOUT && !IsOver(*end) ? 0 : result;
}

int sem_timedwait(sem_t* semaphore, const timespec* end) {
  static auto* const real = Real<int(sem_t*, const timespec*)>("sem_timedwait");
  while (!IsOver(*end)) {
    const timespec look = NextLook(*end);
    const int result = real(semaphore, &look);
    if (result == 0 || errno != ETIMEDOUT) return result;
  }
  errno = ETIMEDOUT;
  return -1;
}

}  // extern "C"
