#ifndef NMQ_TESTS_BENCH_NATS_JETSTREAM_H_
#define NMQ_TESTS_BENCH_NATS_JETSTREAM_H_

#include <nats/nats.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/bench/nats/nats_connection.h"

namespace nmq::bench {

using JetStreamContext = std::unique_ptr<jsCtx, NatsDestroy<jsCtx, jsCtx_Destroy>>;
using JetStreamSubscription =
    std::unique_ptr<natsSubscription, NatsDestroy<natsSubscription, natsSubscription_Destroy>>;

// A connection and its context, which goes first.
struct JetStream {
  NatsConnection connection;
  JetStreamContext context;
};

// `options` may be null: the library's defaults.
absl::StatusOr<JetStream> OpenJetStream(const std::string& address, const NatsConnectionOptions& connection,
                                        jsOptions* options = nullptr);

// Makes the stream of a queue, in files, unless it is there.
absl::Status MakeStream(const std::string& address, const std::string& queue);

// The queue's subject.
std::string SubjectOf(const std::string& queue);

// OK if it is NATS_OK; `error` is what JetStream says beside it.
absl::Status FromJetStream(natsStatus status, jsErrCode error, absl::string_view what);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NATS_JETSTREAM_H_
