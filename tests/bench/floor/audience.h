#ifndef NMQ_TESTS_BENCH_FLOOR_AUDIENCE_H_
#define NMQ_TESTS_BENCH_FLOOR_AUDIENCE_H_

#include <grpcpp/support/slice.h>

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
  friend class Audience;

  bool subscribed_ = false;
  // It hears what is for its rooms or of its events, instead of everything.
  bool routed_ = false;
  // Of everything that was published, what it has taken; and of what was routed to it, what it has not.
  uint64_t heard_ = 0;
  uint64_t due_ = 0;
};

// What a floor server knows: who listens, and how much was published since they took a frame. Lone messages go out with
// their own payload, all others as prepared bytes. Not thread-safe.
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
  bool TakeFrame(Listener* listener, std::vector<grpc::Slice>* frame);

  // Of those who do not hear everything: puts into `ready`, which is empty, who has something new since the last call.
  void TakeReady(std::vector<Listener*>* ready);
  // Those who hear everything, and how many messages that are.
  const std::unordered_set<Listener*>& everyone() const { return everyone_; }
  uint64_t published() const { return published_; }

 private:
  // Lone messages that are kept for those who have not been sent them.
  static constexpr uint64_t kKept = 4096;

  void Learn(size_t bytes, DecodeBatch decode);
  void Route();
  void Keep();
  // Adds entries of the next so many messages for a listener who hears everything.
  void FillNext(uint64_t messages, Listener* listener, std::vector<grpc::Slice>* entries) const;

  std::unique_ptr<Prepared> prepared_;
  // Of every batch: a publisher sends the same one again and again.
  size_t batch_bytes_ = 0;
  uint64_t batch_messages_ = 0;
  nmq::v1::PublishStreamRequest batch_;
  uint64_t published_ = 0;
  // Entry of message number n at n % kKept; empty if it was not looked into.
  std::vector<grpc::Slice> kept_ = std::vector<grpc::Slice>(kKept);
  std::unordered_set<Listener*> everyone_;
  // Who hears what is for a room or of an event.
  absl::flat_hash_map<std::string, std::vector<Listener*>> routes_;
  std::vector<Listener*> ready_;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_FLOOR_AUDIENCE_H_
