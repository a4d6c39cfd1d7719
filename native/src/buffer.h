// A block of memory aligned to a cache line (which AMX tiles and vectors want), filled with zeros. A large one is mapped
// by itself, in huge pages where the system has them: weights are read from end to end for each token, and with pages
// of 4 kB looking up the next one takes part of that time. It goes back to the system when it is freed.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace cloze {

template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t count) { reserve(count); }
  ~Buffer() { release(); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        count_(std::exchange(other.count_, 0)),
        mapped_(std::exchange(other.mapped_, 0)) {}

  // Grows to at least `count` elements; the content is lost when it grows.
  void reserve(size_t count) {
    if (count <= count_) return;
    release();
    const size_t bytes = (count * sizeof(T) + 63) / 64 * 64 + 64;
    if (!map(bytes)) {
      data_ = static_cast<T*>(std::aligned_alloc(64, bytes));
      if (data_ == nullptr) throw std::bad_alloc();
      std::memset(static_cast<void*>(data_), 0, bytes);
    }
    count_ = count;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return count_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }

 private:
  static constexpr size_t kHugePage = 2 << 20;

  bool map(size_t bytes) {
#if defined(__linux__)
    if (bytes < 2 * kHugePage) return false;
    const size_t whole = (bytes + kHugePage - 1) / kHugePage * kHugePage;
    void* got = mmap(nullptr, whole + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (got == MAP_FAILED) throw std::bad_alloc();
    // What lies before the first huge page and after the last goes back.
    char* const begin = static_cast<char*>(got);
    char* const from = begin + (kHugePage - reinterpret_cast<uintptr_t>(begin) % kHugePage) % kHugePage;
    if (from > begin) munmap(begin, from - begin);
    if (from < begin + kHugePage) munmap(from + whole, begin + kHugePage - from);
    madvise(from, whole, MADV_HUGEPAGE);
    data_ = reinterpret_cast<T*>(from);
    mapped_ = whole;
    return true;
#else
    (void)bytes;
    return false;
#endif
  }

  void release() {
#if defined(__linux__)
    if (mapped_ > 0) munmap(static_cast<void*>(data_), mapped_);
#endif
    if (mapped_ == 0) std::free(data_);
    data_ = nullptr;
    count_ = mapped_ = 0;
  }

  T* data_ = nullptr;
  size_t count_ = 0;
  size_t mapped_ = 0;  // bytes, where it is not on the heap
};

}  // namespace cloze
