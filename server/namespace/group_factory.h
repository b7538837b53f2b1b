#ifndef NMQ_SERVER_NAMESPACE_GROUP_FACTORY_H_
#define NMQ_SERVER_NAMESPACE_GROUP_FACTORY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "nmq/storage/v1/storage.pb.h"
#include "server/group/group.h"
#include "server/group/group_runner.h"
#include "server/limits/limits.h"
#include "server/log/store.h"
#include "server/presence/numbers.h"
#include "server/queue/committer.h"
#include "server/queue/queue.h"

namespace nmq::broker {

// Makes the groups of a namespace, on disk and in memory. Each member blocks on the disk. Thread-safe, for one queue by
// one thread at a time.
class GroupFactory {
 public:
  struct Options {
    std::string name_space;
    // All of these must outlive the factory and its groups.
    const Limits* limits;
    const Clock* clock;
    const Numbers* numbers;
    log::Log* log;  // null, like what follows, if nothing is kept on disk: then no queue can have groups
    GroupRunner* runner;
    Committer* committer;
  };
  explicit GroupFactory(Options options) : options_(std::move(options)) {}

  // A new group, whose first message is the one with the sequence `start`.
  absl::StatusOr<std::shared_ptr<Group>> Make(const std::shared_ptr<Queue>& queue,
                                              const std::shared_ptr<Queue>& dead_letters,
                                              const storage::v1::Group& group, uint64_t start) const;

  // The groups that are on disk. One that cannot be served is told in the log; `find` gives a queue on disk by its
  // name, null if there is none.
  std::vector<std::shared_ptr<Group>> Load(
      const std::shared_ptr<Queue>& queue,
      absl::FunctionRef<std::shared_ptr<Queue>(const std::string& name)> find) const;

  // Forgets a group that was retired.
  absl::Status Delete(const Queue& queue, const std::string& name) const;

 private:
  uint64_t NowUs() const;
  // `last_stint` is what ReserveStints said.
  std::shared_ptr<Group> Restore(const std::shared_ptr<Queue>& queue, const std::shared_ptr<Queue>& dead_letters,
                                 const storage::v1::Group& group, uint64_t last_stint,
                                 const GroupState::Saved& saved) const;

  const Options options_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_NAMESPACE_GROUP_FACTORY_H_
