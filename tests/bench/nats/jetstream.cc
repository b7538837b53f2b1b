#include "tests/bench/nats/jetstream.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace nmq::bench {

absl::StatusOr<JetStream> OpenJetStream(const std::string& address, const NatsConnectionOptions& connection,
                                        jsOptions* options) {
  absl::StatusOr<NatsConnection> opened = OpenNatsConnection(address, connection);
  if (!opened.ok()) return opened.status();
  jsCtx* context = nullptr;
  const natsStatus status = natsConnection_JetStream(&context, opened->get(), options);
  if (status != NATS_OK) return FromNats(status, "opening JetStream");
  return JetStream{*std::move(opened), JetStreamContext(context)};
}

absl::Status MakeStream(const std::string& address, const std::string& queue) {
  absl::StatusOr<JetStream> stream = OpenJetStream(address, {});
  if (!stream.ok()) return stream.status();
  const std::string subject = SubjectOf(queue);
  const char* subjects[] = {subject.c_str()};
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  config.Name = queue.c_str();
  config.Subjects = subjects;
  config.SubjectsLen = 1;
  config.Storage = js_FileStorage;
  jsErrCode error = jsErrCode(0);
  const natsStatus status = js_AddStream(nullptr, stream->context.get(), &config, nullptr, &error);
  return FromJetStream(status, error, "making a stream");
}

std::string SubjectOf(const std::string& queue) { return absl::StrCat(queue, ".tick"); }

absl::Status FromJetStream(natsStatus status, jsErrCode error, absl::string_view what) {
  if (status == NATS_OK) return absl::OkStatus();
  return FromNats(status, absl::StrCat(what, ", JetStream's error ", static_cast<int>(error)));
}

}  // namespace nmq::bench
