#include "client/examples/program.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/deadline.h"

ABSL_FLAG(std::string, server, "127.0.0.1:50051", "HOST:PORT of nmqd; also NMQ_SERVER");
ABSL_FLAG(std::string, namespace, "default", "the namespace to enter; also NMQ_NAMESPACE");

namespace nmq {
namespace examples {
namespace {

std::string& ProgramName() {
  static auto* const name = new std::string("example");
  return *name;
}

sigset_t EndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

Stop::Stop() {
  const sigset_t signals = EndSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signals_ = signalfd(-1, &signals, SFD_CLOEXEC);
}

Stop::~Stop() { close(signals_); }

// The signal is blocked: it waits to be read.
void Stop::Request() { kill(getpid(), SIGTERM); }

bool Stop::Wait(absl::Duration timeout) {
  const Deadline deadline = Deadline::In(timeout);
  while (!stopped_) {
    const absl::Duration rest = std::min(deadline.Left(), absl::Hours(1));
    pollfd wait = {.fd = signals_, .events = POLLIN, .revents = 0};
    const auto milliseconds = static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(rest, absl::Milliseconds(1))));
    if (poll(&wait, 1, milliseconds) > 0) stopped_ = true;
    if (deadline.IsOver()) break;
  }
  return stopped_;
}

void ParseFlags(int argc, char** argv, absl::string_view usage) {
  // What gRPC logs is for programmers, who may still ask for it.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  const std::string path = argv[0];
  ProgramName() = path.substr(path.rfind('/') + 1);
  absl::SetProgramUsageMessage(usage);
  absl::FlagsUsageConfig config;
  config.contains_help_flags = [](absl::string_view file) { return absl::StrContains(file, "client/examples/"); };
  absl::SetFlagsUsageConfig(config);
  if (const char* server = getenv("NMQ_SERVER")) absl::SetFlag(&FLAGS_server, server);
  if (const char* name = getenv("NMQ_NAMESPACE")) absl::SetFlag(&FLAGS_namespace, name);
  const std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  if (rest.size() > 1) exit(FailUsage(absl::StrCat("does not understand '", rest[1], "'; see --help")));
}

ClientOptions ConnectionFlags() {
  ClientOptions options;
  options.server = absl::GetFlag(FLAGS_server);
  options.namespace_name = absl::GetFlag(FLAGS_namespace);
  options.name = ProgramName();
  // A local server that comes back should be seen at once.
  options.backoff.max = absl::Seconds(1);
  return options;
}

int Fail(const absl::Status& why) {
  if (absl::IsUnavailable(why)) {
    Note(absl::StrCat("cannot reach nmqd at ", absl::GetFlag(FLAGS_server), ": ", why.message()));
  } else {
    Note(why.message());
  }
  return kFailed;
}

int FailUsage(absl::string_view why) {
  Note(why);
  return kUsage;
}

void Note(absl::string_view text) {
  // In one write, so that lines of several threads do not mix.
  std::cerr << absl::StrCat(ProgramName(), ": ", text, "\n") << std::flush;
}

std::function<void(SubscriptionState, const absl::Status&)> NoteState(Stop* stop) {
  return [stop, was_connected = false](SubscriptionState state, const absl::Status& why) mutable {
    switch (state) {
      case SubscriptionState::kConnected:
        if (std::exchange(was_connected, true)) Note("connected again");
        break;
      case SubscriptionState::kReconnecting:
        Note(absl::StrCat("connection lost, trying again: ", why.message()));
        break;
      case SubscriptionState::kEnded:
        stop->Request();
        break;
    }
  };
}

absl::StatusOr<std::vector<EventPattern>> ParsePatterns(const std::vector<std::string>& patterns) {
  std::vector<EventPattern> parsed;
  for (const std::string& pattern : patterns) {
    const size_t slash = pattern.find('/');
    if (slash == std::string::npos || slash == 0 || slash + 1 == pattern.size()) {
      return absl::InvalidArgumentError(absl::StrCat("'", pattern, "' is not QUEUE/EVENT, such as DB/** or DB/CREATE"));
    }
    parsed.push_back({pattern.substr(0, slash), pattern.substr(slash + 1)});
  }
  if (parsed.empty()) return absl::InvalidArgumentError("no QUEUE/EVENT to listen to");
  return parsed;
}

}  // namespace examples
}  // namespace nmq
