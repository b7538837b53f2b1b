#include "tests/bench/nmq/subscribe_request.h"

namespace nmq::bench {

nmq::v1::SubscribeRequest SubscribeRequestOf(const SubscriberSpec& spec, int subscriber, const std::string& session) {
  nmq::v1::SubscribeRequest request;
  request.set_session(session);
  if (spec.from_earliest) request.mutable_start()->set_earliest(true);
  const Interest interest = spec.interest == nullptr ? Interest() : spec.interest(subscriber);
  for (const std::string& event : interest.events) {
    nmq::v1::Pattern* const pattern = request.add_patterns();
    pattern->set_queue(spec.queue);
    pattern->set_event(event);
  }
  if (interest.events.empty()) request.add_patterns()->set_queue(spec.queue);
  for (const std::string& room : interest.rooms) request.add_rooms(room);
  return request;
}

HearingManner MannerOf(const Endpoint& endpoint, const SubscriberSpec& spec) {
  return {.look = spec.every_latency ? Look::kAll : Look::kFirst,
          .whole = spec.interest == nullptr,
          .numbers = endpoint.numbers};
}

}  // namespace nmq::bench
