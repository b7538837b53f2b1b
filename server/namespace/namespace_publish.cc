// How messages get into the queues of a namespace.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "glog/logging.h"
#include "server/namespace/addressed.h"
#include "server/namespace/namespace.h"

namespace nmq::broker {

namespace {

void AddAppended(const Queue& queue, const Queue::Appended& appended, Namespace::Published* published) {
  if (appended.any()) {
    v1::SequenceRange& range = published->ranges.emplace_back();
    range.set_queue(queue.name());
    range.set_epoch(queue.epoch());
    range.set_first(appended.first);
    range.set_last(appended.last);
  }
  for (const Queue::Duplicate& duplicate : appended.duplicates) {
    v1::Duplicate& told = published->duplicates.emplace_back();
    told.set_index(duplicate.index);
    told.mutable_position()->set_queue(queue.name());
    told.mutable_position()->set_epoch(queue.epoch());
    told.mutable_position()->set_sequence(duplicate.sequence);
  }
  published->matched += appended.matched;
}

void SortDuplicates(Namespace::Published* published) {
  std::sort(published->duplicates.begin(), published->duplicates.end(),
            [](const v1::Duplicate& a, const v1::Duplicate& b) { return a.index() < b.index(); });
}

// Moves what the messages refer to into the job, where it lives until they are written.
void Keep(std::vector<Queue::Outgoing>* messages, std::string* storage) {
  for (Queue::Outgoing& message : *messages) {
    for (absl::string_view* view : {&message.body, &message.event, &message.request_id}) {
      const size_t at = storage->size();
      storage->append(view->data(), view->size());
      *view = absl::string_view(storage->data() + at, view->size());
    }
  }
}

}  // namespace

absl::StatusOr<Namespace::Published> Namespace::PublishNow(const Client* publisher, Addressed* addressed,
                                                           const PublishOptions& options) {
  Later later = TakeLater(publisher, addressed);
  absl::Status status = Reserve(later);
  if (!status.ok()) return status;
  const absl::Time time = shared_->clock->Now();
  const int64_t now_us = shared_->NowUs();
  Published published;
  published.epoch = addressed->groups.front().queue->epoch();
  uint64_t bytes = 0;
  uint64_t messages = 0;
  for (Addressed::Group& group : addressed->groups) {
    if (group.messages.empty()) continue;
    auto appended =
        group.queue->Append(group.messages, time, now_us, publisher == nullptr ? absl::string_view() : publisher->id(),
                            options.count_matches, options.expected_last);
    // Only with `expected_last`, which no message that waits has.
    if (!appended.ok()) return appended.status();
    bytes += group.bytes;
    messages += group.messages.size() - appended->duplicates.size();
    AddAppended(*group.queue, *appended, &published);
  }
  AddLater(&later);
  SortDuplicates(&published);
  counters_.Published(messages, bytes);
  for (const auto& lane : shared_->lanes) lane->Wake();
  return published;
}

void Namespace::PublishToDisk(const Client* publisher, Addressed* addressed, const PublishOptions& options,
                              PublishDone done) {
  auto later = std::make_shared<Later>(TakeLater(publisher, addressed));
  absl::Status status = Reserve(*later);
  if (!status.ok()) return done(status);
  auto job = std::make_unique<Committer::Job>();
  if (publisher != nullptr) job->publisher = publisher->id();
  job->count_matches = options.count_matches;
  job->expected_last = options.expected_last;
  size_t size = 0;
  for (const Addressed::Group& group : addressed->groups) {
    for (const Queue::Outgoing& message : group.messages) {
      size += message.body.size() + message.event.size() + message.request_id.size();
    }
  }
  job->bytes = size;
  for (const auto& [queue, item] : *later) job->bytes += item.bytes.size();
  // The views into it must not move.
  job->storage.reserve(size);
  for (Addressed::Group& group : addressed->groups) {
    Keep(&group.messages, &job->storage);
    job->groups.push_back({std::move(group.queue), std::move(group.messages), {}});
  }
  if (!later->empty()) {
    job->along = [later](log::Store::Batch* batch) {
      for (const auto& [queue, item] : *later) {
        if (queue->durable()) queue->schedule().Put(item.place, item.bytes, batch);
      }
    };
  }
  // One that is refused never calls back.
  auto shared_done = std::make_shared<PublishDone>(std::move(done));
  job->done = [this, shared_done, later](const absl::Status& written, Committer::Job* finished) {
    if (!written.ok()) {
      Release(*later);
      (*shared_done)(written);
      return;
    }
    AddLater(later.get());
    Published published;
    published.epoch = finished->groups.front().queue->epoch();
    uint64_t messages = 0;
    bool first = true;
    for (const Committer::Job::Group& group : finished->groups) {
      messages += group.messages.size() - group.appended.duplicates.size();
      AddAppended(*group.queue, group.appended, &published);
      // The enum's values are in the order of strength.
      const v1::Storage storage = group.queue->storage();
      if (first || storage < published.storage) published.storage = storage;
      first = false;
    }
    SortDuplicates(&published);
    counters_.Published(messages, finished->bytes);
    (*shared_done)(std::move(published));
  };
  status = shared_->committer->Submit(std::move(job));
  if (status.ok()) return;
  Release(*later);
  (*shared_done)(status);
}

bool Namespace::HasQueue(absl::string_view name) const {
  ReaderMutexLock lock(&mu_);
  return queues_.contains(name);
}

void Namespace::Publish(const Client* publisher, absl::Span<const Incoming> messages, const PublishOptions& options,
                        PublishDone done) {
  if (options.expected_last.value_or(0) != 0 && automatic_queues() && !HasQueue(messages.front().queue)) {
    // It would be made in vain.
    done(SequenceMismatch(messages.front().queue, *options.expected_last, 0));
    return;
  }
  auto addressed = AddressAll(publisher, messages);
  if (!addressed.ok()) {
    done(addressed.status());
    return;
  }
  const bool to_disk = std::any_of(addressed->groups.begin(), addressed->groups.end(),
                                   [](const Addressed::Group& group) { return group.queue->durable(); });
  if (to_disk) {
    PublishToDisk(publisher, &*addressed, options, std::move(done));
  } else {
    done(PublishNow(publisher, &*addressed, options));
  }
}

bool Namespace::AnyoneWaitsFor(const Incoming& message) const {
  ReaderMutexLock lock(&mu_);
  return std::any_of(subscriptions_.begin(), subscriptions_.end(),
                     [&](const auto& item) { return item.second->Hears(message.queue, message.event); });
}

absl::StatusOr<Namespace::Addressed> Namespace::AddressQuestion(const Client* publisher, const Incoming& question) {
  const auto messages = absl::MakeConstSpan(&question, 1);
  Addressed addressed;
  absl::Status status = Address(publisher, messages, &addressed);
  if (!status.ok()) return status;
  if (!addressed.queue_missing) return addressed;
  // What nobody would hear makes no queue.
  if (!AnyoneWaitsFor(question)) return NobodyListens(name_, question.queue, question.event);
  return AddressAll(publisher, messages);
}

void Namespace::PublishQuestion(const Client* publisher, const Incoming& question, absl::string_view reply_to,
                                QuestionDone done) {
  auto addressed = AddressQuestion(publisher, question);
  if (!addressed.ok()) return done(addressed.status());
  Addressed::Group& group = addressed->groups.front();
  const std::shared_ptr<Queue> queue = group.queue;
  auto position = [queue](uint64_t sequence) {
    v1::QueuePosition at;
    at.set_queue(queue->name());
    at.set_epoch(queue->epoch());
    at.set_sequence(sequence);
    return at;
  };
  const absl::string_view publisher_id = publisher == nullptr ? absl::string_view() : publisher->id();
  if (!queue->durable()) {
    PublishedQuestion published;
    auto sequence = queue->AppendQuestion(group.messages.front(), shared_->clock->Now(), shared_->NowUs(), publisher_id,
                                          reply_to, &published.heard);
    if (!sequence.ok()) return done(sequence.status());
    published.position = position(*sequence);
    counters_.Published(1, group.bytes);
    for (const auto& lane : shared_->lanes) lane->Wake();
    return done(std::move(published));
  }
  auto job = std::make_unique<Committer::Job>();
  job->publisher = std::string(publisher_id);
  job->reply_to = std::string(reply_to);
  job->bytes = question.body.size() + question.event.size();  // a question has no request id
  job->storage.reserve(job->bytes);
  Keep(&group.messages, &job->storage);
  job->groups.push_back({queue, std::move(group.messages), {}});
  job->done = [this, position, done](const absl::Status& status, Committer::Job* finished) {
    if (!status.ok()) return done(status);
    counters_.Published(1, finished->bytes);
    done(PublishedQuestion{position(finished->groups.front().appended.first), std::move(finished->heard)});
  };
  const absl::Status status = shared_->committer->Submit(std::move(job));
  if (!status.ok()) done(status);
}

void Namespace::DropRequestIds(const std::shared_ptr<Queue>& queue) {
  if (!queue->HasIdsToDrop()) return;
  auto job = std::make_unique<Committer::Job>();
  job->along = [queue](log::Store::Batch* batch) { queue->DropRequestIds(batch); };
  job->done = [queue](const absl::Status& status, Committer::Job*) {
    if (status.ok()) queue->NoteDropped();
  };
  const absl::Status status = shared_->committer->Submit(std::move(job));
  LOG_IF_EVERY_N(WARNING, !status.ok(), 60) << "queue " << queue->name() << " keeps old request ids: " << status;
}

void Namespace::TrimQueues() {
  std::vector<std::shared_ptr<Queue>> queues;
  {
    ReaderMutexLock lock(&mu_);
    for (const auto& [name, queue] : queues_) queues.push_back(queue);
  }
  for (const auto& queue : queues) {
    queue->Trim(shared_->NowUs());
    if (!queue->durable()) continue;
    DropRequestIds(queue);
    const absl::Status status = queue->TrimDisk(shared_->clock->Now());
    LOG_IF_EVERY_N(WARNING, !status.ok(), 60) << "queue " << queue->name() << " cannot be trimmed: " << status;
  }
}

}  // namespace nmq::broker
