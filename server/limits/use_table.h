#ifndef NMQ_SERVER_LIMITS_USE_TABLE_H_
#define NMQ_SERVER_LIMITS_USE_TABLE_H_

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"

namespace nmq {

// What is known of each of many, such as addresses, by a key that anybody can make more of. It holds `size_max` that
// nobody uses, and besides those that somebody uses, whose number others bound: for one more, the one that was asked
// for longest ago is forgotten. Thread-safe.
template <typename Value>
class UseTable {
 public:
  explicit UseTable(size_t size_max) : size_max_(size_max) {}

  // What is known of `key`; `make` gives that of one that is new. It is used as long as somebody has it.
  template <typename Make>
  std::shared_ptr<Value> Of(absl::string_view key, Make make) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    const auto found = places_.find(key);
    if (found != places_.end()) {
      order_.splice(order_.begin(), order_, found->second);
      return found->second->second;
    }
    for (int i = 0; i < kForgottenMax && places_.size() >= size_max_; ++i) Forget();
    order_.emplace_front(std::string(key), make());
    places_.emplace(order_.front().first, order_.begin());
    return order_.front().second;
  }

  size_t size() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return places_.size();
  }

 private:
  using Order = std::list<std::pair<std::string, std::shared_ptr<Value>>>;

  // Two for each that comes, so that it is no larger than it must be soon after many were used.
  static constexpr int kForgottenMax = 2;
  // Looked at for one to forget.
  static constexpr int kLooksMax = 8;

  // Those at the end that are used come first again.
  void Forget() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    for (int i = 0; i < kLooksMax && !order_.empty(); ++i) {
      const auto last = std::prev(order_.end());
      if (last->second.use_count() == 1) {
        places_.erase(last->first);
        order_.erase(last);
        return;
      }
      order_.splice(order_.begin(), order_, last);
    }
  }

  const size_t size_max_;
  mutable Mutex mu_;                  // a leaf
  Order order_ ABSL_GUARDED_BY(mu_);  // the one that was asked for last is first
  // The keys are those of order_.
  absl::flat_hash_map<absl::string_view, typename Order::iterator> places_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nmq

#endif  // NMQ_SERVER_LIMITS_USE_TABLE_H_
