// What a member of a group has in its hands, and how it keeps the group from taking that back.
#ifndef NMQ_CLIENT_CPP_HELD_H_
#define NMQ_CLIENT_CPP_HELD_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "client/cpp/options.h"

namespace nmq {
inline namespace client {
namespace internal {

// The group's deadline of a message starts anew when the program is given it; until then it is extended as often as
// needed. Times are those of a monotonic clock. Not thread-safe.
class Held {
 public:
  // A delivery and a sequence.
  using Key = std::pair<uint64_t, uint64_t>;

  // What is to be asked of the server: for how long which messages are kept.
  struct Extensions {
    std::vector<v1::Acknowledgement> acknowledgements;
    std::vector<Key> waiting;
    std::vector<Key> handed;
  };

  explicit Held(absl::Duration now) : looked_(now) {}

  // The group's; 30 s before it is known.
  absl::Duration deadline() const { return deadline_; }
  void set_deadline(absl::Duration deadline) { deadline_ = deadline; }
  // How long to wait before the next Due().
  absl::Duration look_after() const { return deadline_ / 4; }

  // The server has delivered it.
  void Add(Key key, absl::Duration now);

  // The stream is gone: the group gives everything to others, or anew.
  void DropAll();

  // Whether the program may have it; unset: ask the server, for the whole deadline, and tell OnAsked().
  std::optional<bool> HandOut(Key key, absl::Duration now);
  // Whether the program may have it.
  bool OnAsked(Key key, bool noted, absl::Duration asked);

  // To be called every look_after().
  Extensions Due(absl::Duration now);
  // What was due is noted, all of it or not.
  void OnExtended(const Extensions& extensions, bool complete, absl::Duration asked);

  // The program says what became of these. Where one came again over another stream while the program was at work on
  // it, and waits, that delivery is the one that is meant.
  void Settle(v1::AcknowledgeRequest* request);

  static v1::Acknowledgement Extension(Key key, absl::Duration time);

 private:
  struct Hold {
    // Until then no other member gets it; minus infinity: only the server knows.
    absl::Duration until;
    // When the program was given it.
    std::optional<absl::Duration> handed = {};
    // The program has the whole deadline from then on.
    bool kept = false;
  };

  // After a silence of this process nothing is certain, nor what arrives then.
  void NoticeStall(absl::Duration now);
  void SettleOne(v1::Acknowledgement* acknowledgement);

  absl::Duration deadline_ = absl::Seconds(30);
  std::map<Key, Hold> held_;
  // Those that the program had when a stream was lost.
  std::set<Key> at_work_;
  absl::Duration looked_;
  absl::Duration unsure_until_ = -absl::InfiniteDuration();
};

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_HELD_H_
