// Decodes the messages of a subscription.
#ifndef NMQ_CLIENT_CPP_MESSAGE_DECODER_H_
#define NMQ_CLIENT_CPP_MESSAGE_DECODER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "client/cpp/options.h"

namespace nmq {
inline namespace client {
namespace internal {

// Decodes one message after the other into the same Message, whose strings so keep their memory, and writes only what
// differs: neighbouring messages mostly share queue, event and publisher. The outcome is that of Message's own parser,
// which takes over for whatever is not plain. Not thread-safe.
class MessageDecoder {
 public:
  // The message, which lives until the next call; null if the bytes are none.
  const Message* Decode(absl::string_view bytes);

  // Gives back the memory that large messages took. The message is gone.
  void Shrink();

 private:
  // False if the bytes are to be parsed the general way; message_ is anything then.
  bool DecodePlain(absl::string_view bytes);
  bool SetBytes(uint8_t tag, absl::string_view bytes);
  bool SetPublishTime(absl::string_view bytes);
  // Clears fields, given as bits by their numbers.
  void ClearFields(uint32_t fields);

  Message message_;
  // What message_ may hold: bits by the fields' numbers.
  uint32_t filled_ = 0;
  // message_ was parsed the general way, and may hold anything.
  bool mixed_ = false;
  // The longest message since Shrink() gave memory back.
  size_t longest_ = 0;
};

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_MESSAGE_DECODER_H_
