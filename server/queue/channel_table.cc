#include "server/queue/channel_table.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/match.h"

namespace nmq::broker {
namespace {

bool IsWild(absl::string_view pattern) { return absl::StrContains(pattern, '*'); }

}  // namespace

std::shared_ptr<Channel> ChannelTable::Open(uint64_t target, absl::string_view event) {
  auto it = channels_.find(std::make_pair(target, event));
  if (it != channels_.end()) return it->second;
  ChannelKey key{target, std::string(event)};
  auto channel = std::make_shared<Channel>(key, lanes_);
  channels_.emplace(std::move(key), channel);
  channel->place = list_.size();
  list_.push_back(channel.get());
  if (IsWild(event)) {
    ++pattern_channels_;
    patterns_.Add(event);
  } else if (!event.empty()) {
    ++name_channels_;
  }
  if (target == kEveryone && event.empty()) everyone_ = channel.get();
  return channel;
}

void ChannelTable::Drop(Channel* channel) {
  auto it = channels_.find(channel->key);
  if (it == channels_.end() || it->second.get() != channel) return;
  if (IsWild(channel->key.event)) {
    --pattern_channels_;
    patterns_.Remove(channel->key.event);
  } else if (!channel->key.event.empty()) {
    --name_channels_;
  }
  if (channel == everyone_) everyone_ = nullptr;
  list_.back()->place = channel->place;
  list_[channel->place] = list_.back();
  list_.pop_back();
  channels_.erase(it);
}

void ChannelTable::Trim(size_t count, uint64_t first_held) {
  for (count = std::min(count, list_.size()); count > 0; --count) {
    if (trim_turn_ >= list_.size()) trim_turn_ = 0;
    list_[trim_turn_++]->Trim(first_held);
  }
}

}  // namespace nmq::broker
