// Keys and values of one sequence. What is read at once is complete, never written to again and shared by forks; what is
// appended to it belongs to each. Defines: Cache, SequenceCache.
#pragma once
#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "buffer.h"
#include "kernels.h"

namespace cloze {

// Keys and values of some rows, for each layer rows x width.
template <class KV>
struct Cache {
  std::vector<Buffer<KV>> keys, values;
  explicit Cache(int layers) : keys(layers), values(layers) {}
  void reserve(size_t rows, int width) {
    for (auto* tensors : {&keys, &values})
      for (auto& tensor : *tensors) tensor.reserve(rows * width);
  }
};

template <class KV>
class SequenceCache {
 public:
  // Room for `capacity` rows of `width` keys and as many values in each layer; memory is taken when rows come.
  SequenceCache(int layers, int width, int capacity)
      : layers_(layers), width_(width), capacity_(capacity), appended_(layers) {}

  int capacity() const { return capacity_; }

  // Rows [0, count) are to be read; there must be none yet.
  void begin_read(int count) {
    check_room(0, count);
    read_ = std::make_shared<Cache<KV>>(layers_);
    read_->reserve(count, width_);
    read_rows_ = count;
  }

  // `more` rows are to be appended to the first `held`; what is beyond those is forgotten.
  void begin_append(int held, int more) {
    check_room(held, more);
    read_rows_ = std::min(read_rows_, held);
    appended_.reserve(capacity_ - read_rows_, width_);
  }

  // Takes over the first `held` rows of another sequence of the same shape.
  void fork(const SequenceCache& from, int held) {
    read_ = from.read_;
    read_rows_ = std::min(from.read_rows_, held);
    const size_t bytes = sizeof(KV) * (held - read_rows_) * width_;
    if (bytes == 0) return;
    appended_.reserve(capacity_ - read_rows_, width_);
    for (int l = 0; l < layers_; l++) {
      std::memcpy(static_cast<void*>(appended_.keys[l].data()), from.appended_.keys[l].data(), bytes);
      std::memcpy(static_cast<void*>(appended_.values[l].data()), from.appended_.values[l].data(), bytes);
    }
  }

  // Keys and values of a row, to be written.
  KV* keys(int layer, int row) { return at(is_read(row) ? read_->keys[layer] : appended_.keys[layer], row); }
  KV* values(int layer, int row) { return at(is_read(row) ? read_->values[layer] : appended_.values[layer], row); }

  // The first `count` rows, from `column` on.
  void look(int layer, int column, int count, CachedRows<KV> pieces[2]) const {
    const int first = std::min(count, read_rows_);
    pieces[0] = pieces[1] = {nullptr, nullptr, 0};
    if (first > 0) pieces[0] = {read_->keys[layer].data() + column, read_->values[layer].data() + column, first};
    if (count > first)
      pieces[1] = {appended_.keys[layer].data() + column, appended_.values[layer].data() + column, count - first};
  }

 private:
  void check_room(int held, int more) const {
    if (more <= capacity_ - held) return;
    throw std::runtime_error("The session has room for " + std::to_string(capacity_) + " tokens and holds " +
                             std::to_string(held) + "; " + std::to_string(more) + " more do not fit.");
  }

  bool is_read(int row) const { return row < read_rows_; }
  KV* at(Buffer<KV>& tensor, int row) const {
    return tensor.data() + (long)(is_read(row) ? row : row - read_rows_) * width_;
  }

  int layers_, width_, capacity_;
  std::shared_ptr<Cache<KV>> read_;
  int read_rows_ = 0;   // rows of it that count
  Cache<KV> appended_;  // all further rows
};

}  // namespace cloze
