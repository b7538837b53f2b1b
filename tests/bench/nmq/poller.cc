#include "tests/bench/nmq/poller.h"

namespace nmq::bench {

Poller::Poller() {
  thread_ = std::thread([this] {
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) static_cast<Tag*>(tag)->Run(ok);
  });
}

Poller::~Poller() {
  queue_.Shutdown();
  thread_.join();
}

}  // namespace nmq::bench
