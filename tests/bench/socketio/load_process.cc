#include "tests/bench/socketio/load_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace nmq::bench {
namespace {

constexpr size_t kMaxLine = 16 << 20;

absl::Status SystemError(absl::string_view what) {
  return absl::InternalError(absl::StrCat(what, ": ", strerror(errno)));
}

[[noreturn]] void BecomeChild(pid_t parent, int input, int output, int log, char* const* words) {
  // The child does not outlive the benchmark, however that ends.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execvp(words[0], words);
  _exit(127);
}

// Waits until something can be read or written, or the child has gone. False if that takes too long.
bool Await(int file, short event, absl::Time deadline) {
  pollfd wait = {file, event, 0};
  while (true) {
    const int64_t left = absl::ToInt64Milliseconds(absl::Ceil(deadline - absl::Now(), absl::Milliseconds(1)));
    if (left <= 0) return false;
    const int ready = poll(&wait, 1, static_cast<int>(std::min<int64_t>(left, 1 << 30)));
    if (ready > 0 || (ready < 0 && errno != EINTR)) return true;
  }
}

}  // namespace

absl::StatusOr<std::shared_ptr<LoadProcess>> LoadProcess::Start(const std::vector<std::string>& words,
                                                                const std::string& log) {
  std::vector<std::string> copies = words;
  std::vector<char*> pointers;
  for (std::string& word : copies) pointers.push_back(word.data());
  pointers.push_back(nullptr);

  // A pair of sockets, as writing to a pipe that nobody reads would be a signal.
  int input[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, input) != 0) return SystemError("socketpair");
  int output[2];
  if (pipe2(output, O_CLOEXEC) != 0) {
    const absl::Status error = SystemError("pipe");
    close(input[0]);
    close(input[1]);
    return error;
  }
  const int file = open(log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  const pid_t parent = getpid();
  const pid_t pid = file < 0 ? -1 : fork();
  if (pid == 0) BecomeChild(parent, input[1], output[1], file, pointers.data());
  const absl::Status error = pid < 0 ? SystemError(file < 0 ? log : "fork") : absl::OkStatus();
  close(input[1]);
  close(output[1]);
  if (file >= 0) close(file);
  if (error.ok()) return std::shared_ptr<LoadProcess>(new LoadProcess(pid, input[0], output[0]));
  close(input[0]);
  close(output[0]);
  return error;
}

LoadProcess::~LoadProcess() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  close(input_);
  close(output_);
}

absl::StatusOr<JsonObject> LoadProcess::Call(JsonObject request, absl::Duration patience) {
  const absl::Time deadline = absl::Now() + patience;
  absl::MutexLock lock(&mutex_);
  if (!broken_.ok()) return broken_;
  const int64_t id = ++last_id_;
  At(request, "id").set_number_value(static_cast<double>(id));
  const absl::StatusOr<std::string> line = WriteJson(request);
  if (!line.ok()) return line.status();
  if (const absl::Status status = Send(absl::StrCat(*line, "\n"), deadline); !status.ok()) return status;
  while (true) {
    absl::StatusOr<JsonObject> answer = Receive(deadline);
    if (!answer.ok()) return answer.status();
    // Else it answers a request whose time was up.
    if (static_cast<int64_t>(NumberAt(*answer, "id")) != id) continue;
    const std::string error = TextAt(*answer, "error");
    if (!error.empty()) return absl::UnavailableError(error);
    return answer;
  }
}

absl::Status LoadProcess::Send(absl::string_view line, absl::Time deadline) {
  while (!line.empty()) {
    const ssize_t sent = send(input_, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      line.remove_prefix(static_cast<size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      return Break(absl::UnavailableError(absl::StrCat("the child takes no request: ", strerror(errno))));
    } else if (!Await(input_, POLLOUT, deadline)) {
      return Break(absl::DeadlineExceededError("the child does not take a request in time"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<JsonObject> LoadProcess::Receive(absl::Time deadline) {
  size_t end;
  size_t searched = 0;
  while ((end = received_.find('\n', searched)) == std::string::npos) {
    searched = received_.size();
    if (searched > kMaxLine) return Break(absl::InternalError("the child answers with a line without an end"));
    if (!Await(output_, POLLIN, deadline)) return absl::DeadlineExceededError("the child does not answer in time");
    char buffer[1 << 16];
    const ssize_t size = read(output_, buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return Break(absl::UnavailableError("the child has ended"));
    received_.append(buffer, static_cast<size_t>(size));
  }
  absl::StatusOr<JsonObject> answer = ReadJson(absl::string_view(received_).substr(0, end));
  received_.erase(0, end + 1);
  return answer;
}

absl::Status LoadProcess::Break(absl::Status why) {
  broken_ = std::move(why);
  return broken_;
}

}  // namespace nmq::bench
