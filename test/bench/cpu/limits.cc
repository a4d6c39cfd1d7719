// What the processor can do at best, for the floors of `npm run bench -- cpu`: `limits THREADS BYTES...` prints
// multiplications with addition a second of float32 and of bytes, and for each number of bytes how many a second are
// read when the threads share them and read them again and again. Compiled for the machine that it runs on.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <thread>
#include <vector>
#if defined(__AVX512VNNI__)
#include <immintrin.h>
#endif

namespace {

typedef float Floats __attribute__((vector_size(64)));
typedef long long Words __attribute__((vector_size(64)));
constexpr int kChains = 12, kSteps = 4096;
volatile float sink;

// Chains with names of their own: the compiler keeps an array of such vectors in memory, and each step would wait for it.
void multiply_floats() {
  Floats a, b;
  for (int i = 0; i < 16; i++) a[i] = 1.0f + 1e-7f * i, b[i] = 1e-9f * i;
  Floats s0 = b, s1 = b, s2 = b, s3 = b, s4 = b, s5 = b, s6 = b, s7 = b, s8 = b, s9 = b, s10 = b, s11 = b;
  const auto step = [&](Floats& sum) __attribute__((always_inline)) {
    sum = sum * a + b;
    asm volatile("" : "+v"(sum));
  };
  for (int s = 0; s < kSteps; s++) {
    step(s0), step(s1), step(s2), step(s3), step(s4), step(s5);
    step(s6), step(s7), step(s8), step(s9), step(s10), step(s11);
  }
  const Floats total = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11;
  sink = total[0];
}

#if defined(__AVX512VNNI__)
void multiply_bytes() {
  __m512i sums[kChains] = {}, a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(-2);
  for (int s = 0; s < kSteps; s++) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; c++) {
      sums[c] = _mm512_dpbusd_epi32(sums[c], a, b);
      asm volatile("" : "+v"(sums[c]));
    }
  }
  int total = 0;
  for (auto& sum : sums) total += _mm512_reduce_add_epi32(sum);
  sink = static_cast<float>(total);
}
#endif

void read_bytes(const Words* from, size_t count) {
  Words sums[8] = {};
  size_t i = 0;
  for (; i + 8 <= count; i += 8)
#pragma GCC unroll 8
    for (int c = 0; c < 8; c++) sums[c] ^= from[i + c];
  long long all = 0;
  for (auto& sum : sums) all ^= sum[0];
  sink = static_cast<float>(all);
}

// Seconds of processor time of this thread: what other programs take meanwhile does not count.
double now() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec + 1e-9 * time.tv_nsec;
}

// The best of some tries of a twentieth of a second, in work a second of all threads.
template <class F>
double rate(int threads, double work, const F& run) {
  double best = 0;
  for (int attempt = 0; attempt < 5; attempt++) {
    std::vector<double> rates(threads);
    std::vector<std::thread> team;
    for (int t = 0; t < threads; t++)
      team.emplace_back([&, t] {
        const double begin = now();
        double seconds = 0, done = 0;
        for (; seconds < 0.05; done++) {
          run(t);
          seconds = now() - begin;
        }
        rates[t] = done * work / seconds;
      });
    double sum = 0;
    for (int t = 0; t < threads; t++) team[t].join(), sum += rates[t];
    if (sum > best) best = sum;
  }
  return best;
}

}  // namespace

int main(int count, char** arguments) {
  const int threads = count > 1 ? std::atoi(arguments[1]) : 1;
  std::printf("{\"float\":%.0f", rate(threads, 16.0 * kChains * kSteps, [](int) { multiply_floats(); }));
#if defined(__AVX512VNNI__)
  std::printf(",\"byte\":%.0f", rate(threads, 64.0 * kChains * kSteps, [](int) { multiply_bytes(); }));
#endif
  std::printf(",\"reads\":{");
  for (int i = 2; i < count; i++) {
    const size_t words = std::strtoull(arguments[i], nullptr, 10) / sizeof(Words) / threads;
    void* memory = std::aligned_alloc(64, words * threads * sizeof(Words));
    if (memory == nullptr) return 1;
    std::memset(memory, 1, words * threads * sizeof(Words));
    const Words* from = static_cast<const Words*>(memory);
    const double best = rate(threads, static_cast<double>(words * sizeof(Words)),
                             [&](int t) { read_bytes(from + words * t, words); });
    std::printf("%s\"%s\":%.0f", i > 2 ? "," : "", arguments[i], best);
    std::free(memory);
  }
  std::printf("}}\n");
}
