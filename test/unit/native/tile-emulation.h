// Stand-ins for the AMX and AVX512-BF16 instructions that native/src/level_amx.cc and quantized_tiles.inc use, so that
// their packing and tiling run on any processor with AVX-512. Forced in front of that file with -include. Shapes come from the tile
// configuration as in the processor, and whatever the processor would refuse ends the program.
// Intel Architecture Instruction Set Extensions Programming Reference, chapter 3 (AMX) and 2 (AVX512_BF16).
#pragma once
#include <immintrin.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace tile_emulation {

constexpr int kTiles = 8, kRows = 16, kRowBytes = 64;

struct Tile {
  int rows = 0, row_bytes = 0;
  unsigned char bytes[kRows][kRowBytes];
};

inline Tile& tile(int index) {
  static Tile tiles[kTiles];
  return tiles[index];
}

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "general protection: %s\n", what);
  std::abort();
}

inline Tile& configured(int index) {
  require(index >= 0 && index < kTiles, "no such tile");
  require(tile(index).rows > 0, "the tile is not configured");
  return tile(index);
}

inline void loadconfig(const void* from) {
  const unsigned char* c = static_cast<const unsigned char*>(from);
  require(c[0] == 1 && c[1] == 0, "palette 1 from row 0");
  for (int i = 2; i < 16; i++) require(c[i] == 0, "reserved bytes are 0");
  for (int i = 0; i < 16; i++) {
    const int row_bytes = c[16 + 2 * i] | c[17 + 2 * i] << 8, rows = c[48 + i];
    require(i < kTiles || (rows == 0 && row_bytes == 0), "eight tiles");
    require(rows <= kRows && row_bytes <= kRowBytes && row_bytes % 4 == 0, "the tile's shape");
    require((rows == 0) == (row_bytes == 0), "rows and columns are both 0 or both not");
    if (i >= kTiles) continue;
    tile(i) = Tile{};
    tile(i).rows = rows;
    tile(i).row_bytes = row_bytes;
  }
}

inline void zero(int index) {
  Tile& t = configured(index);
  std::memset(t.bytes, 0, sizeof t.bytes);
}

inline void load(int index, const void* from, long stride) {
  Tile& t = configured(index);
  std::memset(t.bytes, 0, sizeof t.bytes);
  for (int r = 0; r < t.rows; r++) std::memcpy(t.bytes[r], static_cast<const char*>(from) + r * stride, t.row_bytes);
}

inline void store(int index, void* to, long stride) {
  const Tile& t = configured(index);
  for (int r = 0; r < t.rows; r++) std::memcpy(static_cast<char*>(to) + r * stride, t.bytes[r], t.row_bytes);
}

inline float widened(const unsigned char* p) {
  uint16_t half;
  std::memcpy(&half, p, 2);
  const uint32_t word = static_cast<uint32_t>(half) << 16;
  float value;
  std::memcpy(&value, &word, 4);
  return value;
}

// c[m][n] += a[m][2k] b[k][2n] + a[m][2k + 1] b[k][2n + 1]
inline void multiply(int ci, int ai, int bi) {
  Tile &c = configured(ci), &a = configured(ai), &b = configured(bi);
  require(ci != ai && ci != bi && ai != bi, "three different tiles");
  require(c.rows == a.rows && c.row_bytes == b.row_bytes && a.row_bytes / 4 == b.rows, "shapes that fit");
  for (int m = 0; m < c.rows; m++)
    for (int n = 0; n < c.row_bytes / 4; n++) {
      float sum;
      std::memcpy(&sum, &c.bytes[m][4 * n], 4);
      for (int k = 0; k < b.rows; k++)
        for (int half = 0; half < 2; half++)
          sum += widened(&a.bytes[m][4 * k + 2 * half]) * widened(&b.bytes[k][4 * n + 2 * half]);
      std::memcpy(&c.bytes[m][4 * n], &sum, 4);
    }
}

// c[m][n] += the sum of four products a[m][4k + i] b[k][4n + i], bytes of a signed, those of b not.
inline void multiply_bytes(int ci, int ai, int bi) {
  Tile &c = configured(ci), &a = configured(ai), &b = configured(bi);
  require(ci != ai && ci != bi && ai != bi, "three different tiles");
  require(c.rows == a.rows && c.row_bytes == b.row_bytes && a.row_bytes / 4 == b.rows, "shapes that fit");
  for (int m = 0; m < c.rows; m++)
    for (int n = 0; n < c.row_bytes / 4; n++) {
      int32_t sum;
      std::memcpy(&sum, &c.bytes[m][4 * n], 4);
      for (int k = 0; k < b.rows; k++)
        for (int i = 0; i < 4; i++) sum += (int8_t)a.bytes[m][4 * k + i] * (int)b.bytes[k][4 * n + i];
      std::memcpy(&c.bytes[m][4 * n], &sum, 4);
    }
}

inline uint16_t rounded(float value) {
  uint32_t word;
  std::memcpy(&word, &value, 4);
  return static_cast<uint16_t>((word + 0x7FFF + ((word >> 16) & 1)) >> 16);
}

// The lower half of the result comes from `low`, the upper from `high` (the first argument of cvtne2ps).
inline __m512bh convert(__m512 high, __m512 low) {
  float values[32];
  std::memcpy(values, &low, 64);
  std::memcpy(values + 16, &high, 64);
  uint16_t halves[32];
  for (int i = 0; i < 32; i++) halves[i] = rounded(values[i]);
  __m512bh result;
  std::memcpy(&result, halves, 64);
  return result;
}

inline __m256bh convert(__m512 from) {
  float values[16];
  std::memcpy(values, &from, 64);
  uint16_t halves[16];
  for (int i = 0; i < 16; i++) halves[i] = rounded(values[i]);
  __m256bh result;
  std::memcpy(&result, halves, 32);
  return result;
}

}  // namespace tile_emulation

#undef _tile_loadconfig
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbf16ps
#undef _tile_dpbsud
#define _tile_loadconfig(p) tile_emulation::loadconfig(p)
#define _tile_zero(t) tile_emulation::zero(t)
#define _tile_loadd(t, p, stride) tile_emulation::load(t, p, stride)
#define _tile_stored(t, p, stride) tile_emulation::store(t, p, stride)
#define _tile_dpbf16ps(c, a, b) tile_emulation::multiply(c, a, b)
#define _tile_dpbsud(c, a, b) tile_emulation::multiply_bytes(c, a, b)
#define _mm512_cvtneps_pbh(x) tile_emulation::convert(x)
#define _mm512_cvtne2ps_pbh(high, low) tile_emulation::convert(high, low)
