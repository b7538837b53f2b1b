#include "server/queue/cursor.h"

namespace nmq::broker {

void Cursor::PassOver(uint64_t last) {
  next = last + 1;
  if (scanning) return;
  for (Ear& ear : ears) {
    uint64_t end = ear.end();
    ear.next = std::max(ear.next, std::min(ear.channel->base, end));
    while (ear.next < end) {
      const uint64_t middle = ear.next + (end - ear.next) / 2;
      if (ear.channel->at(middle) <= last) {
        ear.next = middle + 1;
      } else {
        end = middle;
      }
    }
  }
}

void Cursor::DropDoneEars() {
  if (closed_ears == 0) return;
  ears.erase(std::remove_if(ears.begin(), ears.end(), [this](const Ear& ear) { return IsDone(ear); }), ears.end());
  closed_ears = std::count_if(ears.begin(), ears.end(), [](const Ear& ear) { return !ear.open(); });
}

bool Cursor::pending() const {
  return scanning || lost > 0 || !gaps.empty() ||
         std::any_of(ears.begin(), ears.end(), [](const Ear& ear) { return ear.pending(); });
}

}  // namespace nmq::broker
