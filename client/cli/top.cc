#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "base/deadline.h"
#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/explain.h"
#include "client/cli/human.h"
#include "client/cli/rates.h"
#include "client/cli/stop.h"
#include "client/cli/terminal.h"
#include "client/cli/top_tables.h"

namespace nmq {
namespace cli {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(1);
// Rows of a table where there is no terminal to say.
constexpr size_t kRowsMax = 10;

// ANSI: the other screen without a cursor, and back.
constexpr char kEnterScreen[] = "\x1b[?1049h\x1b[?25l";
constexpr char kLeaveScreen[] = "\x1b[?25h\x1b[?1049l";
constexpr char kHome[] = "\x1b[H";
constexpr char kClearToEndOfLine[] = "\x1b[K";
constexpr char kClearBelow[] = "\x1b[J";
constexpr char kKeys[] = "q quit  Tab table  arrows scroll  s sort  / filter";

// The frame in place of the one before, cut to the window.
std::string OnScreen(const std::string& frame, const WindowSize& size) {
  std::string text = kHome;
  std::vector<absl::string_view> lines = absl::StrSplit(frame, '\n');
  if (lines.size() > size.rows) lines.resize(size.rows);
  for (size_t i = 0; i < lines.size(); ++i) {
    absl::StrAppend(&text, CutTo(size.columns, lines[i]), kClearToEndOfLine, i + 1 < lines.size() ? "\r\n" : "");
  }
  return text + kClearBelow;
}

// Turns what is typed into another view.
class TopKeys {
 public:
  explicit TopKeys(TopView* view) : view_(view) {}

  // Whether a filter is being typed.
  bool typing() const { return typing_; }
  // False if it is to end.
  bool Take(absl::string_view keys) {
    while (!keys.empty()) {
      if (absl::ConsumePrefix(&keys, "\x1b[A")) {
        Scroll(-1);
      } else if (absl::ConsumePrefix(&keys, "\x1b[B")) {
        Scroll(1);
      } else if (absl::ConsumePrefix(&keys, "\x1b[5~")) {
        Scroll(-10);
      } else if (absl::ConsumePrefix(&keys, "\x1b[6~")) {
        Scroll(10);
      } else {
        const char key = keys.front();
        keys.remove_prefix(1);
        if (!(typing_ ? Type(key) : Press(key))) return false;
      }
    }
    return true;
  }

 private:
  bool Press(char key) {
    if (key == 'q' || key == 'Q') return false;
    if (key == '\t') view_->chosen = (view_->chosen + 1) % view_->above.size();
    if (key == 'k') Scroll(-1);
    if (key == 'j') Scroll(1);
    if (key == '/') typing_ = true;
    if (key == '\x1b') view_->filter.clear();
    if (key == 's') {
      const auto now = std::find(kTopSorts.begin(), kTopSorts.end(), view_->sort) - kTopSorts.begin();
      view_->sort = kTopSorts[static_cast<size_t>(now + 1) % kTopSorts.size()];
    }
    return true;
  }
  bool Type(char key) {
    if (key == '\n' || key == '\r' || key == '\x1b') {
      typing_ = false;
      if (key == '\x1b') view_->filter.clear();
    } else if (key == '\x7f' || key == '\b') {
      if (!view_->filter.empty()) view_->filter.pop_back();
    } else if (absl::ascii_isprint(static_cast<unsigned char>(key))) {
      view_->filter += key;
    }
    return true;
  }
  void Scroll(int rows) {
    size_t& above = view_->above[view_->chosen];
    above = rows < 0 && above < static_cast<size_t>(-rows) ? 0 : above + static_cast<size_t>(rows);
  }

  TopView* const view_;
  bool typing_ = false;
};

class Top {
 public:
  Top(const RegistryClient& registry, const Arguments& arguments, Output* out)
      : registry_(registry), arguments_(arguments), out_(out), screen_(out->is_terminal() && !arguments.json) {
    view_.filter = arguments.prefix;
    if (!arguments.sort.empty()) view_.sort = arguments.sort;
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
    while (out_->error() == 0 && WaitForNext(stop)) {
      absl::StatusOr<Sample> now = TakeSample(registry_, arguments_.namespace_name);
      if (now.ok()) {
        before_ = *std::move(before);
        now_ = *now;
        Show();
        before = std::move(now);
      } else if (!internal::IsPassing(now.status())) {
        return now.status();
      } else if (!arguments_.json) {
        ShowText(absl::StrCat(Explain(now.status(), arguments_.server, arguments_.asked), "\n"));
      }
      if (++frames == arguments_.count.value_or(0)) break;
    }
    return absl::OkStatus();
  }

 private:
  // Until the next sample is due, showing what keys ask for; false if it is to end.
  bool WaitForNext(Stop* stop) {
    const Deadline next = Deadline::In(kInterval);
    while (!next.IsOver()) {
      std::string keys;
      if (stop->Wait(next.Left(), screen_ ? &keys : nullptr) || !keys_.Take(keys)) return false;
      if (!keys.empty() && !now_.namespaces.empty()) Show();
    }
    return true;
  }

  void Show() {
    if (arguments_.json) {
      out_->WriteLine(RatesJson(before_, now_));
      return;
    }
    const std::array<TopTable, 3> tables = TopTables(before_, now_, view_);
    WindowSize size = {.rows = 3 * kRowsMax + 5, .columns = out_->columns()};
    if (screen_) {
      // But the title, the keys, and the lines beside them.
      size = WindowSizeOf(STDOUT_FILENO);
      size.rows = size.rows > 4 ? size.rows - 4 : 1;
    }
    ShowText(TopText(tables, size, &view_), LeftOutText(tables, size.columns));
  }

  // `note` stands where there is a line between.
  void ShowText(const std::string& body, const std::string& note = "") {
    std::string title = absl::StrCat("nmq top  ", arguments_.server, "  ", ClockTime(absl::Now()));
    if (view_.sort != kTopSorts[0] || screen_) absl::StrAppend(&title, "  sort: ", view_.sort);
    if (!view_.filter.empty() || keys_.typing()) absl::StrAppend(&title, "  filter: ", view_.filter);
    if (keys_.typing()) absl::StrAppend(&title, "_  Enter keeps it, Esc clears it");
    const std::string frame = absl::StrCat(title, "\n\n", body, note, "\n", screen_ ? kKeys : note.empty() ? "" : "\n");
    out_->Write(screen_ ? OnScreen(frame, WindowSizeOf(STDOUT_FILENO)) : frame);
  }

  const RegistryClient& registry_;
  const Arguments& arguments_;
  Output* const out_;
  const bool screen_;
  Sample before_;
  Sample now_;
  TopView view_;
  TopKeys keys_{&view_};
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
