// Where the time of training steps goes: one phase is under way at a time, and each keeps the sum of its seconds, by the
// clock on the wall and of the processor time of all the process's threads.
#pragma once
#include <array>
#include <chrono>
#include <ctime>

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

struct PhaseTime {
  double wall = 0, cpu = 0;
};

class StepClock {
 public:
  // Ends the phase that is under way and begins `next`.
  void enter(Phase next) {
    const auto now = std::chrono::steady_clock::now();
    const std::clock_t cpu = std::clock();
    if (phase_ != Phase::idle) {
      PhaseTime& time = times_[static_cast<int>(phase_)];
      time.wall += std::chrono::duration<double>(now - since_).count();
      time.cpu += static_cast<double>(cpu - cpu_since_) / CLOCKS_PER_SEC;
    }
    phase_ = next;
    since_ = now;
    cpu_since_ = cpu;
  }

  const std::array<PhaseTime, kPhases>& times() const { return times_; }

 private:
  Phase phase_ = Phase::idle;
  std::chrono::steady_clock::time_point since_;
  std::clock_t cpu_since_ = 0;
  std::array<PhaseTime, kPhases> times_{};
};

}  // namespace cloze
