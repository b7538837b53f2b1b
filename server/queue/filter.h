#ifndef NMQ_SERVER_QUEUE_FILTER_H_
#define NMQ_SERVER_QUEUE_FILTER_H_

#include <optional>
#include <string>
#include <vector>

#include "base/names.h"
#include "server/queue/channel.h"

namespace nmq::broker {

// A condition on one header of a message: it has it, with this value if that is set.
struct HeaderFilter {
  std::string name;
  std::optional<std::string> value;
};

// Which messages of a queue a subscription hears, by their events and headers.
struct EventFilter {
  bool all = false;
  std::vector<const Pattern*> patterns;  // otherwise what any of these matches
  // Conditions that must all hold; null if there are none.
  const std::vector<HeaderFilter>* headers = nullptr;

  // Whether what stands in the channel is to be looked at, message by message: its events, or anything of it.
  bool picks_events(const Channel& channel) const { return !all && channel.key.event.empty(); }
  bool picks(const Channel& channel) const { return picks_events(channel) || headers != nullptr; }
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_FILTER_H_
