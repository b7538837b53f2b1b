#ifndef NMQ_TESTS_BENCH_FLOOR_SHARED_BYTES_H_
#define NMQ_TESTS_BENCH_FLOOR_SHARED_BYTES_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace nmq::bench {

// Bytes that stay where they are as long as there is a copy of this.
class SharedBytes {
 public:
  // None.
  SharedBytes() = default;
  explicit SharedBytes(std::string bytes) : bytes_(std::make_shared<const std::string>(std::move(bytes))) {}

  const char* data() const { return bytes_ == nullptr ? nullptr : bytes_->data(); }
  size_t size() const { return bytes_ == nullptr ? 0 : bytes_->size(); }

 private:
  std::shared_ptr<const std::string> bytes_;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_FLOOR_SHARED_BYTES_H_
