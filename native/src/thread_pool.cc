#include "thread_pool.h"

#include <system_error>
#include <utility>

namespace cloze {

namespace {
// Loops follow each other within microseconds while a model runs; a worker that slept between them would cost more
// than the loop. It spins this long (about 20 us), then sleeps, so that an idle model uses no processor time.
constexpr int kSpins = 2000;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}
}  // namespace

ThreadPool::ThreadPool(int threads) {
  try {
    for (int t = 1; t < threads; t++) workers_.emplace_back([this, t] { work(t); });
  } catch (const std::system_error&) {
    // A limit on threads: those that started do the work.
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    generation_++;
  }
  wake_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadPool::drain(int thread) {
  try {
    for (int item; (item = next_.fetch_add(1, std::memory_order_relaxed)) < items_;) job_.call(job_.fn, item, thread);
  } catch (...) {
    next_.store(items_, std::memory_order_relaxed);
    std::lock_guard<std::mutex> lock(mutex_);
    if (!error_) error_ = std::current_exception();
  }
}

void ThreadPool::work(int thread) {
  uint64_t seen = 0;
  for (;;) {
    for (int i = 0; i < kSpins && generation_.load(std::memory_order_acquire) == seen; i++) pause();
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return generation_.load() != seen; });
      seen = generation_.load();
      if (stopping_) return;
      if (job_.fn == nullptr) continue;  // woke after the others had finished the loop
      active_++;
    }
    drain(thread);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      active_--;
    }
    finished_.notify_one();
  }
}

void ThreadPool::run(int items, Job job) {
  if (items <= 0) return;
  if (workers_.empty() || items == 1) {
    for (int i = 0; i < items; i++) job.call(job.fn, i, 0);
    return;
  }
  {
    std::lock_guard<std::mutex> lock(mutex_);
    job_ = job;
    items_ = items;
    next_.store(0, std::memory_order_relaxed);
    generation_.fetch_add(1, std::memory_order_release);
  }
  wake_.notify_all();
  drain(0);
  for (int i = 0; i < kSpins && active_.load(std::memory_order_acquire) != 0; i++) pause();
  std::unique_lock<std::mutex> lock(mutex_);
  finished_.wait(lock, [&] { return active_ == 0; });
  job_ = {};
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

}  // namespace cloze
