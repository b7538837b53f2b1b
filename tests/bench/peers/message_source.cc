#include "tests/bench/peers/message_source.h"

#include <algorithm>
#include <utility>

namespace nmq::bench {

MessageSource::MessageSource(std::unique_ptr<PublishLink> link, const LinkSpec& spec, size_t publisher,
                             size_t publishers)
    : link_(std::move(link)),
      names_(spec.names.size()),
      next_name_(publisher * names_ / publishers),
      stamp_{.publisher = static_cast<uint16_t>(publisher)},
      payload_(spec.payload_bytes, 'x') {}

absl::Status MessageSource::Add(int messages, int64_t now) {
  stamp_.time = now;
  for (int i = 0; i < messages; ++i) {
    WriteStamp(stamp_, payload_.data());
    if (absl::Status status = link_->Add(next_name_, payload_); !status.ok()) return status;
    ++stamp_.number;
    if (++next_name_ == names_) next_name_ = 0;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<MessageSource>> OpenSources(const LinkSpec& spec, int publishers, const LinkOpener& open) {
  if (spec.names.empty()) return absl::InvalidArgumentError("messages have no destination");
  std::vector<MessageSource> sources;
  const size_t count = static_cast<size_t>(std::max(1, publishers));
  for (size_t i = 0; i < count; ++i) {
    absl::StatusOr<std::unique_ptr<PublishLink>> link = open(spec);
    if (!link.ok()) return link.status();
    sources.emplace_back(*std::move(link), spec, i, count);
  }
  return sources;
}

}  // namespace nmq::bench
