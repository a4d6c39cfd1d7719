// Inference: Part A is read once, Part B is extended row by row over cached keys and values, of several sessions in one
// pass over the weights.
// Defines: Runtime (weights and work space, one call at a time), Session (one sequence's cache), Step.
#pragma once
#include <mutex>

#include "attention.h"
#include "cache.h"

namespace cloze {

class Session {
 public:
  virtual ~Session() = default;
  virtual int length() const = 0;
  // Reads Part A into an empty session: every row sees every other (in a causal model: those before it). Throws
  // Cancelled, leaving the session empty.
  virtual void read(const Rows& rows, const std::atomic<bool>& cancel) = 0;
  virtual void rewind(int length) = 0;
  // A second session with the same content. What was read is shared, what was appended is copied.
  virtual std::unique_ptr<Session> fork() const = 0;
};

// What one session gets when several are extended together: `count` rows; logits after the last, or after each.
struct Step {
  Session* session;
  int count;
  bool all;
  int logits() const { return all ? count : 1; }
};

class Runtime : public std::enable_shared_from_this<Runtime> {
 public:
  virtual ~Runtime() = default;
  virtual const Config& config() const = 0;
  virtual const Layout& layout() const = 0;
  // Takes the values of a tensor of the layout. All must have been set before the first read or extend.
  virtual void set(const Tensor& tensor, const float* values) = 0;
  // The same for some rows of a tensor, see Model::set_rows.
  virtual void set_rows(const Tensor& tensor, const StoredRows& rows) = 0;
  // The same for a matrix that is stored quantised (see QuantizedGemm). Only in int8 and int4.
  virtual void set_stored(const Tensor& tensor, const WholeRows& rows) = 0;
  virtual bool is_quantized() const = 0;
  virtual std::unique_ptr<Session> open(int capacity) = 0;
  // Appends causal rows to sessions of this runtime, each at most once; `rows` are those of all steps, one after another.
  // Writes V logits for each row that is asked for, in the same order. What a step gives does not depend on the others
  // beside it, except by rounding where `gemm` rounds by the number of rows (bf16 tiles). Throws Cancelled, leaving all
  // sessions as they were.
  virtual void extend(const std::vector<Step>& steps, const Rows& rows, float* logits,
                      const std::atomic<bool>& cancel) = 0;

  std::mutex busy;  // held for the length of a set, read or extend
};

// float32: exact. bfloat16: activations, what AMX tiles compute. float16: activations, of training alone. int8, int4:
// quantised weights, a bf16 cache.
enum class Precision { float32, bfloat16, float16, int8, int4 };

// `group` counts for int8 and int4 (see QuantFormat). Throws std::invalid_argument where a model is too wide for them.
std::shared_ptr<Runtime> make_runtime(const Config& config, Level level, int threads, Precision precision, int group);

}  // namespace cloze
