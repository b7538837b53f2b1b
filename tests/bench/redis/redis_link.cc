#include "tests/bench/redis/redis_link.h"

#include <deque>
#include <utility>

#include "tests/bench/peers/socket.h"
#include "tests/bench/redis/redis_protocol.h"

namespace nmq::bench {
namespace {

// Pipelines the PUBLISH commands of a batch.
class RedisLink final : public PublishLink, private ReplyHandler {
 public:
  RedisLink(Socket socket, const LinkSpec& spec) : socket_(std::move(socket)), window_(spec.window), reader_(this) {
    for (const std::string& channel : spec.names) prefixes_.push_back(PublishPrefix(channel, spec.payload_bytes));
  }

  absl::Status Add(size_t name, absl::string_view payload) override {
    batch_.append(prefixes_[name]);
    batch_.append(payload.data(), payload.size());
    batch_.append("\r\n");
    ++added_;
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> Send() override {
    const uint64_t before = answered_;
    while (unanswered_.size() >= window_) {
      if (absl::Status status = Read(true); !status.ok()) return status;
    }
    if (absl::Status status = socket_.Send(batch_); !status.ok()) return status;
    batch_.clear();
    unanswered_.push_back(added_);
    if (absl::Status status = Read(false); !status.ok()) return status;
    return answered_ - before;
  }

  absl::StatusOr<uint64_t> Confirm() override {
    const uint64_t before = answered_;
    while (!unanswered_.empty()) {
      if (absl::Status status = Read(true); !status.ok()) return status;
    }
    return answered_ - before;
  }

 private:
  // Reads replies; waits for one if `wait`.
  absl::Status Read(bool wait) {
    char buffer[4096];
    const absl::StatusOr<size_t> size =
        wait ? socket_.Read(buffer, sizeof(buffer)) : socket_.ReadWhatIsThere(buffer, sizeof(buffer));
    if (!size.ok()) return size.status();
    if (absl::Status status = reader_.Feed({buffer, *size}); !status.ok()) return status;
    while (!unanswered_.empty() && unanswered_.front() <= answered_) unanswered_.pop_front();
    return absl::OkStatus();
  }

  void OnInteger() override { ++answered_; }

  Socket socket_;
  const size_t window_;
  ReplyReader reader_;
  std::vector<std::string> prefixes_;
  std::string batch_;
  // Messages so far.
  uint64_t added_ = 0;
  uint64_t answered_ = 0;
  // What was added up to the end of each batch that has no answer yet.
  std::deque<uint64_t> unanswered_;
};

}  // namespace

LinkOpener RedisLinks(const std::string& address) {
  return [address](const LinkSpec& spec) -> absl::StatusOr<std::unique_ptr<PublishLink>> {
    absl::StatusOr<Socket> socket = Socket::Connect(address);
    if (!socket.ok()) return socket.status();
    return std::make_unique<RedisLink>(*std::move(socket), spec);
  };
}

}  // namespace nmq::bench
