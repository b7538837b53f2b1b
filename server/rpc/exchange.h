// The line between what an rpc does and how it is carried. A transport shows each call as an Exchange; a method answers
// it with a Handler, and knows no more of the transport.
#ifndef NMQ_SERVER_RPC_EXCHANGE_H_
#define NMQ_SERVER_RPC_EXCHANGE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message_lite.h"
#include "server/call/call.h"
#include "server/frame/frame.h"
#include "server/limits/identities.h"

namespace nmq::rpc {

class Loop;

// The bytes of one message of a request, not compressed, as the transport has them: mostly in one piece.
class RequestBytes {
 public:
  virtual size_t size() const = 0;
  // Copied only if they are in several pieces. They live as long as this.
  virtual absl::string_view InOnePiece() const = 0;
  // INVALID_ARGUMENT if they are no such message.
  virtual absl::Status Decode(google::protobuf::MessageLite* message) const = 0;

 protected:
  ~RequestBytes() = default;
};

// Those that are in one piece, which must outlive this.
class PlainRequestBytes final : public RequestBytes {
 public:
  explicit PlainRequestBytes(absl::string_view bytes) : bytes_(bytes) {}
  size_t size() const override { return bytes_.size(); }
  absl::string_view InOnePiece() const override { return bytes_; }
  absl::Status Decode(google::protobuf::MessageLite* message) const override;

 private:
  const absl::string_view bytes_;
};

// What Decode says of bytes that are no `message`.
absl::Status NotDecoded(const google::protobuf::MessageLite& message);

// What a method does with one call. The transport calls it on the loop's thread, and never from within a function of
// its exchange. A handler owns itself; the transport lets go of it with OnDone.
class Handler {
 public:
  // The message that was asked for has so many bytes: it is taken in when Exchange::Read is called again, at once or
  // later. Only of an exchange that tells sizes. Said twice of a message that came compressed: of what comes, and, when
  // that is there, of what it holds; room for the one is not needed any more when there is room for the other.
  virtual void OnSize(uint64_t bytes) = 0;
  // The message that was read. `bytes` live until this returns.
  virtual void OnMessage(const RequestBytes& bytes) = 0;
  // There is no message to read: the caller has said all, or is gone, or sent what the transport does not take.
  virtual void OnNoMore() = 0;
  // What was written is with the system or beyond, and the next may be written; not `ok` if the caller is gone.
  virtual void OnWritten(bool ok) { (void)ok; }
  // Another call of the connection calls Exchange::Pulse. May write, no more.
  virtual void OnPulse() {}
  // The caller is gone, or its deadline is over: nobody hears any more. At most once, perhaps while a read or a write
  // goes on, perhaps after Finish. The handler still has to finish.
  virtual void OnCancelled() {}
  // The last event, after Finish and the end of each read and write: the exchange is gone when this returns.
  virtual void OnDone() = 0;

 protected:
  virtual ~Handler() = default;
};

// One call. For its loop's thread only, but for Finish (see there). A handler must finish each call, whatever happens.
class Exchange {
 public:
  virtual ~Exchange() = default;

  // Who calls; null if callers are not asked. Known before the call has a handler.
  const std::shared_ptr<const Principal>& principal() const { return principal_; }
  void set_principal(std::shared_ptr<const Principal> principal) { principal_ = std::move(principal); }

  // The connection is one by which this identity calls, from now on. RESOURCE_EXHAUSTED, with the limit, if it may have
  // no more. A transport that does not know its connections counts none.
  virtual absl::Status CountCaller(const std::shared_ptr<const Principal>& caller, Identities* identities) {
    (void)caller, (void)identities;
    return absl::OkStatus();
  }

  // The loop that it came to.
  virtual Loop* loop() const = 0;

  // The transport, the peer, and the deadline if it has one, of a call that needs `right`. To be asked for while the
  // request comes: before OnNoMore, or the OnMessage of ReadRequest, returns.
  virtual Call CallWith(Right right) const = 0;
  // The value of the metadata with this name, in lower case, that came with the call, the first if there are several;
  // of a name that ends in -bin, decoded. To be asked for before the first OnMessage returns, and to be copied by then.
  virtual std::optional<absl::string_view> Metadata(absl::string_view name) const = 0;

  // What the caller's connection has shown; null if it has no certificate that was verified. Lives as long as the call.
  virtual const ClientCertificate* certificate() const { return nullptr; }

  // Whether Read says a message's size before the message is taken in. gRPC's own server cannot.
  virtual bool tells_sizes() const = 0;
  // Asks for the next message: OnSize or OnNoMore follows from an exchange that tells sizes, otherwise OnMessage or
  // OnNoMore; and after OnSize, asks for the message itself (OnMessage or, of one that is compressed, OnSize once
  // more). Not while one is asked for, nor after OnNoMore. What nobody asks for stays with the caller, by flow control,
  // but for a window's worth of it.
  virtual void Read() = 0;
  // The same for a request of one message, which a caller has at hand: a transport may end a call that does not send it
  // for long.
  virtual void ReadRequest() { Read(); }

  // Sends a message: OnWritten follows. Not while one is being written, nor after Finish.
  virtual void Write(Frame frame) = 0;
  // There will be a Write in this turn of the loop. A transport that sends each frame at once can so send those of
  // several calls of a connection together.
  virtual void ExpectWrite() {}

  // Calls OnPulse of the handlers of the connection's other calls, as far as the transport knows them: this one has
  // written what could have waited, and what they write now goes out with it.
  virtual void Pulse() {}

  // Ends the call, after what is being written; once. A read that goes on still ends, in one way or the other. OnDone
  // follows.
  //
  // These two may be called by another thread if Loop::HoldAsleep lets it, until Loop::Release.
  virtual void Finish(const absl::Status& status) = 0;
  // The same, with OK and one last message, for which no OnWritten comes.
  virtual void FinishWith(Frame frame) = 0;

  // Ends the call without regard for what is being written, because nobody takes it: that write ends, not ok. Finish
  // is still needed.
  virtual void Cancel() = 0;

 private:
  std::shared_ptr<const Principal> principal_;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_EXCHANGE_H_
