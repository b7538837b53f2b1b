#include "tests/bench/harness/machine.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace nmq::bench {
namespace {

std::string CpuModel() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!absl::StartsWith(line, "model name")) continue;
    const size_t colon = line.find(':');
    if (colon != std::string::npos) return std::string(absl::StripAsciiWhitespace(line.substr(colon + 1)));
  }
  return "unknown processor";
}

}  // namespace

std::string DescribeMachine() {
  const double memory = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  utsname kernel = {};
  uname(&kernel);
  double load[1] = {};
  getloadavg(load, 1);
  return absl::StrFormat("%s, %d cores, %.1f GiB, %s %s, load %.1f before", CpuModel(), sysconf(_SC_NPROCESSORS_ONLN),
                         memory / (1024.0 * 1024 * 1024), kernel.sysname, kernel.release, load[0]);
}

std::string DescribeBuild() {
#if defined(NDEBUG) && defined(__OPTIMIZE__)
  return "optimized";
#elif defined(__OPTIMIZE__)
  return "optimized, with assertions";
#else
  return "not optimized: figures mean nothing";
#endif
}

}  // namespace nmq::bench
