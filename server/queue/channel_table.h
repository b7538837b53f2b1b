#ifndef NMQ_SERVER_QUEUE_CHANNEL_TABLE_H_
#define NMQ_SERVER_QUEUE_CHANNEL_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "server/log/audience.h"
#include "server/queue/channel.h"
#include "server/queue/pattern_index.h"

namespace nmq::broker {

// The channels of a queue, to find those that a message is for. Thread-compatible: the queue's mutex guards it.
class ChannelTable {
 public:
  explicit ChannelTable(int lanes) : lanes_(lanes) {}

  // Finds or makes the channel of what is for `target` and of the events that `event` stands for, see ChannelKey.
  std::shared_ptr<Channel> Open(uint64_t target, absl::string_view event);
  // Drops a channel on which nobody listens any more, unless another one has its key by now. It goes on living as long
  // as cursors have still something to hear of it.
  void Drop(Channel* channel);

  // Calls `visit` with each channel that a message of this event is for; `audience` is null for everyone.
  template <typename Visit>
  void ForEach(const log::Audience* audience, absl::string_view event, Visit visit) const;

  // Lets up to `count` channels, in turn, forget what is before `first_held`. A channel in which nothing happens any
  // more would keep its index for ever.
  void Trim(size_t count, uint64_t first_held);

  size_t size() const { return channels_.size(); }

 private:
  // The patterns with channels that an event is for.
  using Matching = absl::InlinedVector<absl::string_view, 4>;

  template <typename Visit>
  void ForTarget(uint64_t target, absl::string_view event, const Matching& matching, Visit& visit) const;

  const int lanes_;
  absl::flat_hash_map<ChannelKey, std::shared_ptr<Channel>, ChannelKeyHash, ChannelKeyEq> channels_;
  size_t name_channels_ = 0;     // those that are for one event
  size_t pattern_channels_ = 0;  // and for those that match a pattern
  PatternIndex patterns_;        // of these, each as often as it has channels
  Channel* everyone_ = nullptr;  // the one that has all that is for everyone
  std::vector<Channel*> list_;   // all, by Channel::place
  size_t trim_turn_ = 0;         // the place in list_ to trim next
};

template <typename Visit>
void ChannelTable::ForEach(const log::Audience* audience, absl::string_view event, Visit visit) const {
  if (channels_.empty()) return;
  Matching matching;
  if (pattern_channels_ > 0) {
    patterns_.Match(event, [&](absl::string_view pattern) { matching.push_back(pattern); });
  }
  if (audience == nullptr || audience->everyone) {
    ForTarget(kEveryone, event, matching, visit);
    return;
  }
  for (uint64_t target : audience->targets) ForTarget(target, event, matching, visit);
}

template <typename Visit>
void ChannelTable::ForTarget(uint64_t target, absl::string_view event, const Matching& matching, Visit& visit) const {
  auto find = [&](absl::string_view channel_event) {
    auto it = channels_.find(std::make_pair(target, channel_event));
    if (it != channels_.end()) visit(it->second.get());
  };
  if (target == kEveryone && everyone_ != nullptr) visit(everyone_);
  if (target != kEveryone && channels_.size() > name_channels_ + pattern_channels_) find("");
  if (name_channels_ > 0) find(event);
  for (absl::string_view pattern : matching) find(pattern);
}

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_CHANNEL_TABLE_H_
