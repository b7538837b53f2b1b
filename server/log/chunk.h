#ifndef NMQ_SERVER_LOG_CHUNK_H_
#define NMQ_SERVER_LOG_CHUNK_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace nmq::log {

// A block of bytes that is filled from the front and shared by reference. What was appended never changes, so readers
// of earlier bytes need no lock; appending needs the lock of the ring that owns the chunk.
class Chunk {
 public:
  explicit Chunk(size_t capacity) : capacity_(capacity), bytes_(new char[capacity]) {}
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;

  const char* data() const { return bytes_.get(); }
  size_t size() const { return size_; }
  size_t room() const { return capacity_ - size_; }

  // Makes `size` bytes part of the chunk and returns where to write them. size <= room().
  char* Extend(size_t size) {
    char* at = bytes_.get() + size_;
    size_ += size;
    return at;
  }

  void Ref() { refs_.fetch_add(1, std::memory_order_relaxed); }
  void Unref() {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  ~Chunk() = default;

  std::atomic<uint32_t> refs_{1};
  const size_t capacity_;
  size_t size_ = 0;
  const std::unique_ptr<char[]> bytes_;
};

// A counted reference to a chunk. Copies may live on any thread.
class ChunkRef {
 public:
  ChunkRef() = default;
  // Takes over one reference.
  static ChunkRef Adopt(Chunk* chunk) {
    ChunkRef ref;
    ref.chunk_ = chunk;
    return ref;
  }
  ChunkRef(const ChunkRef& other) : chunk_(other.chunk_) {
    if (chunk_ != nullptr) chunk_->Ref();
  }
  ChunkRef(ChunkRef&& other) noexcept : chunk_(std::exchange(other.chunk_, nullptr)) {}
  ChunkRef& operator=(ChunkRef other) noexcept {
    std::swap(chunk_, other.chunk_);
    return *this;
  }
  ~ChunkRef() {
    if (chunk_ != nullptr) chunk_->Unref();
  }

  Chunk* get() const { return chunk_; }
  Chunk* operator->() const { return chunk_; }
  explicit operator bool() const { return chunk_ != nullptr; }
  // Gives the reference away; the caller must Unref it.
  Chunk* Release() { return std::exchange(chunk_, nullptr); }

 private:
  Chunk* chunk_ = nullptr;
};

// Some bytes of a chunk, kept alive by the reference.
struct ByteRange {
  ChunkRef chunk;
  uint32_t offset = 0;
  uint32_t length = 0;

  const char* data() const { return chunk->data() + offset; }
};

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_CHUNK_H_
