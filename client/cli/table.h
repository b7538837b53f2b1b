// Tables for people.
#ifndef NMQ_CLIENT_CLI_TABLE_H_
#define NMQ_CLIENT_CLI_TABLE_H_

#include <string>
#include <utility>
#include <vector>

namespace nmq {
namespace cli {

enum class Align { kLeft, kRight };

struct Column {
  std::string title;
  Align align = Align::kLeft;
};

// Columns as wide as their widest cell, two spaces between them, none at the end of a line. Cells must be single lines
// of printable text; their width is counted in characters, not bytes. Not thread-safe.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // One cell for each column.
  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  // The titles and the rows, each with a line end.
  std::string Render() const;

 private:
  const std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_TABLE_H_
