#ifndef NMQ_TESTS_BENCH_FLOOR_AUDIENCE_H_
#define NMQ_TESTS_BENCH_FLOOR_AUDIENCE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "nmq/v1/message_queue.pb.h"
#include "tests/bench/floor/prepared.h"

namespace nmq::bench {

// A subscription, as an Audience sees it.
class Listener {
 public:
  // It is in an audience.
  bool subscribed() const { return subscribed_; }

 private:
  template <typename Bytes>
  friend class Audience;

  bool subscribed_ = false;
  // It hears what is for its rooms or of its events, instead of everything.
  bool routed_ = false;
  // Of everything that was published, what it has taken; and of what was routed to it, what it has not.
  uint64_t heard_ = 0;
  uint64_t due_ = 0;
};

// What a floor server knows: who listens, and how much was published since they took a frame. Lone messages go out with
// their own payload, all others as prepared bytes. Bytes is made of a string, which its copies share: servers have
// types of their own for what they send. Not thread-safe.
template <typename Bytes>
class Audience {
 public:
  using DecodeBatch = absl::FunctionRef<bool(nmq::v1::PublishStreamRequest*)>;

  // False if the request wants nothing. `listener` must be removed before it goes.
  bool Add(const nmq::v1::SubscribeRequest& request, Listener* listener);
  void Remove(Listener* listener);

  // Takes a batch whose encoding has so many bytes, and says how many messages it has. Looks into it only where it
  // must.
  uint64_t Publish(size_t bytes, DecodeBatch decode);

  // Takes up what is new to the listener: `frame` is then an encoded SubscribeResponse. False if nothing is new.
  bool TakeFrame(Listener* listener, std::vector<Bytes>* frame);

  // Of those who do not hear everything: puts into `ready`, which is empty, who has something new since the last call.
  void TakeReady(std::vector<Listener*>* ready);
  // Those who hear everything, and how many messages that are.
  const std::unordered_set<Listener*>& everyone() const { return everyone_; }
  uint64_t published() const { return published_; }

 private:
  // Batches with fewer messages are looked into.
  static constexpr uint64_t kLookBelow = 100;
  // Lone messages that are kept for those who have not been sent them.
  static constexpr uint64_t kKept = 4096;

  // The room that a message is for, or its event.
  static const std::string& RouteOf(const nmq::v1::Message& message) {
    return message.audience().rooms().empty() ? message.event() : message.audience().rooms(0);
  }

  void Learn(size_t bytes, DecodeBatch decode);
  void Route();
  void Keep();
  // Adds entries of the next so many messages for a listener who hears everything.
  void FillNext(uint64_t messages, Listener* listener, std::vector<Bytes>* entries) const;

  std::unique_ptr<Prepared<Bytes>> prepared_;
  // Of every batch: a publisher sends the same one again and again.
  size_t batch_bytes_ = 0;
  uint64_t batch_messages_ = 0;
  nmq::v1::PublishStreamRequest batch_;
  uint64_t published_ = 0;
  // Entry of message number n at n % kKept; empty if it was not looked into.
  std::vector<Bytes> kept_ = std::vector<Bytes>(kKept);
  std::unordered_set<Listener*> everyone_;
  // Who hears what is for a room or of an event.
  absl::flat_hash_map<std::string, std::vector<Listener*>> routes_;
  std::vector<Listener*> ready_;
};

template <typename Bytes>
bool Audience<Bytes>::Add(const nmq::v1::SubscribeRequest& request, Listener* listener) {
  if (request.rooms().empty() && request.patterns().empty()) return false;
  listener->subscribed_ = true;
  listener->heard_ = published_;
  listener->routed_ = !request.rooms().empty() || !request.patterns(0).event().empty();
  if (!listener->routed_) {
    everyone_.insert(listener);
  } else if (!request.rooms().empty()) {
    for (const std::string& room : request.rooms()) routes_[room].push_back(listener);
  } else {
    for (const auto& pattern : request.patterns()) routes_[pattern.event()].push_back(listener);
  }
  return true;
}

template <typename Bytes>
void Audience<Bytes>::Remove(Listener* listener) {
  if (!listener->subscribed_) return;
  listener->subscribed_ = false;
  everyone_.erase(listener);
  if (!listener->routed_) return;
  std::erase(ready_, listener);
  for (auto& [name, listeners] : routes_) std::erase(listeners, listener);
}

template <typename Bytes>
uint64_t Audience<Bytes>::Publish(size_t bytes, DecodeBatch decode) {
  if (bytes != batch_bytes_) Learn(bytes, decode);
  if (!routes_.empty()) {
    if (decode(&batch_)) Route();
  } else if (!everyone_.empty() && batch_messages_ < kLookBelow) {
    if (decode(&batch_)) Keep();
  }
  published_ += batch_messages_;
  return batch_messages_;
}

template <typename Bytes>
void Audience<Bytes>::Learn(size_t bytes, DecodeBatch decode) {
  if (!decode(&batch_)) batch_.Clear();
  batch_bytes_ = bytes;
  batch_messages_ = static_cast<uint64_t>(batch_.messages_size());
  if (prepared_ == nullptr && batch_messages_ > 0) prepared_ = std::make_unique<Prepared<Bytes>>(batch_.messages(0));
}

template <typename Bytes>
void Audience<Bytes>::Route() {
  for (const auto& message : batch_.messages()) {
    const auto found = routes_.find(RouteOf(message));
    if (found == routes_.end()) continue;
    for (Listener* const listener : found->second) {
      if (listener->due_++ == 0) ready_.push_back(listener);
    }
  }
}

template <typename Bytes>
void Audience<Bytes>::Keep() {
  uint64_t number = published_;
  for (const auto& message : batch_.messages()) kept_[number++ % kKept] = prepared_->Entry(message.payload());
}

template <typename Bytes>
void Audience<Bytes>::TakeReady(std::vector<Listener*>* ready) {
  ready->swap(ready_);
}

template <typename Bytes>
bool Audience<Bytes>::TakeFrame(Listener* listener, std::vector<Bytes>* frame) {
  if (!listener->subscribed_ || prepared_ == nullptr) return false;
  const uint64_t due = listener->routed_ ? listener->due_ : published_ - listener->heard_;
  const uint64_t messages = std::min(due, prepared_->messages_per_frame());
  if (messages == 0) return false;
  // The head's place.
  frame->assign(1, Bytes());
  if (listener->routed_) {
    listener->due_ -= messages;
    prepared_->Fill(messages, frame);
  } else {
    FillNext(messages, listener, frame);
  }
  size_t bytes = 0;
  for (const Bytes& entry : *frame) bytes += entry.size();
  frame->front() = Prepared<Bytes>::Head(bytes);
  return true;
}

template <typename Bytes>
void Audience<Bytes>::FillNext(uint64_t messages, Listener* listener, std::vector<Bytes>* entries) const {
  const size_t before = entries->size();
  const uint64_t first = listener->heard_;
  listener->heard_ += messages;
  for (uint64_t i = first; i < first + messages && published_ - i <= kKept; ++i) {
    const Bytes& kept = kept_[i % kKept];
    if (kept.size() == 0) break;
    entries->push_back(kept);
  }
  if (entries->size() == before + messages) return;
  entries->resize(before);
  prepared_->Fill(messages, entries);
}

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_FLOOR_AUDIENCE_H_
