#include "server/namespace/publishing.h"

#include <algorithm>
#include <string>
#include <utility>

namespace nmq::broker {
namespace {

void AddAppended(const Queue& queue, const Queue::Appended& appended, Published* published) {
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
    told.mutable_position()->set_epoch(queue.EpochOf(duplicate.sequence));
    told.mutable_position()->set_sequence(duplicate.sequence);
  }
  published->matched += appended.matched;
}

void SortDuplicates(Published* published) {
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

// The job that writes these messages.
std::unique_ptr<Committer::Job> JobOf(const Client* publisher, Addressed* addressed) {
  auto job = std::make_unique<Committer::Job>();
  if (publisher != nullptr) job->publisher = publisher->id();
  for (const Addressed::PerQueue& to : addressed->queues) {
    for (const Queue::Outgoing& message : to.messages) {
      job->bytes += message.body.size() + message.event.size() + message.request_id.size();
    }
  }
  // The views into it must not move.
  job->storage.reserve(job->bytes);
  for (Addressed::PerQueue& to : addressed->queues) {
    Keep(&to.messages, &job->storage);
    job->queues.push_back({std::move(to.queue), std::move(to.messages), {}});
  }
  return job;
}

// What became of a job that is written.
Published PublishedBy(const Committer::Job& job, uint64_t* messages) {
  Published published;
  published.epoch = job.queues.front().queue->epoch();
  bool first = true;
  for (const Committer::Job::PerQueue& part : job.queues) {
    *messages += part.messages.size() - part.appended.duplicates.size();
    AddAppended(*part.queue, part.appended, &published);
    // The enum's values are in the order of strength.
    const v1::Storage storage = part.queue->storage();
    if (first || storage < published.storage) published.storage = storage;
    first = false;
  }
  SortDuplicates(&published);
  return published;
}

v1::QueuePosition PositionIn(const Queue& queue, uint64_t sequence) {
  v1::QueuePosition position;
  position.set_queue(queue.name());
  position.set_epoch(queue.epoch());
  position.set_sequence(sequence);
  return position;
}

}  // namespace

void Publishing::WakeLanes() const {
  for (const auto& lane : options_.lanes) lane->Wake();
}

absl::Status Publishing::AppendAll(const Client* publisher, const Addressed& addressed, const PublishOptions& options,
                                   Delays::Later* later, Published* published) const {
  const absl::Time time = options_.clock->Now();
  const int64_t now_us = NowUs();
  uint64_t bytes = 0;
  uint64_t messages = 0;
  for (const Addressed::PerQueue& to : addressed.queues) {
    if (to.messages.empty()) continue;
    auto appended =
        to.queue->Append(to.messages, time, now_us, publisher == nullptr ? absl::string_view() : publisher->id(),
                         options.count_matches, options.expected_last);
    // Only the first can be refused.
    if (!appended.ok()) return appended.status();
    bytes += to.bytes;
    messages += to.messages.size() - appended->duplicates.size();
    AddAppended(*to.queue, *appended, published);
  }
  options_.counters->Published(messages, bytes);
  return options_.delays->Add(later);
}

absl::StatusOr<Published> Publishing::PublishNow(const Client* publisher, Addressed* addressed,
                                                 const PublishOptions& options) const {
  Delays::Later later = Delays::Take(publisher, *addressed);
  absl::Status status = options_.delays->Reserve(later);
  if (!status.ok()) return status;
  Published published;
  published.epoch = addressed->queues.front().queue->epoch();
  if (addressed->queues.size() == 1 && later.empty()) {
    status = AppendAll(publisher, *addressed, options, &later, &published);
  } else {
    ReaderMutexLock lock(options_.mu);
    for (const Addressed::PerQueue& to : addressed->queues) {
      if (status.ok()) status = to.queue->CheckTakes();
    }
    if (!status.ok()) {
      options_.delays->Release(later);
      return status;
    }
    status = AppendAll(publisher, *addressed, options, &later, &published);
  }
  if (!status.ok()) return status;
  SortDuplicates(&published);
  WakeLanes();
  return published;
}

void Publishing::PublishToDisk(const Client* publisher, Addressed* addressed, const PublishOptions& options,
                               Done done) const {
  auto later = std::make_shared<Delays::Later>(Delays::Take(publisher, *addressed));
  absl::Status status = options_.delays->Reserve(*later);
  if (!status.ok()) return done(status);
  std::unique_ptr<Committer::Job> job = JobOf(publisher, addressed);
  job->count_matches = options.count_matches;
  job->expected_last = options.expected_last;
  for (const auto& [queue, item] : *later) job->bytes += item.bytes.size();
  if (!later->empty()) job->along = [later](log::Batch* batch) { Delays::Put(*later, batch); };
  // One that is refused never calls back.
  auto shared_done = std::make_shared<Done>(std::move(done));
  job->done = [delays = options_.delays, counters = options_.counters, shared_done, later](const absl::Status& written,
                                                                                           Committer::Job* finished) {
    if (!written.ok()) {
      delays->Release(*later);
      (*shared_done)(written);
      return;
    }
    const absl::Status added = delays->Add(later.get());
    uint64_t messages = 0;
    Published published = PublishedBy(*finished, &messages);
    counters->Published(messages, finished->bytes);
    if (!added.ok()) return (*shared_done)(added);
    (*shared_done)(std::move(published));
  };
  status = options_.committer->Submit(std::move(job));
  if (status.ok()) return;
  options_.delays->Release(*later);
  (*shared_done)(status);
}

void Publishing::Publish(const Client* publisher, Addressed* addressed, const PublishOptions& options,
                         Done done) const {
  const bool to_disk = std::any_of(addressed->queues.begin(), addressed->queues.end(),
                                   [](const Addressed::PerQueue& to) { return to.queue->durable(); });
  if (to_disk) {
    PublishToDisk(publisher, addressed, options, std::move(done));
  } else {
    done(PublishNow(publisher, addressed, options));
  }
}

void Publishing::PublishQuestion(const Client* publisher, absl::string_view reply_to, Addressed* addressed,
                                 QuestionDone done) const {
  Addressed::PerQueue& to = addressed->queues.front();
  if (!to.queue->durable()) {
    PublishedQuestion published;
    auto sequence = to.queue->AppendQuestion(to.messages.front(), options_.clock->Now(), NowUs(),
                                             publisher == nullptr ? absl::string_view() : publisher->id(), reply_to,
                                             &published.heard);
    if (!sequence.ok()) return done(sequence.status());
    published.position = PositionIn(*to.queue, *sequence);
    options_.counters->Published(1, to.bytes);
    WakeLanes();
    return done(std::move(published));
  }
  std::unique_ptr<Committer::Job> job = JobOf(publisher, addressed);
  job->reply_to = std::string(reply_to);
  job->done = [counters = options_.counters, done](const absl::Status& status, Committer::Job* finished) {
    if (!status.ok()) return done(status);
    counters->Published(1, finished->bytes);
    const Committer::Job::PerQueue& part = finished->queues.front();
    done(PublishedQuestion{PositionIn(*part.queue, part.appended.first), std::move(finished->heard)});
  };
  const absl::Status status = options_.committer->Submit(std::move(job));
  if (!status.ok()) done(status);
}

}  // namespace nmq::broker
