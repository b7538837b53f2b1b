#include "client/examples/totals.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace nmq {
namespace examples {
namespace {

std::string Name(const std::pair<std::string, std::string>& name) { return absl::StrCat(name.first, "/", name.second); }

}  // namespace

void Totals::Add(absl::string_view queue, absl::string_view event, uint64_t bytes) {
  Total& total = totals_[{std::string(queue), std::string(event)}];
  ++total.events;
  total.bytes += bytes;
  ++events_;
  bytes_ += bytes;
}

std::string Totals::Table() const {
  size_t width = 5;
  for (const auto& [name, total] : totals_) width = std::max(width, Name(name).size());
  const auto line = [width](absl::string_view name, const auto& events, const auto& bytes) {
    return absl::StrFormat("%-*s  %10s  %12s\n", width, name, absl::StrCat(events), absl::StrCat(bytes));
  };
  std::string table = line("EVENT", "COUNT", "BYTES");
  for (const auto& [name, total] : totals_) table += line(Name(name), total.events, total.bytes);
  table += line("total", events_, bytes_);
  if (missed_ > 0) absl::StrAppend(&table, "and ", missed_, " missed\n");
  return table;
}

std::string Totals::Line() const {
  std::string text;
  for (const auto& [name, total] : totals_) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", total.events, " ", Name(name));
  }
  return text;
}

}  // namespace examples
}  // namespace nmq
