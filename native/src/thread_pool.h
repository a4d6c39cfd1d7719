// A few threads that share one loop at a time. Work items are handed out by an atomic counter, so a core that is busy
// elsewhere takes fewer of them; what an item computes must not depend on the thread that runs it.
#pragma once
#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
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
  // What fn throws ends the loop early and is thrown again here.
  void parallel_for(int items, const std::function<void(int item, int thread)>& fn);

 private:
  void work(int thread);
  void drain(int thread);

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_, finished_;
  const std::function<void(int, int)>* job_ = nullptr;
  std::atomic<int> next_{0};
  int items_ = 0;
  std::atomic<int> active_{0};
  std::atomic<uint64_t> generation_{0};
  std::exception_ptr error_;
  bool stopping_ = false;
};

}  // namespace cloze
