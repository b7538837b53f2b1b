#include "tests/bench/harness/server_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace nmq::bench {
namespace {

constexpr absl::Duration kStopPatience = absl::Seconds(20);

absl::Status SystemError(absl::string_view what) {
  return absl::InternalError(absl::StrCat(what, ": ", strerror(errno)));
}

// The server's address if its output says that it is ready, else empty.
std::string FindAddress(absl::string_view output, const ServerCommand& command) {
  const size_t at = output.find(command.ready);
  if (at == absl::string_view::npos) return "";
  if (!command.address.empty()) return command.address;
  output.remove_prefix(at + command.ready.size());
  const size_t end = output.find_first_of(" \n");
  return end == absl::string_view::npos ? "" : std::string(output.substr(0, end));
}

[[noreturn]] void BecomeServer(int output, int log, bool output_is_stderr, char* const* words) {
  // The server does not outlive the benchmark, however that ends.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  dup2(output_is_stderr ? log : output, STDOUT_FILENO);
  dup2(output_is_stderr ? output : log, STDERR_FILENO);
  execvp(words[0], words);
  _exit(127);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ServerProcess>> ServerProcess::Start(const ServerCommand& command) {
  std::vector<std::string> words = command.words;
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);

  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return SystemError("pipe");
  const int log = open(command.log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  const pid_t pid = log < 0 ? -1 : fork();
  if (pid == 0) BecomeServer(ends[1], log, command.ready_on_stderr, pointers.data());
  close(ends[1]);
  close(log);
  if (pid < 0) {
    close(ends[0]);
    return SystemError(log < 0 ? command.log : "fork");
  }
  auto server = std::unique_ptr<ServerProcess>(new ServerProcess(pid, ends[0], command.exit_statuses));
  if (const absl::Status status = server->AwaitReady(command); !status.ok()) {
    return absl::Status(status.code(), absl::StrCat(command.words[0], ": ", status.message()));
  }
  return server;
}

ServerProcess::~ServerProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(output_);
}

absl::Status ServerProcess::AwaitReady(const ServerCommand& command) {
  const absl::Time deadline = absl::Now() + command.start_patience;
  std::string output;
  while (true) {
    pollfd wait = {output_, POLLIN, 0};
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    if (left <= 0 || poll(&wait, 1, static_cast<int>(left)) == 0) {
      return absl::DeadlineExceededError(absl::StrCat("the server never said: ", command.ready));
    }
    char buffer[1024];
    const ssize_t size = read(output_, buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return absl::UnavailableError("the server ended before it was ready");
    output.append(buffer, static_cast<size_t>(size));
    address_ = FindAddress(output, command);
    if (!address_.empty()) return absl::OkStatus();
  }
}

absl::Status ServerProcess::Stop() {
  kill(pid_, SIGTERM);
  const absl::Time deadline = absl::Now() + kStopPatience;
  int result = 0;
  while (waitpid(pid_, &result, WNOHANG) == 0) {
    if (absl::Now() > deadline) return absl::DeadlineExceededError("the server does not end on SIGTERM");
    absl::SleepFor(absl::Milliseconds(5));
  }
  pid_ = 0;
  if (!WIFEXITED(result) || !absl::c_linear_search(exit_statuses_, WEXITSTATUS(result))) {
    return absl::InternalError(absl::StrCat("the server ended with wait status ", result));
  }
  return absl::OkStatus();
}

}  // namespace nmq::bench
