#include <sys/ioctl.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/explain.h"
#include "client/cli/human.h"
#include "client/cli/rates.h"
#include "client/cli/stop.h"

namespace nmq {
namespace cli {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(1);

// ANSI: the other screen without a cursor, and back.
constexpr char kEnterScreen[] = "\x1b[?1049h\x1b[?25l";
constexpr char kLeaveScreen[] = "\x1b[?25h\x1b[?1049l";
constexpr char kHome[] = "\x1b[H";
constexpr char kClearToEndOfLine[] = "\x1b[K";
constexpr char kClearBelow[] = "\x1b[J";

// The frame in place of the one before, cut to the window.
std::string OnScreen(const std::string& frame) {
  winsize size = {};
  size_t rows = 24;
  size_t columns = 80;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
    rows = size.ws_row;
    columns = size.ws_col;
  }
  std::string text = kHome;
  size_t row = 0;
  for (const absl::string_view line : absl::StrSplit(frame, '\n')) {
    if (++row >= rows) break;
    absl::StrAppend(&text, line.substr(0, columns), kClearToEndOfLine, "\r\n");
  }
  return text + kClearBelow;
}

class Top {
 public:
  Top(const RegistryClient& registry, const Arguments& arguments, Output* out)
      : registry_(registry), arguments_(arguments), out_(out), screen_(out->is_terminal() && !arguments.json) {
    if (screen_) out_->Write(kEnterScreen);
  }
  ~Top() {
    if (screen_) out_->Write(kLeaveScreen);
  }
  Top(const Top&) = delete;
  Top& operator=(const Top&) = delete;

  // An error if there was nothing to show yet.
  absl::Status Run(Stop* stop) {
    if (screen_) stop->WatchKeys();
    absl::StatusOr<Sample> before = TakeSample(registry_, arguments_.namespace_name);
    if (!before.ok()) return before.status();
    if (!arguments_.namespace_name.empty() && before->namespaces.empty()) {
      return absl::NotFoundError(absl::StrCat("no namespace \"", arguments_.namespace_name, "\""));
    }
    uint64_t frames = 0;
    while (out_->error() == 0 && !stop->Wait(kInterval)) {
      absl::StatusOr<Sample> now = TakeSample(registry_, arguments_.namespace_name);
      if (now.ok()) {
        Show(*before, *now);
        before = std::move(now);
      } else if (!internal::IsPassing(now.status())) {
        return now.status();
      } else if (!arguments_.json) {
        ShowText(Explain(now.status(), arguments_.server));
      }
      if (++frames == arguments_.count.value_or(0)) break;
    }
    return absl::OkStatus();
  }

 private:
  void Show(const Sample& before, const Sample& now) {
    if (arguments_.json) {
      out_->WriteLine(RatesJson(before, now));
    } else {
      ShowText(RatesText(before, now));
    }
  }

  void ShowText(const std::string& body) {
    const std::string frame = absl::StrCat("nmq top  ", arguments_.server, "  ", ClockTime(absl::Now()),
                                           screen_ ? "  q: quit" : "", "\n\n", body, "\n");
    out_->Write(screen_ ? OnScreen(frame) : frame);
  }

  const RegistryClient& registry_;
  const Arguments& arguments_;
  Output* const out_;
  const bool screen_;
};

}  // namespace

int RunTop(const Arguments& arguments, Output* out, Output* err) {
  Stop stop;
  absl::StatusOr<std::unique_ptr<RegistryClient>> registry = RegistryClient::Open(arguments);
  if (!registry.ok()) return Fail(registry.status(), arguments, err);
  absl::Status status;
  {
    Top top(**registry, arguments, out);
    status = top.Run(&stop);
  }
  if (!status.ok()) return Fail(status, arguments, err);
  return Done(*out, err);
}

}  // namespace cli
}  // namespace nmq
