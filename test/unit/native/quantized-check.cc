// Holds one level's products of quantised weights against plain loops: packing of floats and of stored bytes, sizes that
// end inside a panel or a group, all formats. Whole numbers are compared exactly. All memory ends at a page that may not
// be touched. Compiled with -DLEVEL=<namespace>.
#include "quantized.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "bf16.h"
#include "float16.h"
#include "guarded.h"

using cloze::quant_depth;
using cloze::quant_groups;
using cloze::QuantFormat;
using cloze::QuantizedRows;
using cloze::Stored;

namespace {

const auto& gemm = cloze::LEVEL::quantized_gemm;
std::mt19937 random_bits(11);
std::normal_distribution<float> normal(0, 1);
int checks = 0;

[[noreturn]] void fail(const char* what, int M, int N, int K, QuantFormat f, int at) {
  std::printf("%s: %dx%dx%d, %d bits, group %d, at %d\n", what, M, N, K, f.bits, f.group, at);
  std::exit(1);
}

// W [N, K] in plain whole numbers and scales, as the definition has it.
struct Plain {
  Plain(int N, int K, QuantFormat f, const float* w) : q((size_t)N * K), scales((size_t)N * quant_groups(f, K)) {
    const int groups = quant_groups(f, K), size = f.group == 0 ? K : f.group;
    const float top = f.bits == 4 ? 7 : 127;
    for (int n = 0; n < N; n++)
      for (int k = 0; k < K; k++) {
        const size_t g = (size_t)n * groups + k / size;
        if (k % size == 0) {
          float most = 0;
          for (int i = k; i < K && i < k + size; i++) most = std::fmax(most, std::fabs(w[(size_t)n * K + i]));
          scales[g] = cloze::half_bits(most / top);
        }
        const float s = cloze::half_value(scales[g]);
        q[(size_t)n * K + k] = s > 0 ? std::fmin(std::fmax(std::nearbyint(w[(size_t)n * K + k] / s), -top), top) : 0;
      }
  }
  std::vector<int8_t> q;
  std::vector<uint16_t> scales;
};

void check(int M, int N, int K, QuantFormat f) {
  const int groups = quant_groups(f, K), depth = quant_depth(K), size = f.group == 0 ? K : f.group;
  Guarded<float> w((size_t)N * K), x((size_t)M * K);
  for (size_t i = 0; i < (size_t)N * K; i++) w[i] = normal(random_bits) * (i % 97 == 0 ? 5 : 0.02f);
  for (size_t i = 0; i < (size_t)M * K; i++) x[i] = normal(random_bits);
  for (int k = 0; k < K; k++) w[(size_t)(N - 1) * K + k] = 0;
  for (int k = 0; k < K; k++) x[(size_t)(M - 1) * K + k] *= M > 2 ? 0 : 1;
  const Plain plain(N, K, f, w.data());

  const long bytes = gemm.packed_bytes(K, N, f);
  Guarded<char> packed(bytes), again(bytes);
  gemm.pack(K, N, f, Stored::float32, w.data(), packed.data());
  const int stored_row = f.bits == 8 ? K : (K + 1) / 2;
  Guarded<int8_t> stored((size_t)N * stored_row);
  for (int n = 0; n < N; n++)
    for (int k = 0; k < K; k++) {
      const int8_t q = plain.q[(size_t)n * K + k];
      int8_t& to = stored[(size_t)n * stored_row + (f.bits == 8 ? k : k / 2)];
      if (f.bits == 8) to = q;
      else to = (int8_t)(k % 2 == 0 ? q << 4 : (to & 0xF0) | (q & 15));
    }
  gemm.pack_stored(K, N, f, stored.data(), plain.scales.data(), again.data());
  if (std::memcmp(packed.data(), again.data(), bytes) != 0) fail("packed from floats and from bytes", M, N, K, f, 0);
  Guarded<int8_t> kept((size_t)N * stored_row);
  Guarded<uint16_t> kept_scales((size_t)N * groups);
  if (!gemm.store(K, N, f, false, Stored::float32, w.data(), kept.data(), kept_scales.data())) fail("stored", M, N, K, f, 0);
  if (std::memcmp(kept.data(), stored.data(), (size_t)N * stored_row) != 0) fail("stored bytes", M, N, K, f, 0);
  if (std::memcmp(kept_scales.data(), plain.scales.data(), 2 * plain.scales.size()) != 0)
    fail("stored scales", M, N, K, f, 0);
  for (const float wrong : {INFINITY, -INFINITY, NAN}) {
    const float right = w[(size_t)N * K / 2];
    w[(size_t)N * K / 2] = wrong;
    if (gemm.store(K, N, f, false, Stored::float32, w.data(), kept.data(), kept_scales.data())) fail("stored without end", M, N, K, f, 0);
    w[(size_t)N * K / 2] = right;
  }
  // In chunks of outputs.
  Guarded<float> row(K);
  for (int n = 0; n < N; n += 2 * gemm.column_block) {
    const int count = std::min(2 * gemm.column_block, N - n);
    gemm.pack(K, count, f, Stored::float32, w.data() + (size_t)n * K, again.data() + gemm.packed_bytes(K, n, f));
  }
  if (std::memcmp(packed.data(), again.data(), bytes) != 0) fail("packed in chunks", M, N, K, f, 0);
  for (int n = 0; n < N; n++) {
    gemm.unpack_row(K, f, packed.data(), n, row.data());
    for (int k = 0; k < K; k++) {
      const float wanted = cloze::half_value(plain.scales[(size_t)n * groups + k / size]) * plain.q[(size_t)n * K + k];
      if (row[k] != wanted) fail("unpacked", M, N, K, f, n * K + k);
    }
  }

  Guarded<int8_t> q((size_t)M * depth);
  Guarded<float> scales((size_t)M * groups), c((size_t)M * N), single(N);
  Guarded<int32_t> sums((size_t)M * groups);
  std::memset(q.data(), 99, (size_t)M * depth);
  const QuantizedRows rows = {q.data(), scales.data(), sums.data()};
  gemm.quantize_rows(M, K, f, x.data(), rows);
  for (int m = 0; m < M; m++)
    for (int g = 0; g < groups; g++) {
      const int begin = g * size, end = std::min(K, begin + size);
      float most = 0;
      int sum = 0;
      for (int k = begin; k < end; k++) most = std::fmax(most, std::fabs(x[(size_t)m * K + k]));
      const float inverse = most > 0 ? 127.0f / most : 0.0f;
      for (int k = begin; k < end; k++) {
        const int wanted = (int)std::nearbyint(x[(size_t)m * K + k] * inverse);
        if (q[(size_t)m * depth + k] != wanted) fail("activation", M, N, K, f, m * K + k);
        sum += wanted;
      }
      if (scales[(size_t)m * groups + g] != most / 127.0f) fail("activation's scale", M, N, K, f, m);
      if (sums[(size_t)m * groups + g] != sum) fail("activation's sum", M, N, K, f, m);
    }
  for (int m = 0; m < M; m++)
    for (int k = K; k < depth; k++)
      if (q[(size_t)m * depth + k] != 0) fail("padding", M, N, K, f, m);

  gemm.multiply(M, N, K, f, rows, packed.data(), c.data(), N);
  for (int m = 0; m < M; m++) {
    const QuantizedRows one = {q.data() + (size_t)m * depth, scales.data() + (size_t)m * groups,
                               sums.data() + (size_t)m * groups};
    gemm.multiply(1, N, K, f, one, packed.data(), single.data(), N);
    for (int n = 0; n < N; n++) {
      double wanted = 0, terms = 0;
      for (int g = 0; g < groups; g++) {
        int64_t sum = 0;
        for (int k = g * size; k < std::min(K, (g + 1) * size); k++)
          sum += (int64_t)q[(size_t)m * depth + k] * plain.q[(size_t)n * K + k];
        const double term = (double)sum * scales[(size_t)m * groups + g] *
                            cloze::half_value(plain.scales[(size_t)n * groups + g]);
        wanted += term;
        terms += std::fabs(term);
      }
      if (!(std::fabs(c[(size_t)m * N + n] - wanted) <= 4e-7 * terms)) fail("product", M, N, K, f, m * N + n);
      if (c[(size_t)m * N + n] != single[n]) fail("a row alone", M, N, K, f, m * N + n);
    }
  }
  checks++;
}

// Weights of 16 bits become what the same values become as floats, not finite ones too.
template <class E>
void check_stored(int N, int K, QuantFormat f, Stored type, uint16_t infinity) {
  Guarded<E> w((size_t)N * K);
  Guarded<float> wide((size_t)N * K);
  const int row = f.bits == 8 ? K : (K + 1) / 2, groups = quant_groups(f, K);
  Guarded<int8_t> q((size_t)N * row), wide_q((size_t)N * row);
  Guarded<uint16_t> scales((size_t)N * groups), wide_scales((size_t)N * groups);
  const long bytes = gemm.packed_bytes(K, N, f);
  Guarded<char> packed(bytes), wide_packed(bytes);
  const uint16_t kinds[] = {0, 1, infinity, (uint16_t)(infinity | 1), (uint16_t)(infinity | 0x8000)};
  for (int round = 0; round < 5; round++) {
    for (size_t i = 0; i < (size_t)N * K; i++) {
      uint16_t bits;
      do bits = (uint16_t)random_bits();
      while ((bits & infinity) == infinity);
      // The second round has numbers near each other, the later ones one that is not finite.
      if (round > 0) bits = (uint16_t)((bits & 0x80FF) | (infinity / 2 & infinity));
      w[i] = E{bits};
    }
    if (round > 1) w[random_bits() % ((size_t)N * K)] = E{kinds[round]};
    for (size_t i = 0; i < (size_t)N * K; i++) wide[i] = to_float(w[i]);
    for (const bool search : {false, true}) {
      const bool finite = gemm.store(K, N, f, search, type, w.data(), q.data(), scales.data());
      if (finite != gemm.store(K, N, f, search, Stored::float32, wide.data(), wide_q.data(), wide_scales.data()) ||
          finite != (round < 2))
        fail("16 bits, finite", 0, N, K, f, round);
      if (finite && (std::memcmp(q.data(), wide_q.data(), (size_t)N * row) != 0 ||
                     std::memcmp(scales.data(), wide_scales.data(), 2 * (size_t)N * groups) != 0))
        fail("16 bits, stored", 0, N, K, f, round);
    }
    gemm.pack(K, N, f, type, w.data(), packed.data());
    gemm.pack(K, N, f, Stored::float32, wide.data(), wide_packed.data());
    if (std::memcmp(packed.data(), wide_packed.data(), bytes) != 0) fail("16 bits, packed", 0, N, K, f, round);
  }
  checks++;
}

void check_halves() {
  for (int bits = 0; bits < 0x7C00; bits++) {
    const float x = cloze::half_value((uint16_t)bits);
    if (to_float(cloze::half{(uint16_t)bits}) != x || to_float(cloze::half{(uint16_t)(bits | 0x8000)}) != -x)
      fail("float16 with its sign", 0, 0, 0, {}, bits);
    if (cloze::half_bits(x) != bits) fail("float16 there and back", 0, 0, 0, {}, bits);
    if (bits + 1 < 0x7C00) {
      const float middle = (x + cloze::half_value((uint16_t)(bits + 1))) / 2;
      const int even = bits % 2 == 0 ? bits : bits + 1;
      if (cloze::half_bits(middle) != even) fail("float16 halfway", 0, 0, 0, {}, bits);
    }
  }
  if (cloze::half_bits(1e9f) != 0x7BFF) fail("float16 beyond its range", 0, 0, 0, {}, 0);
  checks++;
}

}  // namespace

int main() {
  check_halves();
  const QuantFormat formats[] = {{8, 0}, {8, 32}, {8, 64}, {4, 0}, {4, 32}, {4, 64}};
  const int sizes[][3] = {{1, 1, 1},   {1, 33, 7},   {2, 5, 19},   {3, 31, 33},  {5, 70, 24},    {7, 64, 65},
                          {13, 9, 96}, {26, 40, 63}, {31, 17, 64}, {97, 8, 160}, {25, 100, 515}, {6, 32, 1024}};
  for (const auto& f : formats)
    for (const auto& s : sizes) check(s[0], s[1], s[2], f);
  for (const auto& f : formats)
    for (const auto& s : sizes) {
      check_stored<cloze::half>(s[1], s[2], f, Stored::float16, 0x7C00);
      check_stored<cloze::bf16>(s[1], s[2], f, Stored::bfloat16, 0x7F80);
    }
  check(2, 3, cloze::kLargestQuantDepth, {8, 0});
  std::printf("%d checks agree\n", checks);
}
