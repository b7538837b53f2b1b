#include "server/last_words.h"

#include <cxxabi.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <typeinfo>

#include "glog/logging.h"
#include "grpc/support/log.h"

namespace nmq {
namespace {

// gRPC says what is wrong, and then aborts.
thread_local char grpc_words[256];

// A line that is put together without allocating, in a signal handler, too.
class Line {
 public:
  Line() { Add("nmqd: "); }
  Line& Add(const char* text) {
    for (; *text != '\0' && size_ + 1 < sizeof(bytes_); ++text) bytes_[size_++] = *text == '\n' ? ' ' : *text;
    return *this;
  }
  void Write() {
    bytes_[size_++] = '\n';
    for (size_t at = 0; at < size_;) {
      const ssize_t written = write(STDERR_FILENO, bytes_ + at, size_ - at);
      if (written <= 0) return;
      at += static_cast<size_t>(written);
    }
  }

 private:
  char bytes_[768];
  size_t size_ = 0;
};

const char* NameOf(int signal) {
  switch (signal) {
    case SIGABRT:
      return "SIGABRT";
    case SIGSEGV:
      return "SIGSEGV";
    case SIGBUS:
      return "SIGBUS";
    case SIGILL:
      return "SIGILL";
    case SIGFPE:
      return "SIGFPE";
    default:
      return "a signal";
  }
}

// Its action is the default again.
void OnSignal(int signal) {
  Line line;
  line.Add("ends by ").Add(NameOf(signal));
  if (grpc_words[0] != '\0') line.Add("; gRPC said last: ").Add(grpc_words);
  line.Write();
  raise(signal);
}

void OnNoMemory() {
  // Something may catch it, again and again.
  static std::atomic<bool> said{false};
  if (!said.exchange(true)) {
    Line().Add("out of memory: give it more, or lower the limits in its configuration (see docs/capacity.md)").Write();
  }
  throw std::bad_alloc();
}

void OnTerminate() {
  Line line;
  const std::type_info* type = abi::__cxa_current_exception_type();
  line.Add("ends, for nothing catches an exception: ");
  try {
    if (type != nullptr) throw;
  } catch (const std::exception& exception) {
    line.Add(exception.what());
  } catch (...) {
    line.Add(type->name());
  }
  line.Write();
  abort();
}

void OnGrpcLog(gpr_log_func_args* args) {
  VLOG(1) << "gRPC: " << args->message;
  if (args->severity == GPR_LOG_SEVERITY_ERROR) snprintf(grpc_words, sizeof(grpc_words), "%s", args->message);
}

}  // namespace

void InstallLastWords() {
  std::set_new_handler(&OnNoMemory);
  std::set_terminate(&OnTerminate);
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE}) {
    struct sigaction before = {};
    sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_DFL) continue;
    struct sigaction action = {};
    action.sa_handler = &OnSignal;
    action.sa_flags = SA_RESETHAND;
    sigaction(signal, &action, nullptr);
  }
  gpr_set_log_function(&OnGrpcLog);
  gpr_log_verbosity_init();  // otherwise it says nothing until gRPC is used
}

}  // namespace nmq
