// The native mirror of GlmConfig (engine/model/config.ts) and the table of its parameters.
#pragma once
#include <string>
#include <vector>

#include "kernels.h"

namespace cloze {

enum class Positions { rotary_1d, rotary_2d, learned_2d };
enum class Norm { deepnorm, pre };

struct Config {
  int vocab = 0, hidden = 0, inner = 0, layers = 0, heads = 0, max_length = 0;
  Positions positions = Positions::rotary_2d;
  Norm norm = Norm::deepnorm;
  float alpha = 1;
  Activation activation = Activation::geglu;
  bool qkv_per_head = true;
  bool tied = true;
  float eps = 1e-5f;
  bool rotary_float16 = true;

  int head_dim() const { return hidden / heads; }
  int up() const { return activation == Activation::geglu ? 2 * inner : inner; }
};

struct Tensor {
  std::string name;
  std::vector<int> shape;
  long offset;  // in floats from the start of the parameter vector, a multiple of 16
  long count;
};

// Where the tensors of one layer lie in the parameter vector.
struct LayerOffsets {
  long ln1_g, ln1_b, qkv_w, qkv_b, dense_w, dense_b, ln2_g, ln2_b, up_w, up_b, down_w, down_b;
};

// All parameters in one vector, in the order of engine/model/config.ts `tensorShapes`.
struct Layout {
  explicit Layout(const Config& config);
  const Tensor* find(const std::string& name) const;

  std::vector<Tensor> tensors;
  std::vector<LayerOffsets> layers;
  long embedding, position = -1, block_position = -1, final_g, final_b, head;
  long total = 0;
};

}  // namespace cloze
