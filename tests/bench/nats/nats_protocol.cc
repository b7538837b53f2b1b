#include "tests/bench/nats/nats_protocol.h"

#include <charconv>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace nmq::bench {
namespace {

constexpr absl::string_view kMessage = "MSG ";
constexpr absl::string_view kLineEnd = "\r\n";
// More than any server sends by default: lines have up to 4 KiB, INFO some more, payloads up to 1 MiB.
constexpr size_t kLongestLine = 1 << 16;
constexpr size_t kLargestPayload = 1 << 26;

absl::Status NoProtocol(absl::string_view line) {
  return absl::DataLossError(absl::StrCat("no NATS protocol: ", line.substr(0, 100)));
}

bool ParseNumber(absl::string_view text, uint64_t* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

// The line of a message after kMessage: subject, subscription, perhaps where to reply, size.
bool ParseMessageLine(absl::string_view line, uint64_t* subscription, uint64_t* size) {
  const size_t subject_end = line.find(' ');
  if (subject_end == absl::string_view::npos) return false;
  const size_t last = line.rfind(' ');
  if (last == subject_end) return false;
  const absl::string_view after = line.substr(subject_end + 1);
  return ParseNumber(after.substr(0, after.find(' ')), subscription) && ParseNumber(line.substr(last + 1), size);
}

}  // namespace

std::string NatsGreeting(const std::vector<std::string>& subjects) {
  std::string words = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";
  for (size_t i = 0; i < subjects.size(); ++i) absl::StrAppend(&words, "SUB ", subjects[i], " ", i, "\r\n");
  return words + "PING\r\n";
}

absl::Status NatsReader::Feed(absl::string_view bytes) {
  if (rest_.empty()) {
    absl::Status status = Take(&bytes);
    rest_.assign(bytes.data(), bytes.size());
    return status;
  }
  rest_.append(bytes.data(), bytes.size());
  absl::string_view all = rest_;
  absl::Status status = Take(&all);
  rest_.erase(0, rest_.size() - all.size());
  return status;
}

absl::Status NatsReader::Take(absl::string_view* bytes) {
  while (true) {
    const size_t line_end = bytes->find('\n');
    if (line_end == absl::string_view::npos) {
      return bytes->size() <= kLongestLine ? absl::OkStatus() : NoProtocol(*bytes);
    }
    if (line_end == 0 || (*bytes)[line_end - 1] != '\r') return NoProtocol(*bytes);
    const absl::string_view line = bytes->substr(0, line_end - 1);
    size_t taken = line_end + 1;
    if (absl::StartsWith(line, kMessage)) {
      uint64_t subscription, size;
      if (!ParseMessageLine(line.substr(kMessage.size()), &subscription, &size) || size > kLargestPayload) {
        return NoProtocol(line);
      }
      if (bytes->size() < taken + size + kLineEnd.size()) return absl::OkStatus();
      handler_->OnMessage(subscription, bytes->substr(taken, size));
      taken += size + kLineEnd.size();
    } else if (absl::Status status = OnLine(line); !status.ok()) {
      return status;
    }
    bytes->remove_prefix(taken);
  }
}

absl::Status NatsReader::OnLine(absl::string_view line) {
  if (line == "PING") return handler_->OnPing();
  if (line == "PONG") {
    handler_->OnPong();
    return absl::OkStatus();
  }
  if (absl::StartsWith(line, "-ERR")) return absl::UnavailableError(absl::StrCat("the server says ", line));
  if (line == "+OK" || absl::StartsWith(line, "INFO ")) return absl::OkStatus();
  return NoProtocol(line);
}

}  // namespace nmq::bench
