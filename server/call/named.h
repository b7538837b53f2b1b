// What a right is asked for.
#ifndef NMQ_SERVER_CALL_NAMED_H_
#define NMQ_SERVER_CALL_NAMED_H_

#include <optional>
#include <type_traits>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "server/call/right.h"

namespace nmq {

// As the name of a queue or room: all of them.
inline constexpr absl::string_view kAllOfThem = "**";

// What of the server somebody would do something with. A queue and a room that are named together are for a message of
// this queue in this room. Refers to what the caller keeps.
struct Named {
  // Text is what can be an absl::string_view.
  template <typename Text, typename = std::enable_if_t<std::is_convertible_v<const Text&, absl::string_view>>>
  // NOLINTNEXTLINE(google-explicit-constructor): a namespace is the most common thing to ask about.
  Named(const Text& in) : name_space(in) {}
  Named(absl::string_view in, absl::string_view of_queue, absl::string_view of_room)
      : name_space(in), queue(of_queue), room(of_room) {}

  absl::string_view name_space;  // empty: all of them
  absl::string_view queue = {};  // a name or a pattern; empty: none in particular
  absl::string_view room = {};   // likewise
};

// Something in its namespace that a request names.
struct Name {
  // What is said of a queue with which the caller may do nothing: what is said of one that is not there.
  enum class Hidden { kNoQueue, kNoQueueMade, kForbidden };

  absl::string_view queue = {};
  absl::string_view room = {};
  Hidden hidden = Hidden::kNoQueue;
  std::optional<Right> right = {};  // the rpc's if unset
};
// Refer to the request.
using Names = absl::InlinedVector<Name, 2>;

}  // namespace nmq

#endif  // NMQ_SERVER_CALL_NAMED_H_
