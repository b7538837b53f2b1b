#ifndef NMQ_SERVER_HTTP2_HEADER_LIST_H_
#define NMQ_SERVER_HTTP2_HEADER_LIST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/free_memory.h"

namespace nmq::http2 {

// The headers of a request, in order, in one piece of memory. For one thread at a time.
class HeaderList {
 public:
  // What HTTP/2 counts for each besides its bytes.
  static constexpr size_t kFieldBytes = 32;

  // False, and it is not added, if the list would have more than `bytes_max` as HTTP/2 counts them.
  bool Add(absl::string_view name, absl::string_view value, size_t bytes_max) {
    const size_t size = bytes_ + name.size() + value.size() + kFieldBytes;
    if (size > bytes_max) return false;
    bytes_ = size;
    text_.append(name.data(), name.size());
    text_.append(value.data(), value.size());
    fields_.push_back({static_cast<uint32_t>(name.size()), static_cast<uint32_t>(value.size())});
    return true;
  }

  // The first of this name, in lower case; empty if there is none.
  absl::string_view Find(absl::string_view name) const {
    absl::string_view found;
    Each([&](absl::string_view one, absl::string_view value) {
      if (one != name) return true;
      found = value;
      return false;
    });
    return found;
  }

  // Calls `visit(name, value)` for each until it returns false.
  template <typename Visit>
  void Each(Visit visit) const {
    absl::string_view rest = text_;
    for (const Field& field : fields_) {
      if (!visit(rest.substr(0, field.name), rest.substr(field.name, field.value))) return;
      rest.remove_prefix(field.name + field.value);
    }
  }

  // As HTTP/2 counts them.
  size_t bytes() const { return bytes_; }

  // Forgets them, and gives their memory back.
  void Clear() {
    bytes_ = 0;
    FreeMemory(&text_);
    FreeMemory(&fields_);
  }
  void ShrinkToFit() {
    text_.shrink_to_fit();
    fields_.shrink_to_fit();
  }

 private:
  struct Field {
    uint32_t name;
    uint32_t value;
  };

  size_t bytes_ = 0;
  std::string text_;
  std::vector<Field> fields_;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_HEADER_LIST_H_
