#include "tests/integration/cli/nmq.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace nmq::integration {
namespace {

constexpr char kNmq[] = "client/cli/nmq";

// In the child: becomes the program. What the test's own environment says of nmq does not count.
[[noreturn]] void Become(const std::string& program, const Words& words, const Words& environment) {
  for (const char* name : {"NMQ_SERVER", "NMQ_NAMESPACE", "NMQ_CONTEXT", "NO_COLOR"}) unsetenv(name);
  setenv("XDG_CONFIG_HOME", testing::TempDir().c_str(), 1);
  for (const std::string& variable : environment) putenv(const_cast<char*>(variable.c_str()));
  std::vector<char*> arguments = {const_cast<char*>(program.c_str())};
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execv(program.c_str(), arguments.data());
  _exit(127);
}

int CodeOf(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

int Left(absl::Time until) {
  return static_cast<int>(std::max<int64_t>(0, absl::ToInt64Milliseconds(until - absl::Now())));
}

// Whether it ended by then.
bool Await(pid_t pid, absl::Time until, int* code) {
  while (true) {
    int status = 0;
    if (waitpid(pid, &status, WNOHANG) == pid) {
      *code = CodeOf(status);
      return true;
    }
    if (absl::Now() > until) return false;
    absl::SleepFor(absl::Milliseconds(2));
  }
}

std::string TakeAll(std::FILE* file) {
  std::string text(static_cast<size_t>(lseek(fileno(file), 0, SEEK_END)), '\0');
  EXPECT_EQ(pread(fileno(file), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  std::fclose(file);
  return text;
}

}  // namespace

Ran RunProgram(const std::string& program, const Words& words, const RunOptions& options) {
  int in[2];
  EXPECT_EQ(pipe2(in, O_CLOEXEC), 0);
  std::FILE* const out = std::tmpfile();
  std::FILE* const err = std::tmpfile();
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(in[0], 0);
    dup2(fileno(out), 1);
    dup2(fileno(err), 2);
    Become(program, words, options.environment);
  }
  close(in[0]);
  signal(SIGPIPE, SIG_IGN);
  const ssize_t written = write(in[1], options.input.data(), options.input.size());
  EXPECT_TRUE(written == static_cast<ssize_t>(options.input.size()) || written < 0);
  close(in[1]);
  Ran ran;
  if (!Await(pid, absl::Now() + options.patience, &ran.code)) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  ran.out = TakeAll(out);
  ran.err = TakeAll(err);
  return ran;
}

Ran Nmq(const std::string& server, const Words& words, RunOptions options) {
  options.environment.insert(options.environment.begin(), absl::StrCat("NMQ_SERVER=", server));
  return RunProgram(kNmq, words, options);
}

Terminal::Terminal(const std::string& server, const Words& words, const Words& environment, int rows, int columns) {
  winsize size = {};
  size.ws_row = static_cast<unsigned short>(rows);
  size.ws_col = static_cast<unsigned short>(columns);
  pid_ = forkpty(&fd_, nullptr, nullptr, &size);
  if (pid_ != 0) return;
  Words all = {absl::StrCat("NMQ_SERVER=", server), "TERM=xterm"};
  all.insert(all.end(), environment.begin(), environment.end());
  Become(kNmq, words, all);
}

Terminal::~Terminal() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(fd_);
}

void Terminal::Type(const std::string& keys) {
  EXPECT_EQ(write(fd_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
}

bool Terminal::ReadMore(absl::Time until) {
  pollfd wait = {.fd = fd_, .events = POLLIN, .revents = 0};
  if (poll(&wait, 1, Left(until)) <= 0) return false;
  char piece[4096];
  const ssize_t got = read(fd_, piece, sizeof piece);
  if (got > 0) text_.append(piece, static_cast<size_t>(got));
  return got > 0;
}

bool Terminal::WaitFor(const std::string& text, absl::Duration patience) {
  const absl::Time until = absl::Now() + patience;
  while (true) {
    const size_t at = text_.find(text, seen_);
    if (at != std::string::npos) {
      seen_ = at + text.size();
      return true;
    }
    if (!ReadMore(until)) return false;
  }
}

int Terminal::WaitForExit(absl::Duration patience) {
  const absl::Time until = absl::Now() + patience;
  while (ReadMore(until)) {
  }
  int code = -1;
  if (pid_ > 0 && Await(pid_, until, &code)) pid_ = -1;
  return code;
}

std::vector<std::string> Terminal::LastFrame() const {
  constexpr char kHome[] = "\x1b[H";
  size_t end = text_.rfind("\x1b[J");
  if (end == std::string::npos) return {};
  const size_t start = text_.rfind(kHome, end);
  std::string plain;
  for (size_t i = start; i < end; ++i) {
    if (text_[i] == '\x1b') {
      while (i < end && !absl::ascii_isalpha(static_cast<unsigned char>(text_[i]))) ++i;
    } else if (text_[i] != '\r') {
      plain += text_[i];
    }
  }
  return absl::StrSplit(plain, '\n');
}

}  // namespace nmq::integration
