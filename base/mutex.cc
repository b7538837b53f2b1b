#include "base/mutex.h"

#include "base/abseil_waits.h"

namespace nmq {

#ifndef NMQ_THREAD_SANITIZER

bool CondVar::WaitWithTimeout(Mutex* mu, absl::Duration timeout) { return WaitFor(&cv_, mu, timeout); }

#endif

}  // namespace nmq
