#include "client/cli/suggest.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <numeric>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace nmq {
namespace cli {
namespace {

// What other programs call a command, and what nmq does; a plural or singular is found by likeness.
const std::multimap<std::string, std::string>& Synonyms() {
  static const auto* const kSynonyms = new std::multimap<std::string, std::string>{
      {"publish", "pub"},     {"send", "pub"},         {"emit", "pub"},       {"subscribe", "sub"},
      {"listen", "sub"},      {"consume", "sub"},      {"req", "request"},    {"ask", "request"},
      {"respond", "reply"},   {"answer", "reply"},     {"ls", "list"},        {"ls", "queues"},
      {"list", "queues"},     {"add", "create"},       {"make", "create"},    {"new", "create"},
      {"create", "add"},      {"rm", "delete"},        {"rm", "remove"},      {"remove", "delete"},
      {"del", "delete"},      {"delete", "remove"},    {"edit", "update"},    {"empty", "purge"},
      {"clear", "purge"},     {"consumers", "groups"}, {"streams", "queues"}, {"users", "clients"},
      {"kick", "disconnect"}, {"status", "info"},      {"events", "watch"},   {"benchmark", "bench"},
      {"ctx", "context"},     {"stats", "metrics"},    {"select", "use"},     {"switch", "use"},
      {"retry", "redrive"},   {"info", "show"}};
  return *kSynonyms;
}

// How many letters must change, come or go.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t before = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = before + (a[i - 1] == b[j - 1] ? 0 : 1);
      before = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string Nearest(absl::string_view word, const std::vector<std::string>& known) {
  // A long word is like none, and would take its time.
  if (word.size() > 40) return "";
  const auto [first, last] = Synonyms().equal_range(std::string(word));
  for (auto synonym = first; synonym != last; ++synonym) {
    if (std::find(known.begin(), known.end(), synonym->second) != known.end()) return synonym->second;
  }
  std::string nearest;
  size_t least = word.size() <= 3 ? 2 : 3;
  for (const std::string& name : known) {
    const size_t distance = word.size() >= 3 && absl::StartsWith(name, word) ? 1 : Distance(word, name);
    if (distance < least && distance < name.size()) {
      least = distance;
      nearest = name;
    }
  }
  return nearest;
}

}  // namespace cli
}  // namespace nmq
