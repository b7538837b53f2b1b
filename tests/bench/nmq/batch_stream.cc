#include "tests/bench/nmq/batch_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "nmq/v1/message_queue.pb.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/nmq/connection.h"

namespace nmq::bench {
namespace {

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
                         Callbacks callbacks)
    : callbacks_(std::move(callbacks)), stub_(channel) {
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
    sent_.push_back(Now());
    if (writing_) return waiting_.push_back(batch);
    writing_ = true;
  }
  stream_->Write(batch, &on_write_);
}

void BatchStream::Close() {
  {
    absl::MutexLock lock(&mutex_);
    if (std::exchange(closing_, true) || writing_) return;
    writing_ = true;
  }
  stream_->WritesDone(&on_close_);
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
  grpc::ByteBuffer next;
  {
    absl::MutexLock lock(&mutex_);
    if (!waiting_.empty()) {
      next = std::move(waiting_.front());
      waiting_.pop_front();
    } else if (!closing_) {
      writing_ = false;
      return;
    }
  }
  if (next.Valid()) return stream_->Write(next, &on_write_);
  stream_->WritesDone(&on_close_);
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
