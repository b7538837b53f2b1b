// Tables for people.
#ifndef NMQ_CLIENT_CLI_TABLE_H_
#define NMQ_CLIENT_CLI_TABLE_H_

#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace nmq {
namespace cli {

enum class Align { kLeft, kRight };

struct Column {
  std::string title;
  Align align = Align::kLeft;
  // Where there is no room for all, those with the largest number are left out first; 0: never.
  int spare = 0;
};

// Columns as wide as their widest cell, two spaces between them, none at the end of a line. Cells must be single lines
// of printable text; their width is counted in characters, not bytes. Not thread-safe.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // One cell for each column.
  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  // The titles and the rows, each with a line end. What does not fit into `width` is left out by whole columns, of
  // which a last line tells; then long cells are cut.
  std::string Render(size_t width = std::numeric_limits<size_t>::max()) const;
  // Without the line that tells of columns that are left out.
  std::string RenderFrame(size_t width) const;
  // The titles of those.
  std::vector<std::string> LeftOut(size_t width) const;

 private:
  // Which columns are shown, and how wide.
  struct Layout {
    std::vector<size_t> shown;
    std::vector<size_t> widths;
    std::vector<size_t> left_out;
  };
  Layout Fit(size_t width) const;
  std::string RenderAs(const Layout& layout) const;

  const std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_TABLE_H_
