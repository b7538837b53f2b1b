#ifndef NMQ_SERVER_QUEUE_CHANNEL_H_
#define NMQ_SERVER_QUEUE_CHANNEL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "base/circular_buffer.h"

namespace nmq::broker {

struct Cursor;

// Which messages of a queue a channel has: those for `target`, a room's or client's number or kEveryone, and of
// the events that the pattern `event` stands for, or of any event if that is empty.
struct ChannelKey {
  uint64_t target;
  std::string event;
};

inline constexpr uint64_t kEveryone = 0;

// The index of what one kind of listener hears of a queue: the sequences of its messages, each with a running number. A
// queue makes a channel with its first listener and drops it with the last. Guarded by the queue's mutex.
struct Channel : std::enable_shared_from_this<Channel> {
  Channel(ChannelKey channel_key, int lanes) : key(std::move(channel_key)), listeners(lanes), dirty(lanes, false) {}

  // The running number that the next message gets.
  uint64_t end() const { return base + sequences.size(); }
  uint64_t at(uint64_t number) const { return sequences[number - base]; }
  void Append(uint64_t sequence, uint64_t first_held) {
    Trim(first_held);
    sequences.push_back(sequence);
  }
  // Forgets what the queue no longer holds.
  void Trim(uint64_t first_held) {
    while (!sequences.empty() && sequences.front() < first_held) {
      sequences.pop_front();
      ++base;
    }
  }
  size_t ListenerCount() const {
    size_t count = 0;
    for (const auto& cursors : listeners) count += cursors.size();
    return count;
  }
  bool HasListener(Cursor* cursor) const {
    for (const auto& cursors : listeners) {
      if (cursors.contains(cursor)) return true;
    }
    return false;
  }

  const ChannelKey key;
  CircularBuffer<uint64_t> sequences;
  uint64_t base = 0;                                    // the running number of the oldest
  std::vector<absl::flat_hash_set<Cursor*>> listeners;  // by lane
  std::vector<bool> dirty;                              // by lane: posted to it and not yet taken
  std::vector<Cursor*> watchers;                        // those of the listeners that are told of each message
  absl::flat_hash_set<Cursor*> pickers;                 // those of them whose filter looks at each message
  // Who stopped listening while the channel was dirty on their lane, with something still to hear. A cursor may be
  // gone by the time that it is looked at.
  std::vector<std::pair<int, Cursor*>> leavers;
  size_t place = 0;  // in the queue's list of channels
};

// Looks up channels by target and event without making a string.
struct ChannelKeyHash {
  using is_transparent = void;
  size_t operator()(const ChannelKey& key) const { return Hash(key.target, key.event); }
  size_t operator()(const std::pair<uint64_t, absl::string_view>& key) const { return Hash(key.first, key.second); }
  static size_t Hash(uint64_t target, absl::string_view event) { return absl::HashOf(target, event); }
};
struct ChannelKeyEq {
  using is_transparent = void;
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return View(a) == View(b);
  }
  static std::pair<uint64_t, absl::string_view> View(const ChannelKey& key) { return {key.target, key.event}; }
  static std::pair<uint64_t, absl::string_view> View(const std::pair<uint64_t, absl::string_view>& key) { return key; }
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_CHANNEL_H_
