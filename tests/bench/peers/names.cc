#include "tests/bench/peers/names.h"

#include "absl/strings/str_cat.h"

namespace nmq::bench {
namespace {

std::string NameOf(const std::string& queue, const Destination& destination) {
  if (destination.room.empty()) return absl::StrCat(queue, ".", destination.event);
  return absl::StrCat(queue, ".room.", destination.room);
}

}  // namespace

std::vector<std::string> NamesOf(const std::string& queue, const std::vector<Destination>& destinations) {
  std::vector<std::string> names;
  for (const Destination& destination : destinations) names.push_back(NameOf(queue, destination));
  return names;
}

std::vector<std::string> NamesOf(const std::string& queue, const Interest& interest) {
  std::vector<Destination> destinations;
  for (const std::string& room : interest.rooms) destinations.push_back({Destination().event, room});
  if (destinations.empty()) {
    for (const std::string& event : interest.events) destinations.push_back({event, ""});
  }
  if (destinations.empty()) destinations.emplace_back();
  return NamesOf(queue, destinations);
}

}  // namespace nmq::bench
