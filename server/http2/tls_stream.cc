#include "server/http2/tls_stream.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "server/http2/client_certificate.h"

namespace nmq::http2 {
namespace {

constexpr size_t kRecordBytes = 16 << 10;
// Encrypted before it is sent.
constexpr size_t kWireBytes = 64 << 10;
// More than OpenSSL keeps of what has arrived: one record that is not whole.
constexpr size_t kKeptBytesMax = 20 << 10;
// Read at once, so that others get their turn: much of it may be in small records, which take long.
constexpr size_t kArrivedBytesMax = 64 << 10;
// Of TLS's own, such as new keys, which take long: so many, and one for so many bytes.
constexpr uint64_t kMessagesMax = 100;
constexpr uint64_t kBytesForMessage = 64 << 10;
// What the peer lets wait, and does not read, of the answers to its handshake messages.
constexpr size_t kLeftBytesMax = 256 << 10;

static_assert(ByteStream::kReadBytesMin > kKeptBytesMax);

// Of a thread, for all its streams. Nothing is in it between calls.
struct TlsScratch {
  char record[kRecordBytes];
  std::string wire;
};

TlsScratch& Scratch() {
  thread_local const auto scratch = std::make_unique<TlsScratch>();
  return *scratch;
}

}  // namespace

// What OpenSSL reads and writes: memory, that never blocks a write.
struct TlsBio {
  static BIO* New(TlsStream* stream) {
    static BIO_METHOD* const method = NewMethod();
    BIO* const bio = BIO_new(method);
    if (bio == nullptr) return nullptr;
    BIO_set_data(bio, stream);
    BIO_set_init(bio, 1);
    return bio;
  }
  static BIO_METHOD* NewMethod() {
    BIO_METHOD* const method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "nmq");
    BIO_meth_set_read(method, Read);
    BIO_meth_set_write(method, Write);
    BIO_meth_set_ctrl(method, [](BIO*, int command, long, void*) -> long { return command == BIO_CTRL_FLUSH; });
    return method;
  }
  static int Read(BIO* bio, char* to, int size) {
    BIO_clear_retry_flags(bio);
    absl::string_view& arrived = static_cast<TlsStream*>(BIO_get_data(bio))->arrived_;
    if (arrived.empty()) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const size_t part = std::min(arrived.size(), static_cast<size_t>(size));
    std::memcpy(to, arrived.data(), part);
    arrived.remove_prefix(part);
    return static_cast<int>(part);
  }
  static void OnMessage(int, int, int type, const void*, size_t, SSL*, void* stream) {
    if (type == SSL3_RT_HANDSHAKE || type == SSL3_RT_ALERT) static_cast<TlsStream*>(stream)->CountMessage();
  }
  static int Write(BIO* bio, const char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    Scratch().wire.append(bytes, static_cast<size_t>(size));
    return size;
  }
};

void TlsStream::CountMessage() {
  if (!greeted_ || ++messages_ <= kMessagesMax + read_bytes_ / kBytesForMessage) return;
  failure_ = "too many messages that carry no data";
  arrived_ = {};
}

// What Write is given, from some byte on.
class TlsStream::Plain {
 public:
  Plain(const iovec* pieces, size_t count) : piece_(pieces), end_(pieces + count) { Settle(); }

  bool empty() const { return piece_ == end_; }
  // What the next record has: of one piece if that is long, else copied into `record`.
  absl::string_view Next(char* record) const {
    const absl::string_view first = Rest(piece_, at_);
    if (first.size() >= kRecordBytes || piece_ + 1 == end_) return first.substr(0, kRecordBytes);
    size_t size = 0;
    size_t at = at_;
    for (const iovec* piece = piece_; piece != end_ && size < kRecordBytes; ++piece, at = 0) {
      const absl::string_view part = Rest(piece, at).substr(0, kRecordBytes - size);
      std::memcpy(record + size, part.data(), part.size());
      size += part.size();
    }
    return {record, size};
  }
  // How many bytes were dropped: `bytes`, unless there are fewer.
  size_t Drop(size_t bytes) {
    size_t left = bytes;
    while (!empty() && left > 0) {
      const size_t part = std::min(left, piece_->iov_len - at_);
      at_ += part;
      left -= part;
      Settle();
    }
    return bytes - left;
  }

 private:
  static absl::string_view Rest(const iovec* piece, size_t at) {
    return {static_cast<const char*>(piece->iov_base) + at, piece->iov_len - at};
  }
  void Settle() {
    for (; !empty() && at_ == piece_->iov_len; ++piece_) at_ = 0;
  }

  const iovec* piece_;
  const iovec* const end_;
  size_t at_ = 0;
};

TlsStream::TlsStream(SslPtr ssl, int descriptor) : ssl_(std::move(ssl)), socket_(descriptor), ended_(ssl_ == nullptr) {
  write_awaits_read_ = true;
  if (ended_) return;
  BIO* const bio = TlsBio::New(this);
  ended_ = bio == nullptr;
  if (ended_) return;
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_msg_callback(ssl_.get(), TlsBio::OnMessage);
  SSL_set_msg_callback_arg(ssl_.get(), this);
}

