#include "tests/integration/nmqd.h"

#include <cstdlib>
#include <fstream>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace nmq::integration {
namespace {

constexpr absl::Duration kStartTime = absl::Seconds(30);
constexpr char kReady[] = "nmqd ready grpc=";

std::vector<std::string> WithListen(std::vector<std::string> flags) {
  flags.insert(flags.begin(), "--listen=127.0.0.1:0");
  return flags;
}

}  // namespace

std::string WriteFile(const std::string& name, const std::string& content) {
  const std::string path = absl::StrCat(testing::TempDir(), "/", name);
  std::ofstream(path) << content;
  return path;
}

testing::AssertionResult IsOneLine(const std::string& text) {
  if (!text.empty() && text.find('\n') == text.size() - 1) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "not one line: " << text;
}

Outcome::Outcome(const std::vector<std::string>& flags, const std::vector<std::string>& environment) {
  Process process(kNmqdPath, flags, environment);
  while (const auto line = process.ReadLine(kStartTime)) absl::StrAppend(&output, *line, "\n");
  exit_code = process.WaitForExit(kStartTime).value_or(-1);
  errors = process.errors();
}

Nmqd::Nmqd(std::vector<std::string> flags, const std::vector<std::string>& environment)
    : process_(kNmqdPath, WithListen(std::move(flags)), environment) {
  const std::optional<std::string> line = process_.ReadLine(kStartTime);
  if (!line.has_value() || !absl::StartsWith(line->c_str(), kReady)) {
    ADD_FAILURE() << "nmqd is not ready: " << line.value_or("nothing") << "; " << process_.errors();
    return;
  }
  address_ = line->substr(sizeof(kReady) - 1);
  address_ = address_.substr(0, address_.find(' '));
}

std::vector<std::string> Nmqd::WithConfig(const std::string& textproto) {
  return {absl::StrCat("--config=", WriteFile("nmqd.textproto", textproto))};
}

int Nmqd::port() const {
  int port = 0;
  EXPECT_TRUE(absl::SimpleAtoi(address_.substr(address_.rfind(':') + 1), &port));
  return port;
}

}  // namespace nmq::integration
