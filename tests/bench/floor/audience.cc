#include "tests/bench/floor/audience.h"

#include <algorithm>

namespace nmq::bench {
namespace {

// Batches with fewer messages are looked into.
constexpr uint64_t kLookBelow = 100;

// The room that a message is for, or its event.
const std::string& RouteOf(const nmq::v1::Message& message) {
  return message.audience().rooms().empty() ? message.event() : message.audience().rooms(0);
}

}  // namespace

bool Audience::Add(const nmq::v1::SubscribeRequest& request, Listener* listener) {
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

void Audience::Remove(Listener* listener) {
  if (!listener->subscribed_) return;
  listener->subscribed_ = false;
  everyone_.erase(listener);
  if (!listener->routed_) return;
  std::erase(ready_, listener);
  for (auto& [name, listeners] : routes_) std::erase(listeners, listener);
}

uint64_t Audience::Publish(size_t bytes, DecodeBatch decode) {
  if (bytes != batch_bytes_) Learn(bytes, decode);
  if (!routes_.empty()) {
    if (decode(&batch_)) Route();
  } else if (!everyone_.empty() && batch_messages_ < kLookBelow) {
    if (decode(&batch_)) Keep();
  }
  published_ += batch_messages_;
  return batch_messages_;
}

void Audience::Learn(size_t bytes, DecodeBatch decode) {
  if (!decode(&batch_)) batch_.Clear();
  batch_bytes_ = bytes;
  batch_messages_ = static_cast<uint64_t>(batch_.messages_size());
  if (prepared_ == nullptr && batch_messages_ > 0) prepared_ = std::make_unique<Prepared>(batch_.messages(0));
}

void Audience::Route() {
  for (const auto& message : batch_.messages()) {
    const auto found = routes_.find(RouteOf(message));
    if (found == routes_.end()) continue;
    for (Listener* const listener : found->second) {
      if (listener->due_++ == 0) ready_.push_back(listener);
    }
  }
}

void Audience::Keep() {
  uint64_t number = published_;
  for (const auto& message : batch_.messages()) kept_[number++ % kKept] = prepared_->Entry(message.payload());
}

void Audience::TakeReady(std::vector<Listener*>* ready) { ready->swap(ready_); }

bool Audience::TakeFrame(Listener* listener, std::vector<grpc::Slice>* frame) {
  if (!listener->subscribed_ || prepared_ == nullptr) return false;
  const uint64_t due = listener->routed_ ? listener->due_ : published_ - listener->heard_;
  const uint64_t messages = std::min(due, prepared_->messages_per_frame());
  if (messages == 0) return false;
  // The head's place.
  frame->assign(1, grpc::Slice());
  if (listener->routed_) {
    listener->due_ -= messages;
    prepared_->Fill(messages, frame);
  } else {
    FillNext(messages, listener, frame);
  }
  size_t bytes = 0;
  for (const grpc::Slice& entry : *frame) bytes += entry.size();
  frame->front() = Prepared::Head(bytes);
  return true;
}

void Audience::FillNext(uint64_t messages, Listener* listener, std::vector<grpc::Slice>* entries) const {
  const size_t before = entries->size();
  const uint64_t first = listener->heard_;
  listener->heard_ += messages;
  for (uint64_t i = first; i < first + messages && published_ - i <= kKept; ++i) {
    const grpc::Slice& kept = kept_[i % kKept];
    if (kept.size() == 0) break;
    entries->push_back(kept);
  }
  if (entries->size() == before + messages) return;
  entries->resize(before);
  prepared_->Fill(messages, entries);
}

}  // namespace nmq::bench
