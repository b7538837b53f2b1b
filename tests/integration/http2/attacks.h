#ifndef NMQ_TESTS_INTEGRATION_HTTP2_ATTACKS_H_
#define NMQ_TESTS_INTEGRATION_HTTP2_ATTACKS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/integration/http2/attacker.h"

namespace nmq::http2 {

struct Attack {
  std::string name;
  std::function<void(Attacker*)> run;
  // How connections may be ended, or requests answered, as Attacker::Note has it.
  std::vector<std::string> ends;
  // So much later the server has done one of these; infinite if it need not.
  absl::Duration due = absl::ZeroDuration();
  // Rather than the usual time, when there is time.
  absl::Duration long_time = absl::ZeroDuration();
  // Speaks TCP to a port that expects TLS.
  bool below_tls = false;
};

std::vector<Attack> Floods();
std::vector<Attack> AttacksByMessages();
std::vector<Attack> AttacksByPeers();

}  // namespace nmq::http2

#endif  // NMQ_TESTS_INTEGRATION_HTTP2_ATTACKS_H_
