#ifndef NMQ_SERVER_QUEUE_PATTERN_INDEX_H_
#define NMQ_SERVER_QUEUE_PATTERN_INDEX_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace nmq::broker {

// The patterns that somebody listens by, to find those that match a name without looking at the others. Each is there
// as often as it was added. A tree with a level for each token, so a look-up takes as long as the patterns that begin
// like the name. Not thread-safe.
class PatternIndex {
 public:
  PatternIndex();
  ~PatternIndex();
  PatternIndex(const PatternIndex&) = delete;
  PatternIndex& operator=(const PatternIndex&) = delete;

  // `pattern` is what Pattern::Parse takes, other than "**".
  void Add(absl::string_view pattern);
  // Takes away what was added.
  void Remove(absl::string_view pattern);
  bool empty() const;

  // Calls `visit` once with each pattern that matches `name`; the text lives as long as the pattern is there.
  void Match(absl::string_view name, absl::FunctionRef<void(absl::string_view)> visit) const;

 private:
  struct Node;

  static void Remove(Node* node, absl::string_view rest);
  static void Match(const Node& node, absl::string_view rest, absl::FunctionRef<void(absl::string_view)> visit);

  const std::unique_ptr<Node> root_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_PATTERN_INDEX_H_
