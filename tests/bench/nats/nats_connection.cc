#include "tests/bench/nats/nats_connection.h"

#include <atomic>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace nmq::bench {
namespace {

using NatsOptions = std::unique_ptr<natsOptions, NatsDestroy<natsOptions, natsOptions_Destroy>>;

std::atomic<bool> has_dropped{false};

void OnError(natsConnection*, natsSubscription*, natsStatus error, void*) {
  if (error == NATS_SLOW_CONSUMER) has_dropped.store(true);
}

natsStatus MakeOptions(const std::string& address, const NatsConnectionOptions& wanted, NatsOptions* made) {
  natsOptions* options = nullptr;
  natsStatus status = natsOptions_Create(&options);
  made->reset(options);
  const bool tls = absl::StartsWith(address, kTlsScheme);
  const std::string url = tls ? address : absl::StrCat("nats://", address);
  if (status == NATS_OK) status = natsOptions_SetURL(options, url.c_str());
  if (status == NATS_OK && tls) status = natsOptions_SetSecure(options, true);
  // What is measured begins when the handshake is over.
  if (status == NATS_OK && tls) status = natsOptions_SkipServerVerification(options, true);
  if (status == NATS_OK) status = natsOptions_SetAllowReconnect(options, false);
  if (status == NATS_OK) status = natsOptions_SetErrorHandler(options, &OnError, nullptr);
  if (status == NATS_OK) status = natsOptions_SetWriteDeadline(options, kNatsPatience);
  if (status == NATS_OK) status = natsOptions_SetSendAsap(options, wanted.send_at_once);
  if (status == NATS_OK) status = natsOptions_UseGlobalMessageDelivery(options, wanted.pooled_delivery);
  return status;
}

}  // namespace

absl::StatusOr<NatsConnection> OpenNatsConnection(const std::string& address, const NatsConnectionOptions& options) {
  NatsOptions made;
  natsConnection* connection = nullptr;
  natsStatus status = MakeOptions(address, options, &made);
  if (status == NATS_OK) status = natsConnection_Connect(&connection, made.get());
  if (status != NATS_OK) return FromNats(status, absl::StrCat("connecting to ", address));
  return NatsConnection(connection);
}

bool NatsHasDropped() { return has_dropped.load(); }

absl::Status FromNats(natsStatus status, absl::string_view what) {
  if (status == NATS_OK) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(what, ": ", natsStatus_GetText(status)));
}

}  // namespace nmq::bench
