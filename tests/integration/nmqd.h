// The real server, in a process of its own.
#ifndef NMQ_TESTS_INTEGRATION_NMQD_H_
#define NMQ_TESTS_INTEGRATION_NMQD_H_

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/process.h"

namespace nmq::integration {

inline constexpr char kNmqdPath[] = "server/nmqd";

// A file in the test's own folder.
std::string WriteFile(const std::string& name, const std::string& content);

// One line and no more.
testing::AssertionResult IsOneLine(const std::string& text);

// One run of nmqd that is to end by itself: its exit code, -1 if it does not end, and what it says.
struct Outcome {
  explicit Outcome(const std::vector<std::string>& flags, const std::vector<std::string>& environment = {});
  int exit_code;
  std::string output;
  std::string errors;
};

// nmqd on a free port, unless `flags` have another --listen, ready to serve. Fails the test if it does not come up.
class Nmqd {
 public:
  // `flags` come besides --listen.
  explicit Nmqd(std::vector<std::string> flags = {}, const std::vector<std::string>& environment = {});
  // With a configuration.
  static std::vector<std::string> WithConfig(const std::string& textproto);

  Process& process() { return process_; }
  // HOST:PORT.
  const std::string& address() const { return address_; }
  int port() const;

 private:
  Process process_;
  std::string address_;
};

}  // namespace nmq::integration

#endif  // NMQ_TESTS_INTEGRATION_NMQD_H_
