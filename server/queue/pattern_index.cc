#include "server/queue/pattern_index.h"

#include <utility>

namespace nmq::broker {
namespace {

constexpr absl::string_view kAnyToken = "*";
constexpr absl::string_view kAnyRest = "**";

// Takes the first token off `rest`; `*more` says whether others follow.
absl::string_view TakeToken(absl::string_view* rest, bool* more) {
  const size_t dot = rest->find('.');
  const absl::string_view token = rest->substr(0, dot);
  *more = dot != absl::string_view::npos;
  rest->remove_prefix(*more ? dot + 1 : rest->size());
  return token;
}

}  // namespace

// What follows the same tokens. A wildcard is a token like any other, and has a place of its own.
struct PatternIndex::Node {
  absl::flat_hash_map<std::string, std::unique_ptr<Node>> next;
  std::unique_ptr<Node> any_token;
  std::unique_ptr<Node> any_rest;  // only to end there
  size_t count = 0;                // of the pattern that ends here
  std::string pattern;

  bool empty() const { return count == 0 && next.empty() && any_token == nullptr && any_rest == nullptr; }
};

PatternIndex::PatternIndex() : root_(std::make_unique<Node>()) {}
PatternIndex::~PatternIndex() = default;

bool PatternIndex::empty() const { return root_->empty(); }

void PatternIndex::Add(absl::string_view pattern) {
  Node* node = root_.get();
  absl::string_view rest = pattern;
  for (bool more = true; more;) {
    const absl::string_view token = TakeToken(&rest, &more);
    std::unique_ptr<Node>& place = token == kAnyToken  ? node->any_token
                                   : token == kAnyRest ? node->any_rest
                                                       : node->next[std::string(token)];
    if (place == nullptr) place = std::make_unique<Node>();
    node = place.get();
  }
  if (node->count++ == 0) node->pattern = std::string(pattern);
}

void PatternIndex::Remove(absl::string_view pattern) { Remove(root_.get(), pattern); }

void PatternIndex::Remove(Node* node, absl::string_view rest) {
  bool more;
  const absl::string_view token = TakeToken(&rest, &more);
  const auto remove_from = [&](std::unique_ptr<Node>* place) {
    if (*place == nullptr) return;
    if (more) {
      Remove(place->get(), rest);
    } else if ((*place)->count > 0) {
      --(*place)->count;
    }
    if ((*place)->empty()) *place = nullptr;
  };
  if (token == kAnyToken) {
    remove_from(&node->any_token);
  } else if (token == kAnyRest) {
    remove_from(&node->any_rest);
  } else if (auto it = node->next.find(token); it != node->next.end()) {
    remove_from(&it->second);
    if (it->second == nullptr) node->next.erase(it);
  }
}

void PatternIndex::Match(absl::string_view name, absl::FunctionRef<void(absl::string_view)> visit) const {
  Match(*root_, name, visit);
}

void PatternIndex::Match(const Node& node, absl::string_view rest, absl::FunctionRef<void(absl::string_view)> visit) {
  if (node.any_rest != nullptr) visit(node.any_rest->pattern);
  bool more;
  const absl::string_view token = TakeToken(&rest, &more);
  const auto match_from = [&](const Node& place) {
    if (more) {
      Match(place, rest, visit);
    } else if (place.count > 0) {
      visit(place.pattern);
    }
  };
  if (node.any_token != nullptr) match_from(*node.any_token);
  if (auto it = node.next.find(token); it != node.next.end()) match_from(*it->second);
}

}  // namespace nmq::broker
