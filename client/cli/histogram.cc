#include "client/cli/histogram.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/human.h"

namespace nmq {
namespace cli {

size_t Histogram::IndexOf(absl::Duration time) {
  const double us = std::max(1.0, absl::ToDoubleMicroseconds(time));
  const double step = std::log2(us) * kSteps;
  return std::min(static_cast<size_t>(step), static_cast<size_t>(kSteps * kDoublings - 1));
}

absl::Duration Histogram::EndOf(size_t index) {
  return absl::Microseconds(std::exp2(static_cast<double>(index + 1) / kSteps));
}

void Histogram::Add(absl::Duration time) {
  ++steps_[IndexOf(time)];
  least_ = count_ == 0 ? time : std::min(least_, time);
  most_ = std::max(most_, time);
  sum_ += time;
  ++count_;
}

void Histogram::Merge(const Histogram& other) {
  if (other.count_ == 0) return;
  least_ = count_ == 0 ? other.least_ : std::min(least_, other.least_);
  most_ = std::max(most_, other.most_);
  sum_ += other.sum_;
  count_ += other.count_;
  for (size_t i = 0; i < steps_.size(); ++i) steps_[i] += other.steps_[i];
}

absl::Duration Histogram::mean() const { return count_ == 0 ? absl::ZeroDuration() : sum_ / count_; }

absl::Duration Histogram::Quantile(double part) const {
  const auto wanted = static_cast<uint64_t>(std::ceil(part * static_cast<double>(count_)));
  uint64_t seen = 0;
  for (size_t i = 0; i < steps_.size() && count_ > 0; ++i) {
    seen += steps_[i];
    if (seen >= wanted) return std::min(EndOf(i), most_);
  }
  return most_;
}

std::string Histogram::Bars(size_t width) const {
  constexpr size_t kRows = 10;
  if (count_ == 0) return "";
  const size_t first = IndexOf(least_);
  const size_t each = (IndexOf(most_) - first) / kRows + 1;
  const size_t bar_max = width > 40 ? width - 34 : 10;
  std::array<uint64_t, kRows> counts = {};
  for (size_t i = first; i < steps_.size(); ++i) counts[std::min((i - first) / each, kRows - 1)] += steps_[i];
  const uint64_t largest = *std::max_element(counts.begin(), counts.end());
  std::string text;
  for (size_t row = 0; row < kRows && first + row * each <= IndexOf(most_); ++row) {
    const absl::Duration end = std::min(EndOf(first + (row + 1) * each - 1), most_);
    const double part = static_cast<double>(counts[row]) / static_cast<double>(largest);
    const size_t bar =
        counts[row] == 0 ? 0 : std::max<size_t>(1, static_cast<size_t>(part * static_cast<double>(bar_max)));
    absl::StrAppendFormat(&text, "  to %9s %14s  %s\n", TimeText(end), Count(counts[row]), std::string(bar, '#'));
  }
  return text;
}

std::string TimeText(absl::Duration time) {
  const auto in = [](double value, const char* unit) {
    return absl::StrFormat("%.*f %s", value < 10 ? 2 : value < 100 ? 1 : 0, value, unit);
  };
  if (time < absl::Milliseconds(1)) return absl::StrFormat("%.0f us", absl::ToDoubleMicroseconds(time));
  if (time < absl::Seconds(1)) return in(absl::ToDoubleMilliseconds(time), "ms");
  return in(absl::ToDoubleSeconds(time), "s");
}

}  // namespace cli
}  // namespace nmq
