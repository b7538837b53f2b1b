#include "server/queue/committer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/await.h"
#include "base/errors.h"
#include "server/log/log_wait.h"

namespace nmq::broker {
namespace {

// Whoever waits for others waits for this part of a sync's time at the most.
constexpr int kGatherPart = 2;
// When that was in vain, so many writes go without.
constexpr int kGatherPause = 16;

// A few syncs: then there is room again.
constexpr absl::Duration kRetryAfter = absl::Milliseconds(50);

absl::Status Exceeded(uint64_t bytes, uint64_t bytes_max) {
  return ResourceExhausted(
      kReasonLimitExceeded,
      absl::StrCat("the disk does not keep up: unwritten_bytes: ", bytes, " exceeds the limit of ", bytes_max),
      kRetryAfter, {{"limit", "unwritten_bytes"}, {"value", absl::StrCat(bytes)}, {"bound", absl::StrCat(bytes_max)}});
}

}  // namespace

Committer::Committer(log::Log* log, const Clock* clock, absl::Span<const std::unique_ptr<Lane>> lanes,
                     const Bounds& bounds, Metrics* metrics)
    : log_(log), clock_(clock), lanes_(lanes), bounds_(bounds), metrics_(metrics), thread_([this] { Run(); }) {}

Committer::~Committer() {
  {
    MutexLock lock(&mu_);
    stop_ = true;
    changed_.SignalAll();
  }
  thread_.join();
}

absl::Status Committer::Submit(std::unique_ptr<Job> job) {
  MutexLock lock(&mu_);
  // A lone job passes however large it is: other limits bound it.
  if (unwritten_ > 0 && unwritten_ + job->bytes > bounds_.unwritten) {
    return Exceeded(unwritten_ + job->bytes, bounds_.unwritten);
  }
  unwritten_ += job->bytes;
  waiting_.push_back(std::move(job));
  if (waiting_.size() >= wanted_) changed_.SignalAll();
  return absl::OkStatus();
}

uint64_t Committer::unwritten_bytes() const {
  MutexLock lock(&mu_);
  return unwritten_;
}

void Committer::CallAfter(std::function<void()> done) {
  MutexLock lock(&mu_);
  after_.emplace_back(taken_ + waiting_.size(), std::move(done));
  changed_.SignalAll();
}

void Committer::Flush() {
  Await<bool>([this](auto done) { CallAfter([done] { done(true); }); });
}

void Committer::Run() {
  while (true) {
    Jobs jobs;
    std::vector<std::function<void()>> after;
    {
      MutexLock lock(&mu_);
      while (waiting_.empty() && after_.empty() && !stop_) changed_.Wait(&mu_);
      if (waiting_.empty() && after_.empty()) return;
      if (!waiting_.empty() && !left_) Gather();
      jobs = Take();
      while (!after_.empty() && after_.front().first <= taken_) {
        after.push_back(std::move(after_.front().second));
        after_.pop_front();
      }
    }
    if (!jobs.empty()) Commit(jobs);
    for (const std::function<void()>& done : after) done();
  }
}

void Committer::Gather() {
  if (gather_pause_ > 0) {
    --gather_pause_;
    return;
  }
  const absl::Duration end = clock_->Monotonic() + sync_time_ / kGatherPart;
  wanted_ = in_flight_;
  while (waiting_.size() < wanted_ && !stop_) {
    const absl::Duration left = end - clock_->Monotonic();
    if (left <= absl::ZeroDuration() || changed_.WaitWithTimeout(&mu_, left)) break;
  }
  if (waiting_.size() < wanted_) gather_pause_ = kGatherPause;
  wanted_ = 1;
}

Committer::Jobs Committer::Take() {
  Jobs jobs;
  uint64_t bytes = 0;
  while (!waiting_.empty() && (jobs.empty() || bytes + waiting_.front()->bytes <= bounds_.commit)) {
    bytes += waiting_.front()->bytes;
    jobs.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  left_ = !waiting_.empty();
  taken_ += jobs.size();
  return jobs;
}

absl::Status Committer::Write(log::Batch* batch, log::Sync sync, size_t jobs, uint64_t messages) {
  if (batch->empty()) return absl::OkStatus();
  const bool synced = sync == log::Sync::kYes;
  const uint64_t bytes = batch->bytes();
  const absl::Duration begin = clock_->Monotonic();
  absl::Status status = log::WriteAndWait(log_, batch, sync);
  const absl::Duration time = clock_->Monotonic() - begin;
  metrics_->ObserveCommit(messages, bytes, time, synced);
  MutexLock lock(&mu_);
  sync_time_ = synced ? time : absl::ZeroDuration();
  in_flight_ = jobs + waiting_.size();
  return status;
}

void Committer::Commit(const Jobs& jobs) {
  log::Batch batch;
  const absl::Time now = clock_->Now();
  const int64_t now_us = absl::ToInt64Microseconds(clock_->Monotonic());
  auto sync = log::Sync::kNo;
  uint64_t messages = 0;
  std::vector<std::vector<Queue::Prepared>> prepared(jobs.size());
  std::vector<absl::Status> refused(jobs.size());
  for (size_t i = 0; i < jobs.size(); ++i) {
    Job& job = *jobs[i];
    prepared[i].resize(job.queues.size());
    for (size_t g = 0; g < job.queues.size() && refused[i].ok(); ++g) {
      refused[i] = job.queues[g].queue->CheckPrepare(job.queues[g].messages);
    }
    if (refused[i].ok() && job.expected_last.has_value()) {
      const Job::PerQueue& part = job.queues.front();
      refused[i] = part.queue->CheckLast(part.messages.front(), *job.expected_last, now_us);
    }
    if (refused[i].ok() && !job.reply_to.empty()) {
      refused[i] = job.queues.front().queue->CheckHeard(job.queues.front().messages.front());
    }
    if (!refused[i].ok()) continue;
    for (size_t g = 0; g < job.queues.size(); ++g) {
      Job::PerQueue& part = job.queues[g];
      if (!part.queue->durable()) continue;
      part.queue->Prepare(part.messages, now, now_us, job.publisher, job.reply_to, &batch, &prepared[i][g]);
      messages += prepared[i][g].entries.size();
      if (part.queue->synced()) sync = log::Sync::kYes;
    }
    if (job.along) job.along(&batch);
    if (job.synced) sync = log::Sync::kYes;
  }
  const absl::Status status = Write(&batch, sync, jobs.size(), messages);
  // What was prepared last is taken back first.
  for (size_t i = jobs.size(); !status.ok() && i-- > 0;) {
    for (size_t g = jobs[i]->queues.size(); refused[i].ok() && g-- > 0;) {
      if (jobs[i]->queues[g].queue->durable()) jobs[i]->queues[g].queue->TakeBack(prepared[i][g]);
    }
  }
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (refused[i].ok()) refused[i] = status;
    if (refused[i].ok()) Finish(jobs[i].get(), &prepared[i]);
  }
  for (const auto& lane : lanes_) lane->Wake();
  for (const auto& job : jobs) {
    for (const Job::PerQueue& part : job->queues) part.queue->WakeFollowers();
  }
  uint64_t bytes = 0;
  for (const auto& job : jobs) bytes += job->bytes;
  {
    // Before anybody is told, so that whoever publishes again then finds room.
    MutexLock lock(&mu_);
    unwritten_ -= bytes;
  }
  for (size_t i = 0; i < jobs.size(); ++i) jobs[i]->done(refused[i], jobs[i].get());
}

void Committer::Finish(Job* job, std::vector<Queue::Prepared>* prepared) {
  const int64_t now_us = absl::ToInt64Microseconds(clock_->Monotonic());
  for (size_t g = 0; g < job->queues.size(); ++g) {
    Job::PerQueue& part = job->queues[g];
    if (part.queue->durable()) {
      part.appended = part.queue->Publish(&(*prepared)[g], now_us, job->count_matches,
                                          job->reply_to.empty() ? nullptr : &job->heard);
    } else {
      part.appended =
          part.queue->AppendChecked(part.messages, clock_->Now(), now_us, job->publisher, job->count_matches);
    }
  }
}

}  // namespace nmq::broker
