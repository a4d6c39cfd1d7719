// The native mirror of GlmConfig (engine/model/config.ts) and the table of its parameters.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "kernels.h"

namespace cloze {

enum class Positions { rotary_1d, rotary_2d, learned_2d };
enum class Norm { deepnorm, pre, sandwich, post };
enum class NormKind { layer_norm, rms_norm };
// Which linear layers have a bias.
enum class Bias { all, qkv, none };
enum class RotaryPairs { halves, neighbours };

// Routed experts in place of the feed-forward layer, in all layers but the first `dense_layers`, beside one expert that
// every row goes through (GLM-4.5).
struct Experts {
  int count = 0;  // 0: every layer is dense
  int per_row = 0, inner = 0, shared_inner = 0, dense_layers = 0;
  int groups = 1, groups_used = 1;
  bool normalized = true;
  float scale = 1;
};

constexpr long kAbsent = -1;  // the offset of a tensor that is not in the parameter vector

struct Tensor {
  std::string name;
  std::vector<int> shape;
  long offset;  // in floats from the start of the parameter vector, a multiple of 16; or kAbsent
  long count;
  // Place among a model's packed weights: layer * 4 + (qkv, dense, up, down), then the head, then the embedding where
  // that is packed and not the head too; then `up` and `down` of the experts, or query, key_value, dense of each
  // decoder layer's cross-attention.
  int matrix = -1;
};

struct Config {
  int vocab = 0, hidden = 0, inner = 0, layers = 0, heads = 0, max_length = 0;
  int kv_heads = 0;     // keys and values; query head h reads head h * kv_heads / heads
  int head_size = 0;
  int rotary_size = 0;  // leading dimensions of each head that are turned
  Positions positions = Positions::rotary_2d;
  Norm norm = Norm::deepnorm;
  float alpha = 1;
  Activation activation = Activation::geglu;
  bool qkv_per_head = true;
  bool tied = true;
  float eps = 1e-5f;
  bool rotary_float16 = true;
  NormKind norm_kind = NormKind::layer_norm;
  Bias bias = Bias::all;
  RotaryPairs rotary_pairs = RotaryPairs::halves;
  double rotary_theta = 10000;
  bool causal = false;  // no row sees a later one, in what is read neither
  bool embedding_norm = false;
  bool qk_norm = false;  // RMSNorm of each head's queries and keys before they are turned
  Experts experts;
  // The last layers: a stack of its own for Part B, which sees Part A by cross-attention alone. 0: one stack for both.
  int decoder_layers = 0;

  // Whether the residual is alpha times the norm's output (Post-LN: alpha 1) instead of its input.
  bool carries_norm() const { return norm == Norm::deepnorm || norm == Norm::post; }
  int head_dim() const { return head_size; }
  int kv_head(int head) const { return head / (heads / kv_heads); }
  int query_width() const { return heads * head_size; }
  int kv_width() const { return kv_heads * head_size; }
  int qkv_width() const { return query_width() + 2 * kv_width(); }
  int up() const { return up_of(inner); }
  int up_of(int width) const { return is_gated(activation) ? 2 * width : width; }
  // Of one layer: its own feed-forward layer, or the expert that every row goes through.
  bool is_routed(int layer) const { return experts.count > 0 && layer >= experts.dense_layers; }
  int inner_of(int layer) const { return is_routed(layer) ? experts.shared_inner : inner; }
  int widest_inner() const { return experts.count == 0 ? inner : std::max({inner, experts.inner, experts.shared_inner}); }
  // Place of a layer's first expert among a model's packed weights (see Tensor::matrix): its `up`, then its `down`.
  int expert_at(int layer, int expert) const {
    return layers * 4 + 2 + ((layer - experts.dense_layers) * experts.count + expert) * 2;
  }
  // The first layer that rows of Part B go through.
  int first_decoder() const { return decoder_layers > 0 ? layers - decoder_layers : 0; }
  bool is_decoder(int layer) const { return decoder_layers > 0 && layer >= layers - decoder_layers; }
  // Place of a decoder layer's three matrices of cross-attention; such a model has no experts.
  int cross_at(int layer) const { return layers * 4 + 2 + (layer - first_decoder()) * 3; }
  // One of the linear maps within the layers, experts apart.
  bool is_projection(const Tensor& tensor) const {
    const bool crosses = decoder_layers > 0 && tensor.matrix >= cross_at(first_decoder());
    return crosses || (tensor.matrix >= 0 && tensor.matrix < layers * 4);
  }
  int packed_weights() const {
    return experts.count == 0 ? layers * 4 + 2 + decoder_layers * 3 : expert_at(layers, 0);
  }
};

// The first property that the backward pass does not cover, in words; empty when the model can be trained.
std::string untrainable(const Config& config);

// Cross-attention of a decoder layer; the rows of key_value are all keys, then all values.
struct CrossOffsets {
  long norm_g, norm_b, query_w, query_b, key_value_w, key_value_b, dense_w, dense_b, out_g, out_b;
};

// Where the tensors of one layer lie in the parameter vector. A sandwich also norms the outputs of attention and MLP.
struct LayerOffsets {
  long ln1_g, ln1_b, qkv_w, qkv_b, dense_w, dense_b, attention_out_g, attention_out_b, ln2_g, ln2_b, up_w, up_b, down_w,
      down_b, mlp_out_g, mlp_out_b;
  long query_g, key_g;        // [head_dim]
  long router_w, router_bias;  // [experts, hidden], [experts]
  CrossOffsets cross;
};

// Parameters in one vector, in the order of engine/model/config.ts `tensorShapes`. Training has all of them there;
// inference keeps its matrices in packed form alone, where they have no offset, and quantised its embedding too.
struct Layout {
  Layout(const Config& config, bool with_matrices, bool with_embedding = true);
  // Of adapters.h: for each projection NAME.weight of `model`, NAME.adapter_down and NAME.adapter_up, as
  // engine/model/adapters.ts names them.
  static Layout of_adapters(const Config& config, const Layout& model, int rank);
  const Tensor* find(const std::string& name) const;

  std::vector<Tensor> tensors;
  std::vector<LayerOffsets> layers;
  long embedding = kAbsent, position = kAbsent, block_position = kAbsent, embedding_g = kAbsent, embedding_b = kAbsent,
       memory_g = kAbsent, memory_b = kAbsent, final_g = kAbsent, final_b = kAbsent, head = kAbsent;
  long total = 0;

 private:
  Layout() = default;
  // Appends a tensor; returns its offset.
  long add(const std::string& name, std::vector<int> shape);
};

}  // namespace cloze
