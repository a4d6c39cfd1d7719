// bf16 products on AMX tiles. A tile holds 16 rows of 64 bytes; tdpbf16ps multiplies A (16 rows x 32 deep) with B (32
// deep x 16 columns, two neighbours in depth beside each other) and adds to a 16 x 16 float tile in 16 cycles. The block
// is 2 x 2 tiles: four loads for four products, half of them from the first-level cache.
//
// Packed A: panels of 32 rows; for each 32 of depth two tiles (rows 0-15, 16-31) of 1 KB.
// Packed B: panels of 32 columns; for each 32 of depth two tiles (columns 0-15, 16-31) of 1 KB, as 16 rows of depth
// pairs: a 32-bit word is the pair (B[2p][n], B[2p+1][n]).
#include <immintrin.h>

#include "gemm.h"

namespace cloze {
namespace amx {
namespace {

constexpr int kPanel = 32, kDepth = 32, kTile = 512;  // kTile: bf16 values in a tile
constexpr int kDepthChunk = 512;                      // A 32-column panel of B of this depth is 32 KB.

inline int round_up(int n, int block) { return (n + block - 1) / block * block; }

long lhs_bytes(int M, int K) { return (long)round_up(M, kPanel) * round_up(K, kDepth) * 2; }
long rhs_bytes(int K, int N) { return (long)round_up(N, kPanel) * round_up(K, kDepth) * 2; }

// Sixteen values as bf16, each in the lower half of a 32-bit word.
inline __m512i words(const bf16* p) { return _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)p)); }
inline __m512i words(const float* p) {
  return _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(p)));
}

// 32 values as bf16.
inline __m512i row(const bf16* p) { return _mm512_loadu_si512(p); }
inline __m512i row(const float* p) {
  return (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(p + 16), _mm512_loadu_ps(p));
}

// Transposes 16 x 16 words.
inline void transpose(__m512i r[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
  for (int i = 0; i < 8; i++) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
  }
}

// One tile from 16 rows of 32 values: the rows as they are (A), or transposed by words (B from a transposed source).
template <class T, bool kTranspose>
inline void tile_from_rows(const T* x, int ld, bf16* out) {
  __m512i r[16];
  for (int i = 0; i < 16; i++) r[i] = row(x + (long)i * ld);
  if (kTranspose) transpose(r);
  for (int i = 0; i < 16; i++) _mm512_store_si512(out + i * 32, r[i]);
}

// One tile from 32 rows of 16 values: neighbouring rows paired into words (B), then transposed (A from a transposed
// source).
template <class T, bool kTranspose>
inline void tile_from_columns(const T* x, int ld, bf16* out) {
  __m512i r[16];
  for (int i = 0; i < 16; i++) {
    const __m512i even = words(x + (long)(2 * i) * ld), odd = words(x + (long)(2 * i + 1) * ld);
    r[i] = _mm512_or_si512(even, _mm512_slli_epi32(odd, 16));
  }
  if (kTranspose) transpose(r);
  for (int i = 0; i < 16; i++) _mm512_store_si512(out + i * 32, r[i]);
}

// Packs `count` outer indices x K depth into panels. kOuterRows: the source's rows run over the outer index (depth is
// contiguous). kLhs: the A form of a tile, else the B form.
template <class T, bool kLhs, bool kOuterRows>
void pack(int count, int K, const T* x, int ld, bf16* out) {
  alignas(64) T edge[32 * 32];
  for (int p = 0; p < count; p += 16) {
    const int n = count - p < 16 ? count - p : 16;
    bf16* tile = out + (long)(p / kPanel) * kPanel * round_up(K, kDepth) + (p % kPanel ? kTile : 0);
    for (int k = 0; k < K; k += kDepth, tile += 2 * kTile) {
      const int depth = K - k < kDepth ? K - k : kDepth;
      const T* from = kOuterRows ? x + (long)p * ld + k : x + (long)k * ld + p;
      int step = ld;
      if (n < 16 || depth < kDepth) {
        const int rows = kOuterRows ? 16 : 32, columns = kOuterRows ? 32 : 16;
        for (int i = 0; i < rows; i++)
          for (int j = 0; j < columns; j++) {
            const bool inside = kOuterRows ? (i < n && j < depth) : (i < depth && j < n);
            edge[i * columns + j] = inside ? from[(long)i * ld + j] : T{};
          }
        from = edge;
        step = columns;
      }
      if (kOuterRows) {
        tile_from_rows<T, !kLhs>(from, step, tile);
      } else {
        tile_from_columns<T, kLhs>(from, step, tile);
      }
    }
  }
  // The second half of the last panel, when the count ends in the first.
  if (((count + 15) / 16) % 2) {
    bf16* tile = out + (long)(count / kPanel) * kPanel * round_up(K, kDepth) + kTile;
    for (int k = 0; k < K; k += kDepth, tile += 2 * kTile) __builtin_memset(tile, 0, kTile * 2);
  }
}

