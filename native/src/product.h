// A matrix product of operands that are not packed yet, with room for the packed ones of one thread.
#pragma once
#include "buffer.h"
#include "gemm.h"

namespace cloze {

class Product {
 public:
  // c [m, n] = or += a [m, k] b [k, n]
  void operator()(const Gemm& gemm, int m, int n, int k, Source<float> a, Source<float> b, float* c, bool accumulate) {
    lhs_.reserve(gemm.lhs_bytes(m, k));
    rhs_.reserve(gemm.rhs_bytes(k, n));
    gemm.pack_lhs(m, k, a, lhs_.data());
    gemm.pack_rhs(k, n, b, rhs_.data());
    gemm.multiply(m, n, k, lhs_.data(), rhs_.data(), k, c, n, accumulate);
  }

 private:
  Buffer<char> lhs_, rhs_;
};

}  // namespace cloze
