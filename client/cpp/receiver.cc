#include "client/cpp/receiver.h"

#include "absl/base/thread_annotations.h"
#include "server/base/mutex.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

struct Present {
  Mutex mu;
  std::weak_ptr<Receiver> receiver ABSL_GUARDED_BY(mu);
};

}  // namespace

std::shared_ptr<Receiver> Receiver::Shared() {
  // Never destroyed: threads may outlive static objects.
  static auto* const present = new Present;
  MutexLock lock(&present->mu);
  std::shared_ptr<Receiver> receiver = present->receiver.lock();
  if (receiver == nullptr) {
    receiver = std::make_shared<Receiver>();
    present->receiver = receiver;
  }
  return receiver;
}

Receiver::Receiver() : thread_([this] { Run(); }) {}

Receiver::~Receiver() {
  queue_.Shutdown();
  thread_.join();
}

void Receiver::Run() {
  void* tag;
  bool ok;
  while (queue_.Next(&tag, &ok)) (*static_cast<Tag*>(tag))(ok);
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