template <class T>
void pack_lhs(int M, int K, Source<T> a, void* out) {
  if (a.transposed) {
    pack<T, true, false>(M, K, a.x, a.ld, static_cast<bf16*>(out));
  } else {
    pack<T, true, true>(M, K, a.x, a.ld, static_cast<bf16*>(out));
  }
}

template <class T>
void pack_rhs(int K, int N, Source<T> b, void* out) {
  if (b.transposed) {
    pack<T, false, true>(N, K, b.x, b.ld, static_cast<bf16*>(out));
  } else {
    pack<T, false, false>(N, K, b.x, b.ld, static_cast<bf16*>(out));
  }
}

struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t column_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

// c (32 x 32, leading dimension ldc) = or += a b over `steps` tiles of depth.
inline void block(int steps, const bf16* a, const bf16* b, float* c, int ldc, bool accumulate) {
  const long stride = (long)ldc * 4;
  float *c10 = c + 16 * (long)ldc, *c01 = c + 16, *c11 = c10 + 16;
  if (accumulate) {
    _tile_loadd(0, c, stride);
    _tile_loadd(1, c01, stride);
    _tile_loadd(2, c10, stride);
    _tile_loadd(3, c11, stride);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int s = 0; s < steps; s++, a += 2 * kTile, b += 2 * kTile) {
    _tile_loadd(4, a, 64);
    _tile_loadd(6, b, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, b + kTile, 64);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a + kTile, 64);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, c, stride);
  _tile_stored(1, c01, stride);
  _tile_stored(2, c10, stride);
  _tile_stored(3, c11, stride);
}

// At most 16 rows (a few tokens of Part B): the upper two tiles only.
inline void thin_block(int steps, const bf16* a, const bf16* b, float* c) {
  _tile_zero(0);
  _tile_zero(1);
  for (int s = 0; s < steps; s++, a += 2 * kTile, b += 2 * kTile) {
    _tile_loadd(4, a, 64);
    _tile_loadd(6, b, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, b + kTile, 64);
    _tile_dpbf16ps(1, 4, 7);
  }
  _tile_stored(0, c, 128);
  _tile_stored(1, c + 16, 128);
}

inline void copy_edge(int rows, int columns, const float* from, float* c, int ldc, bool add) {
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++)
      c[(long)i * ldc + j] = from[i * 32 + j] + (add ? c[(long)i * ldc + j] : 0.0f);
}

void multiply(int M, int N, int K, const void* lhs, const void* rhs, int rhs_depth, float* C, int ldc,
              bool accumulate) {
  static const TileConfig config;
  _tile_loadconfig(&config);
  alignas(64) float edge[32 * 32];
  const int depth = round_up(K, kDepth);
  for (int n = 0; n < N; n += kPanel) {
    const bf16* panel = static_cast<const bf16*>(rhs) + (long)n * round_up(rhs_depth, kDepth);
    const int columns = N - n < kPanel ? N - n : kPanel;
    if (M <= 16) {
      thin_block(depth / kDepth, static_cast<const bf16*>(lhs), panel, edge);
      copy_edge(M, columns, edge, C + n, ldc, accumulate);
      continue;
    }
    for (int k = 0; k < depth; k += kDepthChunk) {
      const int steps = (depth - k < kDepthChunk ? depth - k : kDepthChunk) / kDepth;
      const bool add = accumulate || k > 0;
      for (int m = 0; m < M; m += kPanel) {
        const bf16* a = static_cast<const bf16*>(lhs) + (long)m * depth + (long)k * kPanel;
        const bf16* b = panel + (long)k * kPanel;
        float* c = C + (long)m * ldc + n;
        const int rows = M - m < kPanel ? M - m : kPanel;
        if (rows == kPanel && columns == kPanel) {
          block(steps, a, b, c, ldc, add);
        } else {
          block(steps, a, b, edge, 32, false);
          copy_edge(rows, columns, edge, c, ldc, add);
        }
      }
    }
  }
}

}  // namespace

// Halves are multiplied in float: gemm_for<half> never gives this product.
const Gemm gemm = {"amx", kPanel, kPanel, lhs_bytes, rhs_bytes, pack_lhs<float>, pack_lhs<bf16>, nullptr,
                   pack_rhs<float>, pack_rhs<bf16>, nullptr, multiply};

}  // namespace amx
}  // namespace cloze
