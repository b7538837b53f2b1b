// Requests of PublishStream, taken apart by hand, against Protocol Buffers' own parser; and the entries that are made
// of their messages.
#include <google/protobuf/arena.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "base/names.h"
#include "glog/logging.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/message/dead_letter.h"
#include "server/message/entry.h"
#include "server/message/incoming.h"

namespace {

using nmq::broker::Incoming;

// As a queue writes it, and as subscriptions and groups read it.
void CheckEntry(const Incoming& incoming, const nmq::v1::Message& published) {
  nmq::broker::EntrySuffix suffix(7, absl::UnixEpoch(), "publisher");
  suffix.SetSequence(36);
  std::string entry(suffix.EntrySize(incoming.body.size()), 0);
  suffix.WriteEntry(incoming.body, entry.data());
  nmq::v1::Message written;
  CHECK(written.ParseFromArray(nmq::broker::MessageOf(entry).data(),
                               static_cast<int>(nmq::broker::MessageOf(entry).size())));
  CHECK_EQ(written.queue(), published.queue());
  CHECK_EQ(written.event(), published.event());
  CHECK_EQ(written.payload(), published.payload());
  CHECK_EQ(written.key(), published.key());
  CHECK_EQ(written.sequence(), 36);
  CHECK_EQ(nmq::broker::EventOf(entry.data()), published.event());
  CHECK_EQ(nmq::broker::KeyOf(entry.data()), published.key());
  for (const auto& [name, value] : published.headers()) {
    CHECK(nmq::broker::HasHeader(entry.data(), name, &value)) << name;
    CHECK(nmq::broker::HasHeader(entry.data(), name, nullptr)) << name;
  }
  nmq::v1::Message dead = nmq::broker::ToDeadLetter(
      entry, {.group = "g", .sequence = 36, .attempts = 5, .reason = "why", .time = absl::UnixEpoch()}, "DEAD");
  CHECK_EQ(dead.payload(), published.payload());
  nmq::broker::FromDeadLetter(&dead);
  CHECK_EQ(dead.queue(), published.queue());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  google::protobuf::Arena arena;
  nmq::broker::IncomingBatch batch;
  const bool taken = nmq::broker::ParseBatch(bytes, &arena, &batch).ok();
  nmq::v1::PublishStreamRequest request;
  const bool parsed = request.ParseFromString(bytes);
  CHECK_EQ(taken, parsed);
  if (!taken) return 0;
  CHECK_EQ(batch.messages.size(), static_cast<size_t>(request.messages_size()));
  CHECK_EQ(batch.session, request.session());
  for (size_t i = 0; i < batch.messages.size(); ++i) {
    Incoming& incoming = batch.messages[i];
    const nmq::v1::Message& published = request.messages(static_cast<int>(i));
    CHECK_EQ(incoming.queue, published.queue());
    CHECK_EQ(incoming.event, published.event());
    CHECK_EQ(incoming.payload_bytes, published.payload().size());
    CHECK_EQ(incoming.audience != nullptr, published.has_audience());
    // Others are refused before anything is made of them.
    if (!nmq::IsName(incoming.queue) || !nmq::IsName(incoming.event)) continue;
    nmq::broker::EncodeBody(&arena, &incoming);
    CheckEntry(incoming, published);
  }
  return 0;
}
