// What Admin changes of a group.
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/group/group.h"
#include "server/group/group_store.h"
#include "server/log/batch.h"
#include "server/queue/subscription.h"

namespace nmq::broker {

absl::Status Group::DeletedStatus() const {
  return NotFound("GROUP_DELETED",
                  absl::StrCat("group: group ", Quote(name()), " of queue ", Quote(queue_name()), " was deleted"),
                  {{"group", name()}, {"queue", queue_name()}});
}

void Group::StartChange(std::function<void(log::Batch*)> fill, std::function<void()> apply, ChangeDone done,
                        int64_t now_us) {
  changing_ = true;
  const auto end = [this, apply = std::move(apply), done](const absl::Status& status) {
    changing_ = false;
    if (status.ok()) apply();
    Report();
    done(status);
  };
  const auto submit = [this, fill = std::move(fill), end] {
    auto job = std::make_unique<Committer::Job>();
    job->synced = true;
    job->along = fill;
    job->done = [self = shared_from_this(), end](const absl::Status& status, Committer::Job*) {
      self->PostResult([end, status](int64_t) { end(status); });
    };
    if (const absl::Status status = options_.committer->Submit(std::move(job)); !status.ok()) end(status);
  };
  // What was noted before is not lost with what the change may delete.
  if (BeginSave(now_us)) {
    after_save_ = submit;
  } else {
    submit();
  }
}

void Group::SetPaused(bool paused, ChangeDone done) {
  Post([this, paused, done = std::move(done)](int64_t now_us) {
    if (retired_) return done(DeletedStatus());
    storage::v1::Group group = kept_;
    group.set_paused(paused);
    const auto fill = [number = options_.queue->disk().number, name = name(), group](log::Batch* batch) {
      PutGroup(number, name, group, batch);
    };
    const auto apply = [this, group] {
      kept_ = group;
      paused_ = group.paused();
    };
    StartChange(fill, apply, done, now_us);
  });
}

void Group::Seek(uint64_t sequence, ChangeDone done) {
  Post([this, sequence, done = std::move(done)](int64_t now_us) {
    if (retired_) return done(DeletedStatus());
    storage::v1::Group group = kept_;
    group.set_last_stint(state_.last_stint());
    // A dead letter that is on its way is written before, and brings along what is deleted here.
    const auto fill = [number = options_.queue->disk().number, name = name(), group, sequence](log::Batch* batch) {
      GroupState::Changes changes;
      changes.marks = true;
      changes.floor = changes.delivered = sequence - 1;
      PutGroup(number, name, group, batch);
      DeleteItems(number, name, batch);
      PutChanges(number, name, changes, batch);
    };
    const auto apply = [this, group, sequence] {
      kept_ = group;
      batch_->Clear();
      saved_ = absl::OkStatus();
      for (auto& [id, member] : members_) {
        // What they have not been sent comes anew, or is not for them any more.
        member.outbox.Clear();
        member.mailbox->TakeBack();
      }
      state_.Seek(sequence);
      StopReading();
      DropBurials(absl::OkStatus());
    };
    StartChange(fill, apply, done, now_us);
  });
}

void Group::Retire(ChangeDone done) {
  Post([this, done = std::move(done)](int64_t) {
    if (retired_) return done(DeletedStatus());
    retired_ = true;
    EndMembers();
    StopReading();
    DropBurials(DeletedStatus());
    done(absl::OkStatus());
  });
}

void Group::StopReading() {
  for (BlockReader* reader : {&new_, &again_, &dead_}) reader->Clear();
  dying_.clear();
}

void Group::EndMembers() {
  for (const auto& [id, member] : members_) {
    if (const auto subscription = member.subscription.lock()) subscription->End(DeletedStatus());
  }
  members_.clear();
  members_of_.clear();
}

}  // namespace nmq::broker
