// A few threads that share one loop at a time. Work items are handed out by an atomic counter, so a core that is busy
// elsewhere takes fewer of them; what an item computes must not depend on the thread that runs it.
#pragma once
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace cloze {

class ThreadPool {
 public:
  // Works with fewer threads where the system starts no more of them.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls fn(item, thread) for every item in [0, items); returns when all are done. `thread` < threads().
  // What fn throws ends the loop early and is thrown again here. Allocates nothing.
  template <class F>
  void parallel_for(int items, const F& fn) {
    run(items, {&fn, [](const void* f, int item, int thread) { (*static_cast<const F*>(f))(item, thread); }});
  }

 private:
  struct Job {
    const void* fn = nullptr;
    void (*call)(const void* fn, int item, int thread) = nullptr;
  };
  void run(int items, Job job);
  void work(int thread);
  void drain(int thread);

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_, finished_;
  Job job_;
  std::atomic<int> next_{0};
  int items_ = 0;
  std::atomic<int> active_{0};
  std::atomic<uint64_t> generation_{0};
  std::exception_ptr error_;
  bool stopping_ = false;
};

}  // namespace cloze
