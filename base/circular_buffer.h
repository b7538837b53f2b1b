#ifndef NMQ_BASE_CIRCULAR_BUFFER_H_
#define NMQ_BASE_CIRCULAR_BUFFER_H_

#include <cstddef>
#include <memory>
#include <utility>

namespace nmq {

// A queue with random access, grown by doubling and never shrunk below what it holds. T must be default constructible
// and movable. Not thread-safe. Indices are from the front; the caller keeps them in range.
template <typename T>
class CircularBuffer {
 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  T& operator[](size_t i) { return items_[(head_ + i) & (capacity_ - 1)]; }
  const T& operator[](size_t i) const { return items_[(head_ + i) & (capacity_ - 1)]; }
  T& front() { return (*this)[0]; }
  const T& front() const { return (*this)[0]; }
  T& back() { return (*this)[size_ - 1]; }
  const T& back() const { return (*this)[size_ - 1]; }

  void push_back(T item) {
    if (size_ == capacity_) Resize(capacity_ == 0 ? kCapacityMin : capacity_ * 2);
    items_[(head_ + size_) & (capacity_ - 1)] = std::move(item);
    ++size_;
  }

  void pop_front() {
    items_[head_] = T();
    head_ = (head_ + 1) & (capacity_ - 1);
    --size_;
    // A quarter full is left alone at half the size, so that a steady load does not resize back and forth.
    if (capacity_ > kCapacityMin && size_ < capacity_ / 8) Resize(capacity_ / 2);
  }

  void pop_back() {
    back() = T();
    --size_;
  }

 private:
  static constexpr size_t kCapacityMin = 8;  // a power of two, like every capacity

  void Resize(size_t capacity) {
    auto items = std::make_unique<T[]>(capacity);
    for (size_t i = 0; i < size_; ++i) items[i] = std::move((*this)[i]);
    items_ = std::move(items);
    capacity_ = capacity;
    head_ = 0;
  }

  std::unique_ptr<T[]> items_;
  size_t capacity_ = 0;
  size_t head_ = 0;
  size_t size_ = 0;
};

}  // namespace nmq

#endif  // NMQ_BASE_CIRCULAR_BUFFER_H_
