#include "client/cli/progress.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "client/cli/human.h"

namespace nmq {
namespace cli {
namespace {

constexpr absl::Duration kRedraw = absl::Milliseconds(100);
// Short work needs no bar.
constexpr absl::Duration kPatience = absl::Milliseconds(300);
constexpr size_t kBarWidth = 24;

}  // namespace

Progress::Progress(uint64_t total, bool bytes, Output* err)
    : total_(total),
      bytes_(bytes),
      err_(err),
      shown_(err->is_terminal() && !err->json()),
      start_(absl::Now()),
      next_(start_ + kPatience) {}

std::string Progress::Line(uint64_t done, absl::Time now) const {
  const auto amount = [this](uint64_t value) { return bytes_ ? Bytes(value) : Count(value); };
  const double rate = static_cast<double>(done) / std::max(0.001, absl::ToDoubleSeconds(now - start_));
  const std::string speed = absl::StrCat(amount(static_cast<uint64_t>(rate)), "/s");
  if (total_ == 0) return absl::StrCat(amount(done), "  ", speed);
  const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
  const size_t full = static_cast<size_t>(part * kBarWidth);
  const std::string bar = absl::StrCat(std::string(full, '='), full < kBarWidth ? ">" : "",
                                       std::string(full < kBarWidth ? kBarWidth - full - 1 : 0, ' '));
  return absl::StrFormat("[%s] %3d %%  %s of %s  %s", bar, static_cast<int>(part * 100), amount(done), amount(total_),
                         speed);
}

void Progress::Set(uint64_t done) {
  if (!shown_) return;
  const absl::Time now = absl::Now();
  if (now < next_) return;
  next_ = now + kRedraw;
  drawn_ = true;
  err_->Write(absl::StrCat("\r", CutTo(err_->columns() - 1, Line(done, now)), "\x1b[K"));
}

void Progress::Clear() {
  if (drawn_) err_->Write("\r\x1b[K");
  drawn_ = false;
}

}  // namespace cli
}  // namespace nmq
