#ifndef NMQ_TESTS_INTEGRATION_HTTP2_RULES_H_
#define NMQ_TESTS_INTEGRATION_HTTP2_RULES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace nmq::http2 {

// What the server does about it.
struct Reaction {
  enum class Kind {
    kGoAway,   // ends the connection with this error
    kReset,    // ends the stream with this error, and the connection goes on
    kPassed,   // passes over it: stream and connection go on
    kAnswers,  // answers stream 1 with this status of HTTP
  };
  Kind kind;
  uint32_t code = 0;
  int32_t stream = 1;
};

// A rule of RFC 9113 or 7541, and what breaks or tries it.
struct Rule {
  std::string section;
  std::string what;
  std::string bytes;  // after preface and settings
  Reaction reaction;
  // Where nghttp2 is stricter or laxer than the RFC: what that says.
  std::string rfc = {};
  bool greets = true;  // or `bytes` are the first
};

std::vector<Rule> RulesOfFrames();
std::vector<Rule> RulesOfMessages();
std::vector<Rule> RulesOfHpack();

}  // namespace nmq::http2

#endif  // NMQ_TESTS_INTEGRATION_HTTP2_RULES_H_
