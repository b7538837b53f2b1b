#include "client/cli/top_tables.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/human.h"

namespace nmq {
namespace cli {
namespace {

std::string RateOfBytes(double per_second) { return Bytes(static_cast<uint64_t>(std::max(0.0, per_second))); }

Column Number(const char* title, int spare = 0) { return {title, Align::kRight, spare}; }

double SortValue(const TopRow& row, const std::string& sort) {
  if (sort == "in") return row.rates.messages_in;
  if (sort == "out") return row.rates.messages_out;
  if (sort == "held") return row.held;
  if (sort == "dropped") return row.rates.dropped;
  return row.rates.messages_in + row.rates.messages_out;
}

// Drops the rows that the view does not want, and sorts the others.
void Arrange(const TopView& view, std::vector<TopRow>* rows) {
  rows->erase(std::remove_if(rows->begin(), rows->end(),
                             [&view](const TopRow& row) { return !absl::StrContains(row.name, view.filter); }),
              rows->end());
  std::stable_sort(rows->begin(), rows->end(), [&view](const TopRow& a, const TopRow& b) {
    if (view.sort == "name") return a.name < b.name;
    return SortValue(a, view.sort) > SortValue(b, view.sort);
  });
}

TopTable Namespaces(const std::vector<Rated<v1::NamespaceInfo>>& rated) {
  TopTable table = {.columns = {{"NAMESPACE"},
                                Number("CLIENTS"),
                                Number("ROOMS", 5),
                                Number("QUEUES", 4),
                                Number("SUBSCRIPTIONS", 6),
                                Number("IN/s"),
                                Number("OUT/s"),
                                Number("BYTES IN/s", 1),
                                Number("BYTES OUT/s", 2),
                                Number("DROPPED/s"),
                                Number("REFUSED/s", 3)}};
  for (const auto& [info, rates] : rated) {
    table.rows.push_back({.name = info->name(),
                          .rates = rates,
                          .cells = {info->name(), Count(info->clients()), Count(info->rooms()), Count(info->queues()),
                                    Count(info->subscriptions()), Rate(rates.messages_in), Rate(rates.messages_out),
                                    RateOfBytes(rates.bytes_in), RateOfBytes(rates.bytes_out), Rate(rates.dropped),
                                    Rate(rates.refused)}});
  }
  return table;
}

TopTable Queues(const std::vector<Rated<v1::QueueInfo>>& rated) {
  TopTable table = {.columns = {{"NAMESPACE"},
                                {"QUEUE"},
                                Number("HELD"),
                                Number("BYTES", 2),
                                Number("SUBSCRIPTIONS", 3),
                                Number("IN/s"),
                                Number("OUT/s"),
                                Number("BYTES IN/s", 1),
                                Number("DROPPED/s")}};
  for (const auto& [info, rates] : rated) {
    const uint64_t held = info->last_sequence() + 1 - info->first_sequence();
    table.rows.push_back({.name = KeyOf(*info),
                          .rates = rates,
                          .held = static_cast<double>(held),
                          .cells = {info->namespace_(), info->name(), Count(held), Bytes(info->bytes()),
                                    Count(info->subscriptions()), Rate(rates.messages_in), Rate(rates.messages_out),
                                    RateOfBytes(rates.bytes_in), Rate(rates.dropped)}});
  }
  return table;
}

TopTable Clients(const std::vector<Rated<v1::ClientInfo>>& rated) {
  TopTable table = {.columns = {{"NAMESPACE"},
                                {"CLIENT"},
                                {"NAME"},
                                Number("ROOMS", 1),
                                Number("SUBSCRIPTIONS", 2),
                                Number("IN/s"),
                                Number("OUT/s"),
                                Number("DROPPED/s")}};
  for (const auto& [info, rates] : rated) {
    table.rows.push_back({.name = absl::StrCat(KeyOf(*info), " ", info->name()),
                          .rates = rates,
                          .cells = {info->namespace_(), info->id(), info->name(), Count(info->rooms_size()),
                                    Count(info->subscriptions_size()), Rate(rates.messages_in),
                                    Rate(rates.messages_out), Rate(rates.dropped)}});
  }
  return table;
}

// How many lines each table gets for its rows, of `lines`: what it needs, where there is room.
std::array<size_t, 3> Share(const std::array<TopTable, 3>& tables, size_t lines) {
  std::array<size_t, 3> shares = {};
  for (size_t left = lines; left > 0;) {
    const size_t before = left;
    for (size_t i = 0; i < shares.size() && left > 0; ++i) {
      if (shares[i] >= tables[i].rows.size()) continue;
      ++shares[i];
      --left;
    }
    if (left == before) break;
  }
  return shares;
}

// `lines` rows of the table, the last of which tells of those that are not shown.
std::string Part(const TopTable& table, size_t lines, size_t width, bool chosen, size_t* above) {
  const size_t count = table.rows.size();
  const size_t shown = count <= lines ? count : std::max<size_t>(lines, 1) - 1;
  *above = std::min(*above, count - shown);
  Table text(table.columns);
  for (size_t i = *above; i < *above + shown; ++i) text.Add(table.rows[i].cells);
  std::string part = text.RenderFrame(width);
  if (shown < count) {
    const size_t below = count - shown - *above;
    absl::StrAppend(
        &part,
        CutTo(width, absl::StrCat(chosen ? "> " : "  ", Count(*above), " more above, ", Count(below), " more below")),
        "\n");
  }
  return part;
}

}  // namespace

std::array<TopTable, 3> TopTables(const Sample& before, const Sample& now, const TopView& view) {
  const absl::Duration elapsed = now.time - before.time;
  std::array<TopTable, 3> tables = {Namespaces(WithRates(before.namespaces, now.namespaces, elapsed)),
                                    Queues(WithRates(before.queues, now.queues, elapsed)),
                                    Clients(WithRates(before.clients, now.clients, elapsed))};
  for (TopTable& table : tables) Arrange(view, &table.rows);
  return tables;
}

std::string TopText(const std::array<TopTable, 3>& tables, const WindowSize& size, TopView* view) {
  // Titles, and lines between tables.
  constexpr size_t kOther = 3 + 2;
  const std::array<size_t, 3> shares = Share(tables, size.rows > kOther ? size.rows - kOther : 0);
  std::string text;
  for (size_t i = 0; i < tables.size(); ++i) {
    if (i > 0) text += '\n';
    text += Part(tables[i], shares[i], size.columns, view->chosen == i, &view->above[i]);
  }
  return text;
}

std::string LeftOutText(const std::array<TopTable, 3>& tables, size_t columns) {
  std::vector<std::string> titles;
  for (const TopTable& table : tables) {
    Table text(table.columns);
    for (const TopRow& row : table.rows) text.Add(row.cells);
    for (std::string& title : text.LeftOut(columns)) {
      if (std::find(titles.begin(), titles.end(), title) == titles.end()) titles.push_back(std::move(title));
    }
  }
  return titles.empty() ? "" : CutTo(columns, absl::StrCat("no room for ", absl::StrJoin(titles, ", ")));
}

}  // namespace cli
}  // namespace nmq
