#ifndef NMQ_SERVER_HTTP2_CALL_H_
#define NMQ_SERVER_HTTP2_CALL_H_

#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/frame/frame.h"
#include "server/http2/age_list.h"
#include "server/http2/connection.h"
#include "server/http2/header_list.h"
#include "server/http2/incoming.h"
#include "server/http2/outgoing.h"
#include "server/http2/stream.h"
#include "server/http2/timers.h"
#include "server/http2/wire.h"
#include "server/rpc/exchange.h"
#include "server/rpc/method_table.h"

namespace nmq::http2 {

class Call;

// What calls need of the loop that they live on. All on its thread.
class CallHost {
 public:
  // Of the machine's monotonic clock, when the turn began.
  virtual absl::Duration now() const = 0;
  // Of the same clock, now.
  virtual absl::Duration exact_now() const = 0;
  // How far the server's clock is ahead of that.
  virtual absl::Duration clock_shift() const = 0;
  virtual Timers& timers() = 0;
  virtual OutgoingPool& outgoings() = 0;
  // What methods know of the loop.
  virtual rpc::Loop* rpc_loop() = 0;
  virtual const rpc::MethodTable& table() = 0;
  // A message of a request may have so many bytes, compressed and not.
  virtual uint64_t message_bytes_max() const = 0;
  // OK if there is room for a call more.
  virtual absl::Status CheckRoomForCall() const = 0;
  // A call begins, or has ended.
  virtual void OnCallBegun() = 0;
  virtual void OnCallOver() = 0;
  // Those that wait for their callers to go on with a message; they add and remove themselves.
  virtual AgeList<Call>& stalling() = 0;
  // A call is ended with this since its caller does not go on, or does not begin since there is no room.
  virtual void OnRefused(const absl::Status& status) = 0;
  // Settle is to be called soon, when no method is at work.
  virtual void SettleSoon(Call* call) = 0;

 protected:
  ~CallHost() = default;
};

// A call of gRPC on a stream. Deletes itself when its stream has ended and its method has nothing more to do with it.
class Call final : public Stream, public rpc::Exchange, private Incoming::Owner {
 public:
  // Begins to serve a request; null if it is none of gRPC's, and answered.
  static Call* Begin(CallHost* host, Connection* connection, int32_t stream, HeaderList headers);

  // Tells the handler what has happened meanwhile. May delete the call.
  void Settle();
  // Its caller has not gone on with a message for `time`: ends it.
  void EndStalled(absl::Duration time);

  void OnData(absl::string_view bytes) override;
  void OnEnd() override;
  size_t left() const override { return outgoing_ == nullptr ? 0 : outgoing_->left(); }
  Offer OfferBody(size_t bytes_max) override;
  void GiveBody(size_t bytes, Gather* gather) override;
  Headers Trailers() override;
  void OnSent() override;
  void OnPulse() override { handler_->OnPulse(); }
  void OnClosed(bool whole) override;

  absl::Status CountCaller(const std::shared_ptr<const Principal>& caller, Identities* identities) override {
    return connection_->callers().Add(caller, identities);
  }
  rpc::Loop* loop() const override { return host_->rpc_loop(); }
  nmq::Call CallWith(Right right) const override;
  const ClientCertificate* certificate() const override {
    return connection_ == nullptr ? nullptr : connection_->certificate();
  }
  std::optional<absl::string_view> Metadata(absl::string_view name) const override;
  bool tells_sizes() const override { return true; }
  void Read() override { request_->incoming.Read(); }
  void ReadRequest() override { request_->incoming.ReadRequest(); }
  void Write(Frame frame) override;
  void Pulse() override {
    if (connection_ != nullptr) connection_->Pulse(this);
  }
  void Finish(const absl::Status& status) override;
  void FinishWith(Frame frame) override;
  void Cancel() override;

 private:
  // What has come; a call that only answers has none.
  struct Request {
    Request(Call* call, HeaderList list, Encoding encoding);

    HeaderList headers;                              // until the first message has been handled
    size_t headers_held = 0;                         // as the connection knows
    mutable std::forward_list<std::string> decoded;  // metadata that was asked for
    Incoming incoming;
    AgeList<Call>::Entry stall;  // in it while the request awaits bytes
  };

  Call(CallHost* host, Connection* connection, int32_t stream, HeaderList headers, Encoding encoding);
  ~Call() override;

  void SetDeadline(absl::Duration timeout);
  void OnDeadline();
  // Ends the call at once: nobody hears what is not sent yet.
  void EndEarly(const absl::Status& status);
  // Nobody hears any more.
  void OnGone();
  // Ends the call whatever the handler says.
  void EndWith(const absl::Status& status);

  // Of Incoming::Owner.
  bool deaf() const override { return connection_ == nullptr || finished_ || gone_ || broken_; }
  void SettleSoon() override;
  void OnBroken(const absl::Status& status) override;

  void SettleRequest();
  // Looks whether the request awaits bytes, now that some have come if `heard`.
  void NoteStall(bool heard);

  // While there is a connection: the method has had what it needs of them, or needs nothing any more.
  void DropHeaders();

  // `frame` is what goes out next.
  void Set(Frame frame);
  void DropOutgoing();

  // Makes the connection ask for what is there.
  void Speak();

  CallHost* const host_;
  Connection* connection_;  // null once the stream has ended
  const int32_t stream_;
  std::unique_ptr<Request> request_;  // null once it is whole, and the method has had all of it that it asks for
  rpc::Handler* handler_ = nullptr;
  std::unique_ptr<Timer> deadline_;
  absl::Duration deadline_time_ = absl::InfiniteDuration();

  std::unique_ptr<Outgoing> outgoing_;  // null if nothing is left of the last message
  absl::Status status_;

  bool writing_ = false;
  bool written_early_ = false;  // OnWritten comes when the message is in the gather
  bool broken_ = false;         // the request is not what it should be
  bool answered_ = false;       // headers are sent
  bool idle_ = false;           // the stream waits for Connection::Resume
  bool finished_ = false;       // by the handler
  bool ended_ = false;          // with status_, by the handler or the transport
  bool gone_ = false;           // the caller
  bool tell_gone_ = false;
  bool settling_ = false;
  bool late_ = false;  // the deadline is over, and the reset to come
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_CALL_H_
