#ifndef NMQ_SERVER_HTTP2_CONNECTION_H_
#define NMQ_SERVER_HTTP2_CONNECTION_H_

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/http2/age_list.h"
#include "server/http2/byte_share.h"
#include "server/http2/byte_stream.h"
#include "server/http2/callers.h"
#include "server/http2/conduct.h"
#include "server/http2/connection_limits.h"
#include "server/http2/framing.h"
#include "server/http2/gather.h"
#include "server/http2/header_list.h"
#include "server/http2/keepalive.h"
#include "server/http2/leaving.h"
#include "server/http2/rotation.h"
#include "server/http2/sending.h"
#include "server/http2/stream.h"
#include "server/http2/stream_list.h"
#include "server/http2/window_pool.h"
#include "server/limits/connection_gate.h"

namespace nmq::http2 {

class Connection;

// Work for a stream that takes long: it is done in its connection's turns, as far as they go.
class Toiler {
 public:
  enum class Left : uint8_t {
    kNothing,  // for now
    kMore,
    kWaits,  // for other connections' work; then it calls Connection::GoOnToiling
  };
  // Does a part of it, and counts that (Connection::CountWork).
  virtual Left Toil() = 0;

 protected:
  ~Toiler() = default;
};

// What connections need of the loop that they live on. All on its thread.
class ConnectionHost {
 public:
  // Of the machine's monotonic clock, when the turn began.
  virtual absl::Duration now() const = 0;
  virtual Gather& gather() = 0;
  // Where every connection reads to; valid during the read only.
  virtual char* read_buffer() = 0;
  // A request has come; null if it is answered or reset already.
  virtual Stream* OnRequest(Connection* connection, int32_t stream, HeaderList headers) = 0;
  // What windows may be wider, in all connections.
  virtual WindowPool& windows() = 0;
  // What may be decompressed at once, in all connections.
  virtual ByteShare& inflating() = 0;
  // The bytes of requests that connections hold have changed by so many.
  virtual void OnHeld(int64_t bytes) = 0;
  // The bytes that connections keep for peers that do not read them have changed by so many.
  virtual void OnUnsent(int64_t bytes) = 0;
  // Flush is to be called at the end of this turn.
  virtual void Mark(Connection* connection) = 0;
  // Nothing more happens to it: it is to be deleted at the end of this turn.
  virtual void OnOver(Connection* connection) = 0;
  // There is probably more to read at once: OnReadable may be called again in this turn.
  virtual void MayReadMore(Connection* connection) = 0;
  // GoOn is to be called when it is its turn.
  virtual void GoOnLater(Connection* connection) = 0;
  // OnReadable and OnWritable are to be called when there is something.
  virtual void Await(Connection* connection, bool readable, bool writable) = 0;
  // Connections that have not had the preface and the first settings; they add and remove themselves.
  virtual AgeList<Connection>& greeting() = 0;
  // The connection is ended because of what its peer did.
  virtual void OnAbuse(const Connection& connection, absl::string_view what) = 0;
  // A request is refused with this before anybody has seen it.
  virtual void OnRefused(const absl::Status& status) = 0;

 protected:
  ~ConnectionHost() = default;
};

// One connection of HTTP/2, on nghttp2: counts what the peer makes the server do and hold before it does. On its loop's
// thread only.
class Connection {
 public:
  // Bytes that it reads at a time, so that others get their share of a turn.
  static constexpr size_t kReadBytes = 128 << 10;
  static_assert(kReadBytes >= ByteStream::kReadBytesMin);

  // `limits` and `host` must outlive it.
  Connection(ConnectionHost* host, const ConnectionLimits* limits, std::unique_ptr<ByteStream> bytes, std::string peer);
  // Ends its streams.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const std::string& peer() const { return peer_; }
  // What the peer has shown; null if it has no certificate that was verified.
  const ClientCertificate* certificate() const { return bytes_->certificate(); }
  const ConnectionLimits& limits() const { return limits_; }
  int descriptor() const { return bytes_->descriptor(); }
  // TLS is at its beginning, or changes its keys.
  bool shakes_hands() const { return bytes_->write_awaits_read(); }
  size_t streams() const { return streams_.size(); }
  // Whether it can go when descriptors are short: it has been without a request for long.
  bool IsSpare() const;
  // Of two that are, whether this one is to go first.
  bool IsMoreSpareThan(const Connection& other) const { return streams_.IsMoreSpareThan(other.streams_); }

  void OnReadable();
  // Goes on with what the last turn left, or what takes long: that is not for turns in which something has come, so
  // that those who ask little are not behind those who ask much.
  void GoOn();
  // What that turn did, in requests.
  size_t work() const { return work_; }
  // Where it waits for its turns.
  Rotation<Connection>::Entry* place() { return &place_; }
  void OnWritable();
  // Those who call by it.
  Callers& callers() { return callers_; }
  // It counts as one of its address until it ends.
  void set_pass(ConnectionGate::Pass pass) { pass_ = std::move(pass); }
  // Sends what there is, by one write.
  void Flush();
  // About once a second.
  void OnTick();
  // Tells the peer that no more requests are taken, then, when it has answered a ping or a moment is over, which was
  // the last; ends when those that it has are over.
  void Drain();
  // The same at once, for one that has no requests: those that are on their way are refused.
  void Dismiss();
  // Ends it since too many have not greeted.
  void EndGreeting();

