#include "server/queue/subscriber.h"

#include "server/queue/cursor.h"

namespace nmq::broker {

std::unique_ptr<Waiting> Subscriber::NewWaiting() const {
  switch (overflow()) {
    case v1::OVERFLOW_DROP_NEWEST:
      return std::make_unique<Waiting>(Waiting::DropNewest(place_.overflow_messages));
    case v1::OVERFLOW_KEEP_LATEST:
      return std::make_unique<Waiting>(Waiting::KeepLatest());
    default:
      return nullptr;
  }
}

void Subscriber::End(absl::Status status) {
  {
    MutexLock lock(&mu_);
    if (ended()) return;
    end_status_ = std::move(status);
    ended_.store(true, std::memory_order_release);
  }
  lane()->PostSubscription(shared_from_this());
  lane()->Wake();
}

absl::Status Subscriber::end_status() const {
  MutexLock lock(&mu_);
  return end_status_;
}

void Subscriber::MarkReady(Cursor* cursor, std::vector<Subscriber*>* ready) {
  if (!cursor->ready) {
    cursor->ready = true;
    ready_.push_back(cursor);
  }
  MarkReady(ready);
}

void Subscriber::MarkReady(std::vector<Subscriber*>* ready) {
  if (listed_ || closed_) return;
  listed_ = true;
  ready->push_back(this);
}

void Subscriber::PrefetchCursor() const {
  __builtin_prefetch(&client().counters());
  if (ready_.empty()) return;
  const char* const cursor = reinterpret_cast<const char*>(ready_.front());
  for (size_t i = 0; i < sizeof(Cursor); i += 64) __builtin_prefetch(cursor + i);
}

void Subscriber::StopMarking() {
  closed_ = true;
  ready_.clear();
}

}  // namespace nmq::broker
