// Memory that ends at a page which may not be touched, for the checks of kernels.
#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

// `count` values whose last one is followed by a page that faults.
template <class T>
class Guarded {
 public:
  explicit Guarded(size_t count) {
    const size_t page = sysconf(_SC_PAGESIZE), bytes = count * sizeof(T), pages = (bytes + page - 1) / page;
    size_ = (pages + 1) * page;
    base_ = static_cast<char*>(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED || mprotect(base_ + pages * page, page, PROT_NONE) != 0) std::abort();
    data_ = reinterpret_cast<T*>(base_ + pages * page - bytes);
  }
  ~Guarded() { munmap(base_, size_); }
  Guarded(const Guarded&) = delete;
  T* data() { return data_; }
  T& operator[](size_t i) { return data_[i]; }

 private:
  char* base_;
  size_t size_;
  T* data_;
};
