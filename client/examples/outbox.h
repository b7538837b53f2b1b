// Publishing one message at a time, and learning what became of each.
#ifndef NMQ_CLIENT_EXAMPLES_OUTBOX_H_
#define NMQ_CLIENT_EXAMPLES_OUTBOX_H_

#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "client/cpp/client.h"

namespace nmq {
namespace examples {

// What became of a message.
struct Published {
  enum class Outcome {
    kYes,
    // It is certain that nobody will hear it.
    kNo,
    // The connection broke before the answer: perhaps.
    kUnknown,
  };
  Outcome outcome = Outcome::kUnknown;
  // The message's place in its queue, if it has one.
  uint64_t epoch = 0;
  uint64_t sequence = 0;
  // Why, if it is not kYes.
  std::string error;
};

// Thread-safe.
class Outbox {
 public:
  virtual ~Outbox() = default;
  // Messages are published in the order of the calls. The answer may take as long as it likes.
  virtual std::future<Published> Publish(Message message) = 0;
};

// Publishes through a client, over one stream. Thread-safe.
class NmqOutbox final : public Outbox {
 public:
  // A message that could not be sent for `patience` is given up.
  NmqOutbox(Client* client, absl::Duration patience);
  // Answers what is still unanswered.
  ~NmqOutbox() override;

  std::future<Published> Publish(Message message) override;

 private:
  struct Waiting {
    std::string queue;
    std::promise<Published> promise;
  };

  void OnResult(const BatchResult& result);

  // Held while messages are numbered, as the publisher does.
  Mutex order_mu_ ABSL_ACQUIRED_BEFORE(mu_);
  uint64_t next_ ABSL_GUARDED_BY(order_mu_) = 0;
  Mutex mu_;
  std::map<uint64_t, Waiting> waiting_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<Publisher> publisher_;
};

}  // namespace examples
}  // namespace nmq

#endif  // NMQ_CLIENT_EXAMPLES_OUTBOX_H_
