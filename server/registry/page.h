#ifndef NMQ_SERVER_REGISTRY_PAGE_H_
#define NMQ_SERVER_REGISTRY_PAGE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "server/limits/limits.h"

namespace nmq::broker {

// One page of a list: at most so many entries, and so many bytes, but at least one entry.
template <typename Entry>
class Page {
 public:
  static constexpr size_t kBytesMax = 1 << 20;

  // `wanted` entries, 0 for the default. `entries` must outlive the page.
  Page(const Limits& limits, uint32_t wanted, google::protobuf::RepeatedPtrField<Entry>* entries)
      : count_max_(wanted == 0 ? limits.page_default : std::min<uint64_t>(wanted, limits.page_max)),
        entries_(entries) {}

  // False, now and for ever after, if the page has no place for `entry`.
  bool Add(Entry entry) {
    // With the tag and the length before each entry.
    const size_t bytes = entry.ByteSizeLong() + 5;
    const auto count = static_cast<uint64_t>(entries_->size());
    if (count > 0 && (count >= count_max_ || bytes_ + bytes > kBytesMax)) full_ = true;
    if (full_) return false;
    bytes_ += bytes;
    *entries_->Add() = std::move(entry);
    return true;
  }

  // Whether an entry was turned away: there is a next page.
  bool full() const { return full_; }

 private:
  const uint64_t count_max_;
  google::protobuf::RepeatedPtrField<Entry>* const entries_;
  size_t bytes_ = 0;
  bool full_ = false;
};

// A token for the page of `list` in `name_space` that goes on after `key`, a name.
std::string PageToken(absl::string_view list, absl::string_view name_space, absl::string_view key);

// The key in `token`, empty if the token is. INVALID_ARGUMENT if it was not made for this list in this namespace.
absl::StatusOr<std::string> KeyOfPageToken(absl::string_view list, absl::string_view name_space,
                                           absl::string_view token);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_REGISTRY_PAGE_H_
