#include "config.h"

namespace cloze {

Layout::Layout(const Config& c) {
  auto add = [this](const std::string& name, std::vector<int> shape) {
    long count = 1;
    for (int n : shape) count *= n;
    const long offset = total;
    tensors.push_back({name, shape, offset, count});
    total += (count + 15) / 16 * 16;
    return offset;
  };
  const int C = c.hidden, F = c.inner, up = c.up();
  embedding = add("transformer.word_embeddings.weight", {c.vocab, C});
  if (c.positions == Positions::learned_2d) {
    position = add("transformer.position_embeddings.weight", {c.max_length + 1, C});
    block_position = add("transformer.block_position_embeddings.weight", {c.max_length + 1, C});
  }
  for (int l = 0; l < c.layers; l++) {
    const std::string at = "transformer.layers." + std::to_string(l) + ".";
    LayerOffsets o;
    o.ln1_g = add(at + "input_layernorm.weight", {C});
    o.ln1_b = add(at + "input_layernorm.bias", {C});
    o.qkv_w = add(at + "attention.query_key_value.weight", {3 * C, C});
    o.qkv_b = add(at + "attention.query_key_value.bias", {3 * C});
    o.dense_w = add(at + "attention.dense.weight", {C, C});
    o.dense_b = add(at + "attention.dense.bias", {C});
    o.ln2_g = add(at + "post_attention_layernorm.weight", {C});
    o.ln2_b = add(at + "post_attention_layernorm.bias", {C});
    o.up_w = add(at + "mlp.dense_h_to_4h.weight", {up, C});
    o.up_b = add(at + "mlp.dense_h_to_4h.bias", {up});
    o.down_w = add(at + "mlp.dense_4h_to_h.weight", {C, F});
    o.down_b = add(at + "mlp.dense_4h_to_h.bias", {C});
    layers.push_back(o);
  }
  final_g = add("transformer.final_layernorm.weight", {C});
  final_b = add("transformer.final_layernorm.bias", {C});
  head = c.tied ? embedding : add("lm_head.weight", {c.vocab, C});
}

const Tensor* Layout::find(const std::string& name) const {
  for (const Tensor& t : tensors)
    if (t.name == name) return &t;
  return nullptr;
}

}  // namespace cloze
