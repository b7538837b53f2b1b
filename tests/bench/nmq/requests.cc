#include "tests/bench/nmq/requests.h"

#include <numeric>

#include "nmq/v1/message_queue.pb.h"

namespace nmq::bench {
namespace {

void FillMessage(const std::string& queue, const Destination& destination, int payload_bytes,
                 nmq::v1::Message* message) {
  message->set_queue(queue);
  message->set_event(destination.event);
  message->set_payload(StampablePayload(payload_bytes));
  if (!destination.room.empty()) message->mutable_audience()->add_rooms(destination.room);
}

}  // namespace

Requests Requests::Batches(const std::string& queue, const std::vector<Destination>& destinations, int payload_bytes,
                           int batch) {
  Requests requests;
  const size_t size = destinations.size();
  const size_t messages = std::lcm(size, static_cast<size_t>(batch));
  for (size_t first = 0; first < messages; first += static_cast<size_t>(batch)) {
    nmq::v1::PublishStreamRequest request;
    for (size_t i = first; i < first + static_cast<size_t>(batch); ++i) {
      FillMessage(queue, destinations[i % size], payload_bytes, request.add_messages());
    }
    requests.templates_.emplace_back(request);
  }
  return requests;
}

Requests Requests::Messages(const std::string& queue, const std::vector<Destination>& destinations, int payload_bytes) {
  Requests requests;
  for (const Destination& destination : destinations) {
    nmq::v1::PublishRequest request;
    FillMessage(queue, destination, payload_bytes, request.mutable_message());
    requests.templates_.emplace_back(request);
  }
  return requests;
}

size_t Requests::FirstOf(int publisher, int publishers) const {
  return templates_.size() * static_cast<size_t>(publisher) / static_cast<size_t>(publishers);
}

}  // namespace nmq::bench