TlsStream::~TlsStream() = default;

ssize_t TlsStream::Read(char* to, size_t size) {
  if (ended_ || !SendLeft()) return kEnded;
  // A record's bytes are more than those in it, so what is decrypted to the front never reaches what is left behind it.
  char* const wire = to + kKeptBytesMax;
  const ssize_t moved = socket_.Read(wire, std::min(size - kKeptBytesMax, kArrivedBytesMax));
  if (moved < 0) return moved;
  arrived_ = {wire, static_cast<size_t>(moved)};
  const size_t read = Decrypt(to, size);
  arrived_ = {};
  read_bytes_ += read;
  write_awaits_read_ = SSL_in_init(ssl_.get()) != 0;
  if (!greeted_ && !write_awaits_read_) {
    greeted_ = true;
    certificate_ = ReadClientCertificate(*ssl_);
  }
  if (!SendWire() || failure_ != nullptr) ended_ = true;
  if (read == 0) return ended_ ? kEnded : kBlocked;
  // So that the descriptor stays readable, and the end is read next.
  if (ended_) shutdown(descriptor(), SHUT_RD);
  return static_cast<ssize_t>(read);
}

size_t TlsStream::Decrypt(char* to, size_t size) {
  ERR_clear_error();
  size_t read = 0;
  while (read < size) {
    size_t part = 0;
    const int outcome = SSL_read_ex(ssl_.get(), to + read, size - read, &part);
    if (outcome != 1) {
      Stop(outcome);
      break;
    }
    read += part;
  }
  return read;
}

void TlsStream::Stop(int outcome) {
  const int error = SSL_get_error(ssl_.get(), outcome);
  if (error != SSL_ERROR_WANT_READ) ended_ = true;
  if (error == SSL_ERROR_SSL) {
    const char* const reason = ERR_reason_error_string(ERR_peek_error());
    failure_ = reason != nullptr ? reason : "TLS has failed";
  }
  ERR_clear_error();
}

ssize_t TlsStream::Write(const iovec* pieces, size_t count) {
  if (ended_ || !SendLeft()) return kEnded;
  if (wants_write_ || write_awaits_read_) return kBlocked;
  Plain plain(pieces, count);
  size_t taken = plain.Drop(ahead_);
  ahead_ -= taken;
  while (!plain.empty()) {
    const size_t encrypted = Encrypt(&plain);
    if (!SendWire()) ended_ = true;
    if (ended_) return kEnded;
    if (wants_write_) ahead_ = encrypted;
    if (wants_write_ || encrypted == 0) break;
    taken += encrypted;
  }
  return taken > 0 ? static_cast<ssize_t>(taken) : kBlocked;
}

// As much as is sent at once; less if OpenSSL takes no more.
size_t TlsStream::Encrypt(Plain* plain) {
  ERR_clear_error();
  size_t encrypted = 0;
  while (!plain->empty() && Scratch().wire.size() < kWireBytes) {
    const absl::string_view record = plain->Next(Scratch().record);
    size_t part = 0;
    const int outcome = SSL_write_ex(ssl_.get(), record.data(), record.size(), &part);
    if (outcome != 1) {
      Stop(outcome);
      write_awaits_read_ = true;
      break;
    }
    encrypted += plain->Drop(part);
  }
  return encrypted;
}

bool TlsStream::Send(absl::string_view* bytes) {
  while (!bytes->empty()) {
    const iovec piece = {const_cast<char*>(bytes->data()), bytes->size()};
    const ssize_t sent = socket_.Write(&piece, 1);
    if (sent == kEnded) return false;
    if (sent == kBlocked) break;
    bytes->remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool TlsStream::SendLeft() {
  if (left_.empty()) return true;
  absl::string_view rest = left_;
  if (!Send(&rest)) return false;
  left_.erase(0, left_.size() - rest.size());
  wants_write_ = !left_.empty();
  if (!left_.empty()) return true;
  left_.shrink_to_fit();
  if (closing_) socket_.CloseWrite();
  return true;
}

bool TlsStream::SendWire() {
  std::string& wire = Scratch().wire;
  absl::string_view rest = wire;
  const bool open = !left_.empty() || Send(&rest);
  if (open) left_.append(rest.data(), rest.size());
  wire.clear();
  wants_write_ = !left_.empty();
  if (left_.size() > kLeftBytesMax) failure_ = "more answers of TLS wait than the peer takes";
  return open && failure_ == nullptr;
}

void TlsStream::CloseWrite() {
  if (!ended_ && SSL_in_init(ssl_.get()) == 0) {
    SSL_shutdown(ssl_.get());
    SendWire();
    ERR_clear_error();
  }
  closing_ = true;
  if (left_.empty()) socket_.CloseWrite();
}

}  // namespace nmq::http2
