#include "tests/testing/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>

extern char** environ;

namespace nmq {
namespace {

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

void Require(bool fine) {
  if (!fine) abort();  // this machine cannot start programs
}

}  // namespace

Process::Process(const std::string& path, const std::vector<std::string>& arguments,
                 const std::vector<std::string>& environment) {
  int out[2];
  Require(pipe2(out, O_CLOEXEC) == 0);
  out_fd_ = out[0];
  error_fd_ = memfd_create("stderr", MFD_CLOEXEC);
  Require(error_fd_ >= 0);

  std::vector<std::string> words = {path};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = environment;
  // A program under ThreadSanitizer does not have what sanitizer_options tells tests; what is in it runs in tests, too.
  variables.push_back("TSAN_OPTIONS=report_bugs=0");
  for (char** variable = environ; *variable != nullptr; ++variable) variables.push_back(*variable);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, error_fd_, STDERR_FILENO);
  Require(posix_spawn(&pid_, path.c_str(), &actions, nullptr, Pointers(words).data(), Pointers(variables).data()) == 0);
  posix_spawn_file_actions_destroy(&actions);
  close(out[1]);
}

Process::~Process() {
  if (!exit_code_.has_value()) {
    Signal(SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(out_fd_);
  close(error_fd_);
}

void Process::Signal(int signal) const {
  if (exit_code_.has_value()) return;
  kill(pid_, signal);
  siginfo_t stopped;
  if (signal == SIGSTOP) waitid(P_PID, static_cast<id_t>(pid_), &stopped, WSTOPPED | WEXITED | WNOWAIT);
}

// False at the end of the output, or of the time.
bool Process::ReadMore(Deadline deadline) {
  while (true) {
    const int64_t wait_ms = absl::ToInt64Milliseconds(deadline.Left());
    pollfd waiting = {out_fd_, POLLIN, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(std::clamp<int64_t>(wait_ms, 0, 1 << 30)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    char buffer[4096];
    const ssize_t got = read(out_fd_, buffer, sizeof(buffer));
    if (got > 0) out_.append(buffer, static_cast<size_t>(got));
    return got > 0;
  }
}

std::optional<std::string> Process::ReadLine(absl::Duration patience) {
  const Deadline deadline = Deadline::In(patience);
  size_t end;
  while ((end = out_.find('\n')) == std::string::npos) {
    if (!ReadMore(deadline)) return std::nullopt;
  }
  std::string line = out_.substr(0, end);
  out_.erase(0, end + 1);
  return line;
}

std::optional<int> Process::WaitForExit(absl::Duration patience) {
  if (exit_code_.has_value()) return exit_code_;
  const Deadline deadline = Deadline::In(patience);
  // The end of its output says that it ends.
  while (ReadMore(deadline)) {
  }
  if (deadline.IsOver()) return std::nullopt;
  int status;
  Require(waitpid(pid_, &status, 0) == pid_);
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_code_;
}

std::string Process::errors() const {
  std::string text;
  char buffer[4096];
  ssize_t got;
  while ((got = pread(error_fd_, buffer, sizeof(buffer), static_cast<off_t>(text.size()))) > 0) {
    text.append(buffer, static_cast<size_t>(got));
  }
  return text;
}

uint64_t Process::resident_bytes() const {
  std::ifstream statm("/proc/" + std::to_string(pid_) + "/statm");
  uint64_t total_pages = 0;
  uint64_t resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return resident_pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace nmq
