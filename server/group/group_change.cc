// What Admin changes of a group.
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/group/group.h"
#include "server/group/group_store.h"
#include "server/queue/subscription.h"

namespace nmq::broker {

absl::Status Group::DeletedStatus() const {
  return NotFound("GROUP_DELETED",
                  absl::StrCat("group: group ", Quote(name()), " of queue ", Quote(queue_name()), " was deleted"),
                  {{"group", name()}, {"queue", queue_name()}});
}

void Group::SetPaused(bool paused, ChangeDone done) {
  Post([this, paused, done = std::move(done)](int64_t) {
    if (retired_) return done(DeletedStatus());
    storage::v1::Group group = options_.group;
    group.set_paused(paused);
    log::Store::Batch batch;
    PutGroup(options_.queue->disk().number, name(), group, &batch);
    const absl::Status status = options_.queue->disk().store->Write(&batch, log::Store::Sync::kYes);
    if (status.ok()) paused_ = paused;
    Report();
    done(status);
  });
}

void Group::Seek(uint64_t sequence, ChangeDone done) {
  Post([this, sequence, done = std::move(done)](int64_t) {
    absl::Status status = retired_ ? DeletedStatus() : SeekTo(sequence);
    if (status.ok()) Report();
    done(status);
  });
}

absl::Status Group::SeekTo(uint64_t sequence) {
  // A dead letter that is on its way brings along what is to be deleted here.
  options_.committer->Flush();
  GroupState::Changes changes;
  changes.marks = true;
  changes.floor = changes.delivered = sequence - 1;
  log::Store::Batch batch;
  DeleteItems(options_.queue->disk().number, name(), &batch);
  PutChanges(options_.queue->disk().number, name(), changes, &batch);
  absl::Status status = options_.queue->disk().store->Write(&batch, log::Store::Sync::kYes);
  if (!status.ok()) return status;
  batch_.Clear();
  state_.Seek(sequence);
  block_ = nullptr;
  again_block_ = nullptr;
  DropBurials(absl::OkStatus());
  return absl::OkStatus();
}

void Group::Retire(ChangeDone done) {
  Post([this, done = std::move(done)](int64_t) {
    if (retired_) return done(DeletedStatus());
    retired_ = true;
    EndMembers();
    DropBurials(DeletedStatus());
    done(absl::OkStatus());
  });
}

void Group::EndMembers() {
  for (const auto& [id, member] : members_) {
    if (const auto subscription = member.subscription.lock()) subscription->End(DeletedStatus());
  }
  members_.clear();
}

}  // namespace nmq::broker
