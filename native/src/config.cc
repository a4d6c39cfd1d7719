#include "config.h"

namespace cloze {

std::string untrainable(const Config& c) {
  if (c.kv_heads != c.heads) return "fewer key/value heads than heads";
  if (c.query_width() != c.hidden) return "heads that do not divide the hidden size";
  if (c.experts.count > 0) return "experts";
  if (c.qk_norm) return "norms of queries and keys";
  return "";
}

long Layout::add(const std::string& name, std::vector<int> shape) {
  long count = 1;
  for (int n : shape) count *= n;
  const long offset = total;
  tensors.push_back({name, shape, offset, count, -1});
  total += (count + 15) / 16 * 16;
  return offset;
}

Layout Layout::of_adapters(const Config& c, const Layout& model, int rank) {
  Layout own;
  for (const Tensor& tensor : model.tensors) {
    if (!c.is_projection(tensor)) continue;
    const std::string name = tensor.name.substr(0, tensor.name.rfind('.'));
    own.add(name + ".adapter_down", {rank, tensor.shape[1]});
    own.add(name + ".adapter_up", {tensor.shape[0], rank});
  }
  return own;
}

Layout::Layout(const Config& c, bool with_matrices, bool with_embedding) {
  auto add_packed = [&](bool with_values, int place, const std::string& name, int rows, int columns) {
    long offset = kAbsent;
    if (with_values) {
      offset = add(name, {rows, columns});
    } else {
      tensors.push_back({name, {rows, columns}, kAbsent, static_cast<long>(rows) * columns, -1});
    }
    tensors.back().matrix = place;
    return offset;
  };
  auto add_matrix = [&](int place, const std::string& name, int rows, int columns) {
    return add_packed(with_matrices, place, name, rows, columns);
  };
  const int C = c.hidden;
  const std::string embedding_name = "transformer.word_embeddings.weight";
  embedding = with_embedding ? add(embedding_name, {c.vocab, C})
                             : add_packed(false, c.layers * 4 + (c.tied ? 0 : 1), embedding_name, c.vocab, C);
  if (c.positions == Positions::learned_2d) {
    position = add("transformer.position_embeddings.weight", {c.max_length + 1, C});
    block_position = add("transformer.block_position_embeddings.weight", {c.max_length + 1, C});
  }
  auto add_if = [&](bool present, const std::string& name, int size) { return present ? add(name, {size}) : kAbsent; };
  const bool centred = c.norm_kind == NormKind::layer_norm, sandwich = c.norm == Norm::sandwich;
  const bool biased = c.bias == Bias::all, qkv_biased = c.bias != Bias::none;
  embedding_g = add_if(c.embedding_norm, "transformer.word_embeddings_layernorm.weight", C);
  embedding_b = add_if(c.embedding_norm && centred, "transformer.word_embeddings_layernorm.bias", C);
  for (int l = 0; l < c.layers; l++) {
    const std::string at = "transformer.layers." + std::to_string(l) + ".";
    LayerOffsets o{};
    o.ln1_g = add(at + "input_layernorm.weight", {C});
    o.ln1_b = add_if(centred, at + "input_layernorm.bias", C);
    o.qkv_w = add_matrix(l * 4, at + "attention.query_key_value.weight", c.qkv_width(), C);
    o.qkv_b = add_if(qkv_biased, at + "attention.query_key_value.bias", c.qkv_width());
    o.query_g = add_if(c.qk_norm, at + "attention.query_layernorm.weight", c.head_dim());
    o.key_g = add_if(c.qk_norm, at + "attention.key_layernorm.weight", c.head_dim());
    o.dense_w = add_matrix(l * 4 + 1, at + "attention.dense.weight", C, c.query_width());
    o.dense_b = add_if(biased, at + "attention.dense.bias", C);
    o.attention_out_g = add_if(sandwich, at + "post_self_attn_layernorm.weight", C);
    o.attention_out_b = add_if(sandwich && centred, at + "post_self_attn_layernorm.bias", C);
    const bool crosses = c.is_decoder(l);
    if (crosses) {
      const int place = c.cross_at(l), A = c.query_width();
      CrossOffsets& x = o.cross;
      x.norm_g = add(at + "post_attention_layernorm.weight", {C});
      x.norm_b = add_if(centred, at + "post_attention_layernorm.bias", C);
      x.query_w = add_matrix(place, at + "cross_attention.query.weight", A, C);
      x.query_b = add_if(qkv_biased, at + "cross_attention.query.bias", A);
      x.key_value_w = add_matrix(place + 1, at + "cross_attention.key_value.weight", 2 * A, C);
      x.key_value_b = add_if(qkv_biased, at + "cross_attention.key_value.bias", 2 * A);
      x.dense_w = add_matrix(place + 2, at + "cross_attention.dense.weight", C, A);
      x.dense_b = add_if(biased, at + "cross_attention.dense.bias", C);
      x.out_g = add_if(sandwich, at + "post_cross_attn_layernorm.weight", C);
      x.out_b = add_if(sandwich && centred, at + "post_cross_attn_layernorm.bias", C);
    }
    const std::string before_mlp = at + (crosses ? "post_cross_attention_layernorm." : "post_attention_layernorm.");
    o.ln2_g = add(before_mlp + "weight", {C});
    o.ln2_b = add_if(centred, before_mlp + "bias", C);
    const bool routed = c.is_routed(l);
    o.router_w = o.router_bias = kAbsent;
    if (routed) {
      o.router_w = add(at + "mlp.gate.weight", {c.experts.count, C});
      o.router_bias = add(at + "mlp.gate.e_score_correction_bias", {c.experts.count});
    }
    const std::string mlp = at + (routed ? "mlp.shared_experts." : "mlp.");
    const int F = c.inner_of(l), up = c.up_of(F);
    o.up_w = add_matrix(l * 4 + 2, mlp + "dense_h_to_4h.weight", up, C);
    o.up_b = add_if(biased, mlp + "dense_h_to_4h.bias", up);
    o.down_w = add_matrix(l * 4 + 3, mlp + "dense_4h_to_h.weight", C, F);
    o.down_b = add_if(biased, mlp + "dense_4h_to_h.bias", C);
    for (int e = 0; routed && e < c.experts.count; e++) {
      const std::string expert = at + "mlp.experts." + std::to_string(e) + ".";
      add_matrix(c.expert_at(l, e), expert + "dense_h_to_4h.weight", c.up_of(c.experts.inner), C);
      add_matrix(c.expert_at(l, e) + 1, expert + "dense_4h_to_h.weight", C, c.experts.inner);
    }
    o.mlp_out_g = add_if(sandwich, at + "post_mlp_layernorm.weight", C);
    o.mlp_out_b = add_if(sandwich && centred, at + "post_mlp_layernorm.bias", C);
    layers.push_back(o);
  }
  if (c.decoder_layers > 0) {
    memory_g = add("transformer.encoder_final_layernorm.weight", {C});
    memory_b = add_if(centred, "transformer.encoder_final_layernorm.bias", C);
  }
  final_g = add("transformer.final_layernorm.weight", {C});
  final_b = add_if(centred, "transformer.final_layernorm.bias", C);
  head = c.tied ? embedding : add_matrix(c.layers * 4, "lm_head.weight", c.vocab, C);
}

const Tensor* Layout::find(const std::string& name) const {
  for (const Tensor& t : tensors)
    if (t.name == name) return &t;
  return nullptr;
}

}  // namespace cloze
