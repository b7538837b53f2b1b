#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

#include <cstdio>
#include <cstdlib>

#include "absl/container/inlined_vector.h"

namespace nmq {
namespace {

class KernelRandom final : public Random {
 public:
  void Fill(absl::Span<uint8_t> bytes) override {
    while (!bytes.empty()) {
      const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
      if (got > 0) {
        bytes.remove_prefix(static_cast<size_t>(got));
      } else if (errno != EINTR) {
        // Going on without would make guessable secrets.
        std::perror("getrandom");
        std::abort();
      }
    }
  }
};

}  // namespace

Random& SystemRandom() {
  static KernelRandom* const random = new KernelRandom;
  return *random;
}

double RandomFraction(Random& random) {
  uint8_t bytes[4];
  random.Fill(absl::MakeSpan(bytes));
  double fraction = 0;
  for (const uint8_t byte : bytes) fraction = (fraction + byte) / 256;
  return fraction;
}

std::string RandomName(Random& random, size_t bytes) {
  static constexpr char kDigits[] = "abcdefghijklmnopqrstuvwxyz234567";
  absl::InlinedVector<uint8_t, 32> raw(bytes);
  random.Fill(absl::MakeSpan(raw));
  std::string name;
  name.reserve((bytes * 8 + 4) / 5);
  uint32_t pending = 0;
  int pending_bits = 0;
  for (const uint8_t byte : raw) {
    pending = (pending << 8) | byte;
    pending_bits += 8;
    for (; pending_bits >= 5; pending_bits -= 5) name.push_back(kDigits[(pending >> (pending_bits - 5)) & 31]);
  }
  if (pending_bits > 0) name.push_back(kDigits[(pending << (5 - pending_bits)) & 31]);
  return name;
}

}  // namespace nmq
