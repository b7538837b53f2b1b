// What `top` shows for people.
#ifndef NMQ_CLIENT_CLI_TOP_TABLES_H_
#define NMQ_CLIENT_CLI_TOP_TABLES_H_

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "client/cli/rates.h"
#include "client/cli/table.h"
#include "client/cli/terminal.h"

namespace nmq {
namespace cli {

// By what rows are sorted, "busy" first.
inline constexpr std::array<const char*, 6> kTopSorts = {"busy", "in", "out", "held", "dropped", "name"};

struct TopRow {
  // What it is called, to sort by and to filter.
  std::string name = {};
  Rates rates = {};
  double held = 0;
  std::vector<std::string> cells = {};
};

struct TopTable {
  std::vector<Column> columns = {};
  std::vector<TopRow> rows = {};
};

// How somebody looks at them.
struct TopView {
  // Rows whose names have this text.
  std::string filter = {};
  std::string sort = kTopSorts[0];
  // The table that scrolls, and how many rows are above what each shows.
  size_t chosen = 0;
  std::array<size_t, 3> above = {};
};

// Namespaces, queues, clients; sorted and filtered. `before` may be empty.
std::array<TopTable, 3> TopTables(const Sample& before, const Sample& now, const TopView& view);

// Them in at most `rows` lines of `columns` characters: whole columns, and a line for the rows that do not fit.
// Corrects view->above where there are fewer rows.
std::string TopText(const std::array<TopTable, 3>& tables, const WindowSize& size, TopView* view);

// "no room for ROOMS, QUEUES": the columns that do not fit; empty if all do.
std::string LeftOutText(const std::array<TopTable, 3>& tables, size_t columns);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_TOP_TABLES_H_
