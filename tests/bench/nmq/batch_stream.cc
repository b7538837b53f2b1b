#include "tests/bench/nmq/batch_stream.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "nmq/v1/message_queue.pb.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/nmq/connection.h"
#include "tests/bench/nmq/methods.h"

namespace nmq::bench {
namespace {

// Of gathered batches. With only one, whoever publishes less often than an answer takes would wait for it, too.
constexpr size_t kUnansweredMax = 4;
// Batches that go as one; the server's limit is 1,000 messages.
constexpr size_t kGatheredMax = 500;

// How many messages an encoded PublishStreamResponse says were accepted; what it says instead if the batch was refused.
absl::StatusOr<uint64_t> ReadAnswer(const grpc::ByteBuffer& answer) {
  nmq::v1::PublishStreamResponse response;
  if (!Decode(answer, &response)) return absl::DataLossError("an answer that is no PublishStreamResponse");
  if (response.has_refused()) {
    return absl::Status(static_cast<absl::StatusCode>(response.refused().code()), response.refused().message());
  }
  uint64_t messages = 0;
  for (const nmq::v1::SequenceRange& range : response.accepted().ranges()) messages += range.last() - range.first() + 1;
  return messages;
}

}  // namespace

BatchStream::BatchStream(const std::shared_ptr<grpc::Channel>& channel, grpc::CompletionQueue* queue,
                         Callbacks callbacks, Way way)
    : callbacks_(std::move(callbacks)), way_(way), stub_(channel) {
  stream_ = stub_.PrepareCall(&context_, kPublishStreamMethod, queue);
}

void BatchStream::Start() { stream_->StartCall(&on_start_); }

void BatchStream::Stop() {
  if (!over()) context_.TryCancel();
  over_.WaitForNotification();
}

void BatchStream::Send(const grpc::ByteBuffer& batch) {
  {
    absl::MutexLock lock(&mutex_);
    waiting_.push_back(batch);
  }
  WriteNext();
}

void BatchStream::WriteNext() {
  grpc::ByteBuffer next;
  bool close;
  {
    absl::MutexLock lock(&mutex_);
    if (writing_) return;
    next = TakeNext();
    close = closing_ && waiting_.empty();
    if (!next.Valid() && !close) return;
    writing_ = true;
  }
  if (next.Valid()) return stream_->Write(next, &on_write_);
  stream_->WritesDone(&on_close_);
}

grpc::ByteBuffer BatchStream::TakeNext() {
  grpc::ByteBuffer next;
  if (waiting_.empty() || (way_ == Way::kGathered && sent_.size() >= kUnansweredMax)) return next;
  sent_.push_back(Now());
  if (way_ == Way::kEach || waiting_.size() == 1) {
    next = std::move(waiting_.front());
    waiting_.pop_front();
    return next;
  }
  // Encoded messages one behind the other are one message, with the repeated fields of all.
  std::vector<grpc::Slice> all;
  std::vector<grpc::Slice> slices;
  for (size_t i = 0; i < kGatheredMax && !waiting_.empty(); ++i) {
    if (waiting_.front().Dump(&slices).ok()) all.insert(all.end(), slices.begin(), slices.end());
    waiting_.pop_front();
  }
  return grpc::ByteBuffer(all.data(), all.size());
}

void BatchStream::Close() {
  {
    absl::MutexLock lock(&mutex_);
    if (std::exchange(closing_, true)) return;
  }
  WriteNext();
}

absl::Status BatchStream::AwaitEnd(absl::Duration patience) {
  if (!over_.WaitForNotificationWithTimeout(patience)) return absl::DeadlineExceededError("batches stay unanswered");
  absl::MutexLock lock(&mutex_);
  return verdict_;
}

void BatchStream::OnStart(bool ok) {
  if (!ok) return End();
  stream_->Read(&answer_, &on_read_);
  if (callbacks_.on_open) callbacks_.on_open();
  OnWrite(true);
}

void BatchStream::OnWrite(bool ok) {
  if (!ok) return;
  {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
  }
  WriteNext();
}

void BatchStream::OnRead(bool ok) {
  if (!ok) return End();
  absl::StatusOr<uint64_t> messages = ReadAnswer(answer_);
  int64_t sent;
  {
    absl::MutexLock lock(&mutex_);
    if (sent_.empty() && messages.ok()) messages = absl::DataLossError("an answer to no batch");
    if (!messages.ok() && verdict_.ok()) verdict_ = messages.status();
    sent = sent_.empty() ? Now() : sent_.front();
    if (!sent_.empty()) sent_.pop_front();
  }
  if (!messages.ok()) context_.TryCancel();
  callbacks_.on_answer(std::move(messages), sent);
  if (way_ == Way::kGathered) WriteNext();
  stream_->Read(&answer_, &on_read_);
}

void BatchStream::End() { stream_->Finish(&status_, &on_finish_); }

void BatchStream::OnFinish(bool) {
  {
    absl::MutexLock lock(&mutex_);
    writing_ = true;
    if (verdict_.ok()) verdict_ = FromGrpc(status_);
    if (verdict_.ok() && !sent_.empty()) {
      verdict_ = absl::DataLossError(absl::StrCat(sent_.size(), " unanswered batches"));
    }
  }
  over_.Notify();
}

}  // namespace nmq::bench
