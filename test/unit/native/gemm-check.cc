// Holds one level's matrix product against three plain loops: every way of packing, sizes that end inside a block, a
// right-hand side deeper than the product, accumulation. All memory ends at a page that may not be touched.
// Compiled with -DLEVEL=<namespace> and, where operands are rounded to bfloat16 on the way, -DROUNDED.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "gemm.h"
#include "guarded.h"

using cloze::bf16;
using cloze::Gemm;
using cloze::half;
using cloze::Source;

namespace {

#ifdef ROUNDED
constexpr bool kRounded = true;
#else
constexpr bool kRounded = false;
#endif

std::mt19937 random_bits(7);
std::uniform_real_distribution<float> uniform(-1, 1);

float value(float x) { return x; }
float value(bf16 x) { return cloze::to_float(x); }
float value(half x) { return cloze::to_float(x); }
void put(float& to, float x) { to = x; }
void put(bf16& to, float x) { to = cloze::to_bf16(x); }
void put(half& to, float x) { to = cloze::to_half(x); }

template <class T>
double operand(T x) {
  return kRounded ? cloze::to_float(cloze::to_bf16(value(x))) : value(x);
}

// A matrix of rows x columns as a source, in one of its two orders, with `gap` unused values between stored rows.
template <class T>
struct Matrix {
  Matrix(int rows, int columns, bool transposed, int gap)
      : ld((transposed ? rows : columns) + gap),
        transposed(transposed),
        values((size_t)ld * ((transposed ? columns : rows) - 1) + (transposed ? rows : columns)) {
    for (int r = 0; r < rows; r++)
      for (int c = 0; c < columns; c++) put(at(r, c), uniform(random_bits));
  }
  T& at(int r, int c) { return values[transposed ? (size_t)c * ld + r : (size_t)r * ld + c]; }
  Source<T> source() { return {values.data(), ld, transposed}; }
  int ld;
  bool transposed;
  Guarded<T> values;
};

int checks = 0;

template <class A, class B>
void check(const Gemm& gemm, int M, int N, int K, int depth, bool a_transposed, bool b_transposed, bool accumulate) {
  Matrix<A> a(M, K, a_transposed, M % 3);
  Matrix<B> b(depth, N, b_transposed, N % 5);
  Guarded<char> lhs(gemm.lhs_bytes(M, K)), rhs(gemm.rhs_bytes(depth, N));
  // What packing leaves out would be read as NaN.
  std::memset(lhs.data(), 0xFF, gemm.lhs_bytes(M, K));
  std::memset(rhs.data(), 0xFF, gemm.rhs_bytes(depth, N));
  gemm.pack_lhs(M, K, a.source(), lhs.data());
  gemm.pack_rhs(depth, N, b.source(), rhs.data());
  const int ldc = N + N % 4;
  const size_t size = (size_t)ldc * (M - 1) + N;
  Guarded<float> c(size), before(size);
  for (size_t i = 0; i < size; i++) before[i] = c[i] = uniform(random_bits);
  gemm.multiply(M, N, K, lhs.data(), rhs.data(), depth, c.data(), ldc, accumulate);
  checks++;
  for (int m = 0; m < M; m++) {
    for (int n = 0; n < N; n++) {
      const size_t i = (size_t)m * ldc + n;
      double sum = accumulate ? before[i] : 0, size_of_terms = std::fabs(sum);
      for (int k = 0; k < K; k++) {
        const double term = operand(a.at(m, k)) * operand(b.at(k, n));
        sum += term;
        size_of_terms += std::fabs(term);
      }
      if (!(std::fabs(c[i] - sum) <= 2e-6 * size_of_terms + 1e-7)) {
        std::printf("%dx%dx%d (depth %d) lhs %zu%s rhs %zu%s%s: C[%d][%d] is %.9g, not %.9g\n", M, N, K, depth,
                    sizeof(A) * 8, a_transposed ? "t" : "", sizeof(B) * 8, b_transposed ? "t" : "",
                    accumulate ? " accumulated" : "", m, n, c[i], sum);
        std::exit(1);
      }
    }
    for (int n = N; n < ldc && m + 1 < M; n++) {
      if (c[(size_t)m * ldc + n] != before[(size_t)m * ldc + n]) {
        std::printf("%dx%dx%d: wrote beyond row %d of C\n", M, N, K, m);
        std::exit(1);
      }
    }
  }
}

template <class A, class B>
void check_orders(const Gemm& gemm, int M, int N, int K, int depth) {
  for (int bits = 0; bits < 8; bits++) check<A, B>(gemm, M, N, K, depth, bits & 1, bits & 2, bits & 4);
}

void check_types(const Gemm& gemm, int M, int N, int K, int depth) {
  check_orders<float, float>(gemm, M, N, K, depth);
  check_orders<bf16, bf16>(gemm, M, N, K, depth);
  check_orders<float, bf16>(gemm, M, N, K, depth);
  check_orders<bf16, float>(gemm, M, N, K, depth);
  if (kRounded) return;  // halves are not for tiles
  check_orders<half, half>(gemm, M, N, K, depth);
  check_orders<float, half>(gemm, M, N, K, depth);
}

// Rows and columns packed in chunks, and a product of columns from the middle of a packed right-hand side.
void check_chunks(const Gemm& gemm) {
  const int M = 2 * gemm.row_block + 3, N = 3 * gemm.column_block + 5, K = 70;
  Matrix<float> a(M, K, false, 0), b(K, N, true, 0);
  Guarded<char> lhs(gemm.lhs_bytes(M, K)), rhs(gemm.rhs_bytes(K, N));
  for (int m = 0; m < M; m += gemm.row_block) {
    const Source<float> rows = {a.values.data() + (size_t)m * a.ld, a.ld, false};
    gemm.pack_lhs(std::min(gemm.row_block, M - m), K, rows, lhs.data() + gemm.lhs_bytes(m, K));
  }
  for (int n = 0; n < N; n += gemm.column_block) {
    const Source<float> columns = {b.values.data() + (size_t)n * b.ld, b.ld, true};
    gemm.pack_rhs(K, std::min(gemm.column_block, N - n), columns, rhs.data() + gemm.rhs_bytes(K, n));
  }
  Guarded<float> c((size_t)M * N);
  for (int n = 0; n < N; n += 2 * gemm.column_block) {
    const int columns = std::min(2 * gemm.column_block, N - n);
    gemm.multiply(M, columns, K, lhs.data(), rhs.data() + gemm.rhs_bytes(K, n), K, c.data() + n, N, false);
  }
  for (int m = 0; m < M; m++) {
    for (int n = 0; n < N; n++) {
      double sum = 0;
      for (int k = 0; k < K; k++) sum += operand(a.at(m, k)) * operand(b.at(k, n));
      if (!(std::fabs(c[(size_t)m * N + n] - sum) < 1e-4)) {
        std::printf("in chunks: C[%d][%d] is %.9g, not %.9g\n", m, n, c[(size_t)m * N + n], sum);
        std::exit(1);
      }
    }
  }
  checks++;
}

}  // namespace

int main() {
  const Gemm& gemm = cloze::LEVEL::gemm;
  const int sizes[][4] = {{1, 1, 1, 1},     {1, 7, 3, 5},      {3, 33, 31, 31},   {5, 64, 65, 65},   {12, 32, 32, 33},
                          {15, 31, 2, 2},   {16, 16, 16, 48},  {16, 100, 600, 600}, {17, 17, 17, 17},  {31, 40, 96, 100},
                          {32, 32, 32, 32}, {33, 33, 33, 64},  {47, 63, 64, 64},  {48, 65, 29, 61},  {49, 32, 130, 130},
                          {64, 96, 64, 96}, {70, 20, 300, 301}, {96, 47, 515, 1000}, {97, 64, 1024, 1024}};
  for (const auto& s : sizes) check_types(gemm, s[0], s[1], s[2], s[3]);
  check_chunks(gemm);
  std::printf("%d products agree\n", checks);
}
