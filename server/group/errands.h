#ifndef NMQ_SERVER_GROUP_ERRANDS_H_
#define NMQ_SERVER_GROUP_ERRANDS_H_

#include <cstdint>
#include <memory>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"

namespace nmq::broker {

// What groups have asked of the log and have not dealt with yet, so that others can wait for it. Thread-safe.
class Errands {
  struct Table {
    Mutex mu;  // a leaf: nothing is locked under it
    CondVar ended;
    uint64_t last ABSL_GUARDED_BY(mu) = 0;
    std::set<uint64_t> under_way ABSL_GUARDED_BY(mu);
    bool stop ABSL_GUARDED_BY(mu) = false;
  };

 public:
  // One of them; it ends with this, which may outlive the errands.
  class Errand {
   public:
    Errand(Errand&&) noexcept = default;
    Errand(const Errand&) = delete;
    Errand& operator=(const Errand&) = delete;
    ~Errand() { End(); }

   private:
    friend class Errands;
    Errand(std::shared_ptr<Table> table, uint64_t number) : table_(std::move(table)), number_(number) {}
    void End();

    std::shared_ptr<Table> table_;  // null once it was handed on
    const uint64_t number_;
  };

  Errand Begin();
  // Waits until all that have begun before have ended, whatever begins later.
  void Await();
  // Nobody waits any more.
  void Stop();

 private:
  const std::shared_ptr<Table> table_ = std::make_shared<Table>();
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_GROUP_ERRANDS_H_
