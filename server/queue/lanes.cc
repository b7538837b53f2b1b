#include "server/queue/lanes.h"

namespace nmq::broker {

std::vector<Lane*> Lanes::Add(int count) {
  std::vector<Lane*> added;
  for (int i = 0; i < count; ++i) {
    lanes_.push_back(std::make_unique<Lane>(static_cast<int>(lanes_.size())));
    added.push_back(lanes_.back().get());
  }
  return added;
}

}  // namespace nmq::broker
