// Matrix products C[M,N] = A[M,K] B[K,N] from operands packed into a level's own order, accumulated in float32.
// A is the left-hand side ("lhs"), B the right-hand side ("rhs"). Weights are packed once for each optimizer step,
// activations on the fly. Defines: Gemm, gemm_for.
#pragma once
#include "bf16.h"
#include "cpu.h"
#include "float16.h"

namespace cloze {

// A matrix in row-major order with leading dimension ld. `transposed` means that the stored matrix is the transpose of
// the one meant: element (r, c) lies at x[c * ld + r].
template <class T>
struct Source {
  const T* x;
  int ld;
  bool transposed;
};

struct Gemm {
  const char* name;
  // Chunks of rows of A and of columns of B that are addressed on their own start at multiples of these.
  int row_block, column_block;
  // Bytes of a packed operand. Packed rows (columns) before row m of A (column n of B), a multiple of the block, take
  // lhs_bytes(m, K) (rhs_bytes(K, n)).
  long (*lhs_bytes)(int M, int K);
  long (*rhs_bytes)(int K, int N);
  void (*pack_lhs_float)(int M, int K, Source<float> a, void* out);
  void (*pack_lhs_bf16)(int M, int K, Source<bf16> a, void* out);
  void (*pack_lhs_half)(int M, int K, Source<half> a, void* out);
  void (*pack_rhs_float)(int K, int N, Source<float> b, void* out);
  void (*pack_rhs_bf16)(int K, int N, Source<bf16> b, void* out);
  void (*pack_rhs_half)(int K, int N, Source<half> b, void* out);
  // C = or += A B. `rhs_depth` is the K that B was packed with: the product may use the first K rows of a deeper B.
  void (*multiply)(int M, int N, int K, const void* lhs, const void* rhs, int rhs_depth, float* C, int ldc,
                   bool accumulate);

  void pack_lhs(int M, int K, Source<float> a, void* out) const { pack_lhs_float(M, K, a, out); }
  void pack_lhs(int M, int K, Source<bf16> a, void* out) const { pack_lhs_bf16(M, K, a, out); }
  void pack_lhs(int M, int K, Source<half> a, void* out) const { pack_lhs_half(M, K, a, out); }
  void pack_rhs(int K, int N, Source<float> b, void* out) const { pack_rhs_float(K, N, b, out); }
  void pack_rhs(int K, int N, Source<bf16> b, void* out) const { pack_rhs_bf16(K, N, b, out); }
  void pack_rhs(int K, int N, Source<half> b, void* out) const { pack_rhs_half(K, N, b, out); }
};

// The product used at a level when activations are float or half (exact), or bf16 (AMX tiles where there are any).
template <class T>
const Gemm& gemm_for(Level level);

#define CLOZE_DECLARE_GEMM(NAME) \
  namespace NAME {               \
  extern const Gemm gemm;        \
  }
CLOZE_DECLARE_GEMM(portable)
CLOZE_DECLARE_GEMM(avx2)
CLOZE_DECLARE_GEMM(avx512)
CLOZE_DECLARE_GEMM(amx)
CLOZE_DECLARE_GEMM(neon)

}  // namespace cloze
