#ifndef NMQ_SERVER_ACCESS_PRINCIPAL_CACHE_H_
#define NMQ_SERVER_ACCESS_PRINCIPAL_CACHE_H_

#include <cstddef>
#include <list>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "server/call/call.h"

namespace nmq {

// Callers by what they have shown, so that it is verified once and then found. Only what was good comes in. When it is
// full, the oldest goes, and is verified again when it is shown again. Thread-safe.
class PrincipalCache {
 public:
  PrincipalCache(size_t entries_max, size_t bytes_max) : entries_max_(entries_max), bytes_max_(bytes_max) {}

  // Null if it is not there.
  std::shared_ptr<const Principal> Find(absl::string_view shown) const ABSL_LOCKS_EXCLUDED(mu_);
  // What is there from now on: what another thread has added meanwhile, or `principal`.
  std::shared_ptr<const Principal> Add(absl::string_view shown, Principal principal) ABSL_LOCKS_EXCLUDED(mu_);

  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Entry {
    std::string shown;
    std::shared_ptr<const Principal> principal;
    size_t bytes;
  };
  void DropOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const size_t entries_max_;
  const size_t bytes_max_;
  mutable Mutex mu_;                               // a leaf
  std::list<Entry> entries_ ABSL_GUARDED_BY(mu_);  // the oldest first
  absl::flat_hash_map<absl::string_view, std::list<Entry>::iterator> found_ ABSL_GUARDED_BY(mu_);
  size_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace nmq

#endif  // NMQ_SERVER_ACCESS_PRINCIPAL_CACHE_H_
