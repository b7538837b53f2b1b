#include "tests/bench/harness/file_limit.h"

#include <sys/resource.h>

namespace nmq::bench {

uint64_t RaiseFileLimit() {
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return 0;
  const rlim_t before = files.rlim_cur;
  files.rlim_cur = files.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_max : before;
}

}  // namespace nmq::bench
