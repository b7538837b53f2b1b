#include "server/group/burial.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/group/group_store.h"
#include "server/log/audience.h"
#include "server/log/batch.h"
#include "server/message/dead_letter.h"

namespace nmq::broker {

std::unique_ptr<Committer::Job> NewBurial(uint64_t queue, const std::string& group, const GroupState::Dead& dead,
                                          const log::Block& block, const std::shared_ptr<Queue>& dead_letters,
                                          absl::Time now) {
  auto job = std::make_unique<Committer::Job>();
  v1::Message letter = ToDeadLetter(block.entry(dead.sequence), {group, dead.sequence, dead.attempts, dead.reason, now},
                                    dead_letters->name());
  job->publisher = std::move(*letter.mutable_publisher());
  letter.clear_publisher();
  job->storage = absl::StrCat(letter.event(), letter.SerializeAsString());
  Queue::Outgoing outgoing;
  outgoing.event = absl::string_view(job->storage).substr(0, letter.event().size());
  outgoing.body = absl::string_view(job->storage).substr(letter.event().size());
  if (const absl::string_view bytes = block.audience(dead.sequence); !bytes.empty()) {
    auto audience = std::make_shared<log::Audience>();
    // A dead letter does not expire.
    const bool readable = log::DecodeAudience(bytes, audience.get());
    audience->expire_us = 0;
    if (readable) outgoing.audience = std::move(audience);
  }
  job->bytes = job->storage.size();
  job->queues.push_back({dead_letters, {std::move(outgoing)}, {}});
  job->along = [queue, group, sequence = dead.sequence, attempts = dead.attempts](log::Batch* batch) {
    GroupState::Changes done;
    done.put.push_back({sequence, true, attempts});
    PutChanges(queue, group, done, batch);
  };
  return job;
}

}  // namespace nmq::broker
