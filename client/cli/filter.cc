#include "client/cli/filter.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/deadline.h"

extern char** environ;

namespace nmq {
namespace cli {
namespace {

absl::Status SystemError(const char* what, int error) {
  return absl::InternalError(absl::StrCat("cannot ", what, ": ", strerror(error)));
}

bool IsCancelled(const FilterOptions& options) { return options.cancelled != nullptr && *options.cancelled; }

absl::Status TooLong() { return absl::DeadlineExceededError("the command takes too long"); }

// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { Close(); }

  int get() const { return fd_; }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read;
  Fd write;
};

absl::StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return SystemError("make a pipe", errno);
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

// A command that runs, in a process group of its own. Killed at the end, if it has not been waited for.
class Child {
 public:
  Child() = default;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    kill(-pid_, SIGKILL);
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }

  absl::Status Start(const std::string& command, const std::vector<std::string>& environment, int in, int out) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    // This program blocks and ignores signals that its children shall not.
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes, &signals);
    sigaddset(&signals, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    std::string words[] = {"sh", "-c", command};
    char* const arguments[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
    std::vector<char*> variables;
    for (const std::string& variable : environment) variables.push_back(const_cast<char*>(variable.c_str()));
    for (char** variable = environ; *variable != nullptr; ++variable) {
      const absl::string_view own(*variable);
      const absl::string_view name = own.substr(0, own.find('=') + 1);
      const auto set = [name](const std::string& one) { return absl::StartsWith(one, name); };
      if (std::none_of(environment.begin(), environment.end(), set)) variables.push_back(*variable);
    }
    variables.push_back(nullptr);
    const int error = posix_spawn(&pid_, "/bin/sh", &actions, &attributes, arguments, variables.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error == 0) return absl::OkStatus();
    pid_ = 0;
    return SystemError("run /bin/sh", error);
  }

  // How it ended: OK if with 0.
  absl::Status Wait(const FilterOptions& options, Deadline deadline) {
    int status = 0;
    // It most often ends with its output.
    absl::Duration pause = absl::Milliseconds(1);
    while (true) {
      const pid_t ended = waitpid(pid_, &status, WNOHANG);
      if (ended == pid_) break;
      if (ended < 0 && errno != EINTR) return SystemError("wait for the command", errno);
      if (deadline.IsOver()) return TooLong();
      if (IsCancelled(options)) return absl::CancelledError("the command was ended");
      absl::SleepFor(pause);
      pause = std::min(2 * pause, absl::Milliseconds(50));
    }
    pid_ = 0;
    if (WIFSIGNALED(status)) return absl::AbortedError(absl::StrCat("the command died of signal ", WTERMSIG(status)));
    if (WEXITSTATUS(status) == 0) return absl::OkStatus();
    return absl::AbortedError(absl::StrCat("the command failed with exit code ", WEXITSTATUS(status)));
  }

 private:
  pid_t pid_ = 0;
};

// Writes what fits of `*input`; closes `fd` when there is no more, or nobody reads it.
void Feed(Fd* fd, absl::string_view* input) {
  const ssize_t written = write(fd->get(), input->data(), input->size());
  if (written > 0) input->remove_prefix(static_cast<size_t>(written));
  const bool over = written < 0 && errno != EAGAIN && errno != EINTR;
  if (over || input->empty()) fd->Close();
}

// False at the end of the output.
bool Collect(int fd, std::string* output) {
  char buffer[16384];
  const ssize_t got = read(fd, buffer, sizeof(buffer));
  if (got > 0) output->append(buffer, static_cast<size_t>(got));
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

// The output is complete if that is OK.
absl::Status Exchange(Fd in, Fd out, absl::string_view input, const FilterOptions& options, Deadline deadline,
                      std::string* output) {
  // How soon it notices that it is cancelled.
  constexpr absl::Duration kLook = absl::Milliseconds(100);
  fcntl(in.get(), F_SETFL, O_NONBLOCK);
  fcntl(out.get(), F_SETFL, O_NONBLOCK);
  if (input.empty()) in.Close();
  while (true) {
    if (deadline.IsOver()) return TooLong();
    if (IsCancelled(options)) return absl::CancelledError("the command was ended");
    const absl::Duration wait = std::min(deadline.Left(), kLook);
    const int64_t wait_ms = absl::ToInt64Milliseconds(absl::Ceil(wait, absl::Milliseconds(1)));
    pollfd waits[] = {{out.get(), POLLIN, 0}, {in.get(), POLLOUT, 0}};
    if (poll(waits, 2, static_cast<int>(wait_ms)) <= 0) continue;
    if (waits[1].revents != 0) Feed(&in, &input);
    if (waits[0].revents != 0 && !Collect(out.get(), output)) return absl::OkStatus();
    if (output->size() > options.output_max) {
      return absl::ResourceExhaustedError(absl::StrCat("the command writes more than ", options.output_max, " bytes"));
    }
  }
}

}  // namespace

absl::StatusOr<std::string> RunFilter(const std::string& command, absl::string_view input,
                                      const FilterOptions& options) {
  absl::StatusOr<Pipe> in = MakePipe();
  if (!in.ok()) return in.status();
  absl::StatusOr<Pipe> out = MakePipe();
  if (!out.ok()) return out.status();
  Child child;
  absl::Status status = child.Start(command, options.environment, in->read.get(), out->write.get());
  if (!status.ok()) return status;
  in->read.Close();
  out->write.Close();
  const Deadline deadline = Deadline::In(options.timeout);
  std::string output;
  status = Exchange(std::move(in->write), std::move(out->read), input, options, deadline, &output);
  if (status.ok()) status = child.Wait(options, deadline);
  if (status.ok()) return output;
  if (options.output_of_failed != nullptr) *options.output_of_failed = std::move(output);
  return status;
}

}  // namespace cli
}  // namespace nmq
