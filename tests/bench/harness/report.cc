#include "tests/bench/harness/report.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace nmq::bench {
namespace {

constexpr int kFigureWidth = 37;
constexpr int kCellWidth = 20;

// Three digits that count, or whole numbers.
std::string Brief(double value) {
  const double size = std::fabs(value);
  if (size >= 1e6) return absl::StrFormat("%.2f M", value / 1e6);
  if (size >= 100 || value == std::floor(value)) return absl::StrFormat("%.0f", value);
  return absl::StrFormat("%.*f", size >= 10 ? 1 : size >= 1 ? 2 : 3, value);
}

// Empty if all are the same.
std::string Spread(const std::vector<double>& values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return *least == *most ? "" : absl::StrCat(Brief(*least), "..", Brief(*most));
}

// The distinct texts that `get` finds, in the order of their first appearance.
template <typename Series, typename Get>
std::vector<std::string> Distinct(const std::vector<Series>& all, Get get) {
  std::vector<std::string> texts;
  for (const Series& series : all) {
    if (std::find(texts.begin(), texts.end(), get(series)) == texts.end()) texts.push_back(get(series));
  }
  return texts;
}

}  // namespace

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

void Report::Add(absl::string_view workload, absl::string_view system, absl::string_view figure, absl::string_view unit,
                 double value) {
  for (Series& series : series_) {
    if (series.workload == workload && series.system == system && series.figure == figure) {
      return series.values.push_back(value);
    }
  }
  series_.push_back({std::string(workload), std::string(system), std::string(figure), std::string(unit), {value}});
}

const Report::Series* Report::Find(absl::string_view workload, absl::string_view system,
                                   absl::string_view figure) const {
  for (const Series& series : series_) {
    if (series.workload == workload && series.system == system && series.figure == figure) return &series;
  }
  return nullptr;
}

std::vector<double> Report::Values(absl::string_view workload, absl::string_view system,
                                   absl::string_view figure) const {
  const Series* const series = Find(workload, system, figure);
  return series == nullptr ? std::vector<double>() : series->values;
}

std::vector<std::string> Report::Workloads() const {
  return Distinct(series_, [](const Series& series) { return series.workload; });
}

std::vector<std::string> Report::Systems() const {
  return Distinct(series_, [](const Series& series) { return series.system; });
}

void Report::PrintTable(std::ostream& out) const {
  out << absl::StrFormat("%-*s", kFigureWidth, "");
  for (const std::string& system : Systems()) out << absl::StrFormat("%*s", kCellWidth, system);
  out << "\n";
  for (const std::string& workload : Workloads()) {
    out << workload << "\n";
    std::vector<Series> own;
    for (const Series& series : series_) {
      if (series.workload == workload) own.push_back(series);
    }
    for (const std::string& figure : Distinct(own, [](const Series& series) { return series.figure; })) {
      PrintFigure(workload, figure, out);
    }
  }
}

void Report::PrintFigure(const std::string& workload, const std::string& figure, std::ostream& out) const {
  std::string first, second, unit;
  bool several = false;
  for (const std::string& system : Systems()) {
    const Series* const series = Find(workload, system, figure);
    const bool here = series != nullptr;
    absl::StrAppendFormat(&first, "%*s", kCellWidth, here ? Brief(Median(series->values)) : "-");
    const std::string spread = here ? Spread(series->values) : "";
    absl::StrAppendFormat(&second, "%*s", kCellWidth, spread);
    several |= !spread.empty();
    if (here && !series->unit.empty()) unit = absl::StrCat(", ", series->unit);
  }
  out << absl::StrFormat("%-*s", kFigureWidth, absl::StrCat("  ", figure, unit)) << first << "\n";
  if (several) out << absl::StrFormat("%-*s", kFigureWidth, "") << second << "\n";
}

void Report::PrintJson(const std::vector<std::pair<std::string, std::string>>& texts, std::ostream& out) const {
  out << "{";
  for (const auto& [name, text] : texts) out << absl::StrFormat("\n\"%s\":\"%s\",", name, absl::CHexEscape(text));
  out << "\n\"records\":[";
  const char* separator = "\n";
  for (const Series& series : series_) {
    const auto [least, most] = std::minmax_element(series.values.begin(), series.values.end());
    out << separator
        << absl::StrFormat(R"({"workload":"%s","system":"%s","figure":"%s","unit":"%s",)"
                           R"("median":%.9g,"min":%.9g,"max":%.9g,"rounds":%d})",
                           series.workload, series.system, series.figure, series.unit, Median(series.values), *least,
                           *most, series.values.size());
    separator = ",\n";
  }
  out << "\n]}\n";
}

}  // namespace nmq::bench
