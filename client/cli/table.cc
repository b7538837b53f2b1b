#include "client/cli/table.h"

#include <algorithm>

#include "client/cli/terminal.h"

namespace nmq {
namespace cli {
namespace {

constexpr size_t kBetween = 2;
// Text is cut to this at the least.
constexpr size_t kTextMin = 8;

}  // namespace

Table::Layout Table::Fit(size_t width) const {
  Layout layout;
  layout.widths.resize(columns_.size());
  for (size_t i = 0; i < columns_.size(); ++i) {
    layout.shown.push_back(i);
    layout.widths[i] = TextWidth(columns_[i].title);
    for (const std::vector<std::string>& row : rows_) layout.widths[i] = std::max(layout.widths[i], TextWidth(row[i]));
  }
  const auto total = [&layout] {
    size_t sum = kBetween * (layout.shown.size() - 1);
    for (const size_t i : layout.shown) sum += layout.widths[i];
    return sum;
  };
  while (total() > width) {
    const auto spare = std::max_element(layout.shown.begin(), layout.shown.end(),
                                        [this](size_t a, size_t b) { return columns_[a].spare < columns_[b].spare; });
    if (columns_[*spare].spare == 0) break;
    layout.left_out.push_back(*spare);
    layout.shown.erase(spare);
  }
  while (total() > width) {
    size_t widest = layout.shown.front();
    for (const size_t i : layout.shown) {
      if (columns_[i].align == Align::kLeft && layout.widths[i] > layout.widths[widest]) widest = i;
    }
    if (layout.widths[widest] <= kTextMin) break;
    --layout.widths[widest];
  }
  std::sort(layout.left_out.begin(), layout.left_out.end());
  return layout;
}

std::string Table::RenderAs(const Layout& layout) const {
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  std::string text;
  const auto append = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (const size_t i : layout.shown) {
      const std::string cell = CutTo(layout.widths[i], cells[i]);
      const std::string padding(layout.widths[i] - TextWidth(cell), ' ');
      if (i != layout.shown.front()) line += "  ";
      line += columns_[i].align == Align::kRight ? padding + cell : cell + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  };
  append(titles);
  for (const std::vector<std::string>& row : rows_) append(row);
  return text;
}

std::string Table::RenderFrame(size_t width) const { return RenderAs(Fit(width)); }

std::vector<std::string> Table::LeftOut(size_t width) const {
  std::vector<std::string> titles;
  for (const size_t i : Fit(width).left_out) titles.push_back(columns_[i].title);
  return titles;
}

std::string Table::Render(size_t width) const {
  const Layout layout = Fit(width);
  std::string text = RenderAs(layout);
  if (layout.left_out.empty()) return text;
  std::string note = "no room for";
  for (const size_t i : layout.left_out) {
    note += (i == layout.left_out.front() ? " " : ", ") + columns_[i].title;
  }
  return text + CutTo(width, note + ": widen the terminal, or use --json") + '\n';
}

}  // namespace cli
}  // namespace nmq
