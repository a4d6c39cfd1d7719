// Where the time of training steps goes: one phase is under way at a time, and each keeps the sum of its seconds.
#pragma once
#include <array>
#include <chrono>

namespace cloze {

enum class Phase {
  layers_forward,      // norms, products with weights, activations
  attention_forward,
  head,                // logits, cross-entropy, and their gradients but for the matrix's
  head_gradient,       // of the output matrix
  layers_backward,     // as layers_forward
  attention_backward,
  weight_gradients,    // of the layers' matrices
  embedding,           // the gradient of looked-up vectors
  zeroing,             // of the gradients, before a step
  optimizer,
  packing,             // of the new weights for products
  idle
};

constexpr int kPhases = static_cast<int>(Phase::idle);
constexpr std::array<const char*, kPhases> kPhaseNames = {
    "layersForward",     "attentionForward", "head",      "headGradient", "layersBackward", "attentionBackward",
    "weightGradients", "embedding",        "zeroing", "optimizer",    "packing"};

class StepClock {
 public:
  // Ends the phase that is under way and begins `next`.
  void enter(Phase next) {
    const auto now = std::chrono::steady_clock::now();
    if (phase_ != Phase::idle) seconds_[static_cast<int>(phase_)] += std::chrono::duration<double>(now - since_).count();
    phase_ = next;
    since_ = now;
  }

  const std::array<double, kPhases>& seconds() const { return seconds_; }

 private:
  Phase phase_ = Phase::idle;
  std::chrono::steady_clock::time_point since_;
  std::array<double, kPhases> seconds_{};
};

}  // namespace cloze
