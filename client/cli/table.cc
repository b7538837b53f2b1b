#include "client/cli/table.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace nmq {
namespace cli {
namespace {

// Characters: bytes that continue none.
size_t Width(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

}  // namespace

std::string Table::Render() const {
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  std::vector<size_t> widths(columns_.size());
  const auto measure = [&widths](const std::vector<std::string>& cells) {
    for (size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], Width(cells[i]));
  };
  measure(titles);
  for (const std::vector<std::string>& row : rows_) measure(row);

  std::string text;
  const auto append = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string padding(widths[i] - Width(cells[i]), ' ');
      if (i > 0) line += "  ";
      line += columns_[i].align == Align::kRight ? padding + cells[i] : cells[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  };
  append(titles);
  for (const std::vector<std::string>& row : rows_) append(row);
  return text;
}

}  // namespace cli
}  // namespace nmq
