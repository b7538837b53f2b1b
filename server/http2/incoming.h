#ifndef NMQ_SERVER_HTTP2_INCOMING_H_
#define NMQ_SERVER_HTTP2_INCOMING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/http2/byte_share.h"
#include "server/http2/connection.h"
#include "server/http2/inflate.h"
#include "server/http2/message_reader.h"
#include "server/http2/wire.h"
#include "server/rpc/exchange.h"

namespace nmq::http2 {

// The request of a call: takes messages out of the stream's bytes as the method asks for them. Until the method has
// room for a message, the peer may send what fits into the stream's window, which is held and counted; then the window
// is opened as far as the message needs. The method makes room twice for one that is compressed: for what comes, and
// then for what that holds, which is found out before any of it is held. On the loop's thread only.
class Incoming final : private ByteShare::Waiter, private Toiler {
 public:
  // What it needs of its call.
  class Owner {
   public:
    // Nothing of the request will be taken any more.
    virtual bool deaf() const = 0;
    // Settle is to be called soon, when no method is at work.
    virtual void SettleSoon() = 0;
    // What came is no request, or too large a one: the call ends with `status`, and is deaf.
    virtual void OnBroken(const absl::Status& status) = 0;

   protected:
    ~Owner() = default;
  };

  // `connection` and `owner` must outlive it, or OnClosed come first.
  Incoming(Owner* owner, Connection* connection, int32_t stream, Encoding encoding, uint64_t message_bytes_max);

  // As rpc::Exchange says.
  void Read();
  void ReadRequest();
  // The method waits for bytes that the peer could send: of a message for which there is room, or of the only one.
  bool awaits_bytes() const;
  // Whether the handler has had a message.
  bool has_given() const { return messages_ > 0; }
  // Whether a read goes on.
  bool reading() const { return reading_; }
  // The request is whole, and there is nothing of it that the method could still ask for.
  bool over() const { return whole_ && !reading_ && waiting_.empty() && (no_more_ || (one_message_ && has_given())); }

  void OnData(absl::string_view bytes);
  void OnEnd();
  // Gives `handler` what there is.
  void Settle();
  // The same for OnData, which comes before a handler is known at the earliest.
  void set_handler(rpc::Handler* handler) { handler_ = handler; }
  // The connection may not be used any more.
  void OnClosed();

 private:
  enum class Stage : uint8_t {
    kPrefix,  // the size of the next message is not known
    kInLine,  // it waits for the connection's share
    kTurn,    // has it, or needs none
    kTold,    // the handler knows the size
    kTaken,   // and has asked for it
    // Of one that is compressed, and has come:
    kPacked,    // it waits for the connection's turn to be measured
    kMeasured,  // it waits until others are inflated: not all that are to be may have room at the same time
    kNext,      // it waits for the connection's turn to tell the handler what it holds
    kAsked,     // the handler has been told; once it has room, the same to be inflated
  };

  void OnTurn() override;
  Left Toil() override;

  // Takes messages from `bytes` as long as the handler reads.
  void Take(absl::string_view* bytes);
  // Whether the next message, of which `there` bytes have come, may be taken in.
  bool MayTake(uint64_t size, size_t there);
  // False if there is no more to be done with these bytes.
  bool TakeBody(absl::string_view* bytes);
  // A compressed message has come.
  void Pack(const MessageReader::Message& message, size_t bytes);
  bool packed() const { return stage_ >= Stage::kPacked; }
  void AwaitTurn();
  // A step.
  Left ToilOn();
  Left Measure();
  Left Unpack();
  // What was compressed is given, or will not be.
  void EndPacked();
  void Give(absl::string_view message);
  void GiveNoMore();
  void Break(const absl::Status& status);
  // Gives back what it has of its connection.
  void LetGo();
  void GiveBackShare();
  void GiveBackWindow();
  // The peer will send `rest` bytes of a message for which there is room: it may do so at once, beyond the window.
  void OpenWindow(uint64_t rest);
  // It is one of several messages.
  void Widen();
  // So many bytes take no room in the window any more.
  void Consume(size_t bytes);
  void CountHeld();

  Owner* const owner_;
  Connection* connection_;  // null once the stream has ended
  const int32_t stream_;
  const Encoding encoding_;
  const uint64_t message_bytes_max_;
  rpc::Handler* handler_ = nullptr;

  MessageReader reader_;
  std::string waiting_;  // bytes that nobody has asked for
  size_t waiting_at_ = 0;
  size_t held_ = 0;                       // as the connection knows
  uint64_t size_ = 0;                     // of the next message, from kInLine on
  uint64_t share_ = 0;                    // of what its connection may receive
  uint64_t window_;                       // of the stream, but for messages for which there is room
  int64_t wide_ = 0;                      // of that, from the pools
  uint64_t opened_ = 0;                   // bytes to come that take no room in the window
  uint64_t consumed_ = 0;                 // the peer does not know of these yet
  std::unique_ptr<Inflation> inflation_;  // of a message that is compressed
  uint64_t inflated_ = 0;                 // bytes that it holds, from kMeasured on
  std::unique_ptr<char[]> unpacked_;      // those, as far as they are inflated
  size_t owed_ = 0;                       // bytes of it that take room in the window, if packed
  uint32_t messages_ = 0;                 // that have been given, up to two
  Stage stage_ = Stage::kPrefix;
  bool reading_ = false;
  bool one_message_ = false;
  bool whole_ = false;    // the request is
  bool toiling_ = false;  // waits for the connection's turn
  bool no_more_ = false;  // the handler knows
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_INCOMING_H_
