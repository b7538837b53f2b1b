#ifndef NMQ_SERVER_METRICS_COUNTERS_H_
#define NMQ_SERVER_METRICS_COUNTERS_H_

#include <atomic>
#include <cstdint>

#include "nmq/v1/registry.pb.h"

namespace nmq::broker {

// What happened to a namespace, queue, client or subscription since it exists. Thread-safe; each counter by itself.
struct Counters {
  std::atomic<uint64_t> published_messages{0};
  std::atomic<uint64_t> published_bytes{0};
  std::atomic<uint64_t> delivered_messages{0};
  std::atomic<uint64_t> delivered_bytes{0};
  std::atomic<uint64_t> dropped_messages{0};
  std::atomic<uint64_t> refused_requests{0};

  void Published(uint64_t messages, uint64_t bytes) {
    published_messages.fetch_add(messages, std::memory_order_relaxed);
    published_bytes.fetch_add(bytes, std::memory_order_relaxed);
  }
  void Delivered(uint64_t messages, uint64_t bytes) {
    delivered_messages.fetch_add(messages, std::memory_order_relaxed);
    delivered_bytes.fetch_add(bytes, std::memory_order_relaxed);
  }
  void Dropped(uint64_t messages) { dropped_messages.fetch_add(messages, std::memory_order_relaxed); }
  void Refused() { refused_requests.fetch_add(1, std::memory_order_relaxed); }

  void ToProto(v1::Counters* out) const {
    out->set_published_messages(published_messages.load(std::memory_order_relaxed));
    out->set_published_bytes(published_bytes.load(std::memory_order_relaxed));
    out->set_delivered_messages(delivered_messages.load(std::memory_order_relaxed));
    out->set_delivered_bytes(delivered_bytes.load(std::memory_order_relaxed));
    out->set_dropped_messages(dropped_messages.load(std::memory_order_relaxed));
    out->set_refused_requests(refused_requests.load(std::memory_order_relaxed));
  }
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_METRICS_COUNTERS_H_