  // Ends it at once, but for what the system has.
  void End();

  // The following are for streams, by their number.
  //
  // Answers with these headers, then the body that the stream offers and its trailers; or with the headers alone.
  void Answer(int32_t stream, const Headers& headers, bool body);
  // There is something to offer again.
  void Resume(int32_t stream);
  // Lets the peer send so many bytes more.
  void OpenWindow(int32_t stream, uint64_t bytes);
  void Reset(int32_t stream, uint32_t error);
  // Tells all but `from` that it sends what can wait.
  void Pulse(const Stream* from) const { streams_.Pulse(from); }
  // The peer has made the server work as if for so many requests more.
  void CountWork(size_t requests) { work_ += requests; }
  // `toiler` has something to do. Nothing more is read, and no other toils, before it has done that.
  void AwaitTurn(Toiler* toiler);
  // It has not any more.
  void LeaveTurns(Toiler* toiler);
  // The one that waited has something to do.
  void GoOnToiling();
  // By which windows may be wider than the limit says.
  WindowPool& windows() { return windows_; }
  // Of messages that do not come in one piece: a connection whose messages never end leaves the server's memory to
  // others.
  ByteShare& receive_share() { return receive_share_; }
  ByteShare& inflating() { return host_->inflating(); }
  // The bytes of requests that its streams hold have changed by so many.
  void CountHeld(int64_t bytes);
  int64_t held() const { return held_; }
  // Ends it since it holds more than others, and memory is short: at once, with what is to be said if the system takes
  // that.
  void EndForMemory();

 private:
  friend struct ConnectionCallbacks;

  // What nghttp2 calls. It may go on if OnFrameBegin says so.
  bool OnFrameBegin(const nghttp2_frame_hd& frame) { return conduct_.OnFrameBegin(frame, host_->now()); }
  void OnHeader(absl::string_view name, absl::string_view value);
  // The same.
  bool OnFrame(const nghttp2_frame& frame);
  // nghttp2 is to take in no more in this turn.
  bool HasWorkedEnough();
  void OnBody(int32_t stream, absl::string_view bytes);
  void OnInvalid(const nghttp2_frame& frame);
  void OnFrameSent(const nghttp2_frame& frame);
  void OnStreamClosed(int32_t stream, uint32_t error);

  void OnRequestHeaders(const nghttp2_frame& frame);
  void RefuseHeaders(int32_t stream);
  void CountUnsent();
  void KeepAlive(absl::Duration now);
  void Mark();

  // Takes in what has come, and lets its streams toil if it `toils`, but for what is more than the connection's share
  // of a turn.
  void TakeIn(absl::string_view bytes, bool toils);
  void Toil();
  // Takes nothing more, and says why, if the peer has done what it may not.
  void EndIfAbused();
  // The peer need not be told if the system does not take that at once.
  void EndAtOnce(const char* offence);
  // After reading and writing: closes if nothing is to be read nor written any more.
  void CloseIfDone();
  // Reads what the peer still sends, for nobody: if it was left, the system would throw away what the peer has not
  // read.
  void Discard();
  void Await();
  // The socket is of no use any more.
  void Over();
  void OnBytesEnded();

  ConnectionHost* const host_;
  const ConnectionLimits& limits_;
  const std::unique_ptr<ByteStream> bytes_;
  const std::string peer_;
  Framing framing_;
  Sending sending_;  // whose body is in the gather or unsent
  Unsent unsent_;
  int64_t unsent_counted_ = 0;  // as the host knows
  int64_t held_ = 0;            // bytes of requests that nobody has asked for
  size_t work_ = 0;             // in this turn, in requests
  Rotation<Connection>::Entry place_{this};
  std::deque<Toiler*> toilers_;
  bool toiler_waits_ = false;  // the first
  std::string unread_;
  bool in_turn_ = false;
  bool paused_ = false;  // nghttp2 has yet to end what it has been given
  WindowPool windows_;
  ByteShare receive_share_;
  Callers callers_;
  ConnectionGate::Pass pass_;

  // Of the headers that are coming: those of one request at a time.
  HeaderList headers_;
  bool headers_too_large_ = false;

  Conduct conduct_;
  Keepalive keepalive_;
  StreamList streams_;
  Leaving leaving_;
  AgeList<Connection>::Entry greeting_{this};
  absl::Duration ending_since_;  // if ending_ or closed_
  bool marked_ = false;
  bool ending_ = false;  // nothing more is read: what was said last is on its way
  bool closed_ = false;  // all that was to be said is with the system: the peer gets a moment to read it
  bool over_ = false;
  bool awaits_read_ = true;
  bool awaits_write_ = false;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_CONNECTION_H_
