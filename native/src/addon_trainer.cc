// JavaScript class Trainer.
#include "addon_batch.h"

namespace cloze {

namespace {

// Trainers of float, bf16 and half behind one face.
struct AnyTrainer {
  virtual ~AnyTrainer() = default;
  virtual const Config& config() const = 0;
  virtual const Layout& layout() const = 0;
  virtual float* parameters() = 0;
  virtual float* gradients() = 0;
  virtual float* moment1() = 0;
  virtual float* moment2() = 0;
  virtual void adapt(int rank, float scale) = 0;
  virtual Adapters* adapters() = 0;  // null before `adapt`
  virtual void pull_back() = 0;
  virtual long& steps() = 0;
  virtual std::atomic<bool>& cancel() = 0;
  virtual void pack() = 0;
  virtual void zero_gradients() = 0;
  virtual LossSum forward_backward(const Batch& batch, float weight, float shrink, float head_shrink) = 0;
  virtual LossSum evaluate(const Batch& batch, RowOutputs* outputs) = 0;
  virtual std::vector<float> hidden_states(const Batch& batch) = 0;
  virtual void backward_hidden(const Batch& batch, const float* d_hidden) = 0;
  virtual double update(const AdamW& options, float lr, float clip, float loss_scale) = 0;
  virtual double gradient_norm(const Tensor& tensor) const = 0;
  virtual std::vector<double> gradient_norms() const = 0;
  virtual const StepClock& clock() const = 0;
  std::atomic<bool> running{false};
};

template <class T>
struct TypedTrainer : AnyTrainer {
  TypedTrainer(const Config& config, const ExecutionOptions& o) : t(config, o.level, o.threads) {}
  const Config& config() const override { return t.model.config; }
  const Layout& layout() const override { return t.model.layout; }
  float* parameters() override { return t.model.values.data(); }
  float* gradients() override { return t.gradients.data(); }
  float* moment1() override { return t.moment1.data(); }
  float* moment2() override { return t.moment2.data(); }
  void adapt(int rank, float scale) override { t.adapt(rank, scale); }
  Adapters* adapters() override { return t.adapters.get(); }
  void pull_back() override { t.pull_back(); }
  long& steps() override { return t.steps; }
  std::atomic<bool>& cancel() override { return t.cancel; }
  void pack() override { t.pack(); }
  void zero_gradients() override { t.zero_gradients(); }
  LossSum forward_backward(const Batch& b, float w, float s, float h) override {
    return t.forward_backward(b, w, s, h);
  }
  LossSum evaluate(const Batch& b, RowOutputs* o) override { return t.evaluate(b, o); }
  std::vector<float> hidden_states(const Batch& b) override { return t.hidden_states(b); }
  void backward_hidden(const Batch& b, const float* d) override { t.backward_hidden(b, d); }
  double update(const AdamW& o, float lr, float clip, float loss_scale) override {
    return t.update(o, lr, clip, loss_scale);
  }
  double gradient_norm(const Tensor& tensor) const override { return t.gradient_norm(tensor); }
  std::vector<double> gradient_norms() const override { return t.gradient_norms(); }
  const StepClock& clock() const override { return t.clock; }
  Trainer<T> t;
};

class TrainerObject : public Napi::ObjectWrap<TrainerObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "Trainer",
        {InstanceMethod("adapt", &TrainerObject::adapt), InstanceMethod("set", &TrainerObject::set),
         InstanceMethod("get", &TrainerObject::get),
         InstanceMethod("pack", &TrainerObject::pack), InstanceMethod("zeroGradients", &TrainerObject::zero_gradients),
         InstanceMethod("forwardBackward", &TrainerObject::forward_backward),
         InstanceMethod("evaluate", &TrainerObject::evaluate), InstanceMethod("update", &TrainerObject::update),
         InstanceMethod("hiddenStates", &TrainerObject::hidden_states),
         InstanceMethod("backwardHidden", &TrainerObject::backward_hidden),
         InstanceMethod("gradientNorm", &TrainerObject::gradient_norm),
         InstanceMethod("gradientNorms", &TrainerObject::gradient_norms),
         InstanceMethod("phases", &TrainerObject::phases),
         InstanceMethod("cancel", &TrainerObject::cancel), InstanceMethod("dispose", &TrainerObject::dispose),
         InstanceAccessor("steps", &TrainerObject::get_steps, &TrainerObject::set_steps)});
  }

  explicit TrainerObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    guarded(info.Env(), [&] {
      const Config config = read_config(info[0].As<Napi::Object>());
      if (const std::string reason = untrainable(config); !reason.empty()) {
        throw std::invalid_argument("This model has " + reason + ", which can be run but not trained.");
      }
      const ExecutionOptions o = read_execution(info[1].As<Napi::Object>());
      if (o.precision == Precision::bfloat16) {
        trainer_ = std::make_shared<TypedTrainer<bf16>>(config, o);
      } else if (o.precision == Precision::float16) {
        trainer_ = std::make_shared<TypedTrainer<half>>(config, o);
      } else {
        trainer_ = std::make_shared<TypedTrainer<float>>(config, o);
      }
      return 0;
    });
  }

 private:
  bool is_adapter(const std::string& name) {
    return held().adapters() != nullptr && held().adapters()->layout.find(name) != nullptr;
  }
  const Layout& layout_with(const std::string& name) {
    return is_adapter(name) ? held().adapters()->layout : held().layout();
  }

  // The vector that holds the tensor `name`.
  float* vector_named(const std::string& which, const std::string& name) {
    Adapters* own = is_adapter(name) ? trainer_->adapters() : nullptr;
    if (which == "parameter") return own ? own->values.data() : trainer_->parameters();
    if (which == "gradient") return own ? own->gradients.data() : trainer_->gradients();
    if (which == "moment1") return own ? own->moment1.data() : trainer_->moment1();
    if (which == "moment2") return own ? own->moment2.data() : trainer_->moment2();
    throw std::invalid_argument("Unknown vector \"" + which + "\".");
  }

  // adapt(rank, scale)
  void adapt(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      const int rank = info[0].ToNumber().Int32Value();
      if (rank < 1 || rank > trainer_->config().hidden) {
        throw std::invalid_argument("The rank of adapters is from 1 to the hidden size, not " + std::to_string(rank) +
                                    ".");
      }
      idle()->adapt(rank, info[1].ToNumber().FloatValue());
      return 0;
    });
  }

  // set(name, values, which)
  Napi::Value set(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      idle();
      const std::string name = info[0].ToString().Utf8Value();
      const auto [tensor, values] = read_tensor(info, layout_with(name));
      std::memcpy(vector_named(info[2].ToString().Utf8Value(), name) + tensor.offset, values, sizeof(float) * tensor.count);
      return info.Env().Undefined();
    });
  }

  // get(name, which) -> Float32Array
  Napi::Value get(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      const std::string name = info[0].ToString().Utf8Value(), which = info[1].ToString().Utf8Value();
      if (is_adapter(name) && which == "gradient") idle()->pull_back();
      idle();
      return tensor_copy(info.Env(), named_tensor(layout_with(name), name), vector_named(which, name));
    });
  }

  Napi::Value pack(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      auto trainer = idle();
      return start(
          info.Env(), [trainer] { trainer->pack(); }, [](Napi::Env env) { return env.Undefined(); });
    });
  }

  void zero_gradients(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      idle()->zero_gradients();
      return 0;
    });
  }

  static Napi::Object loss_object(Napi::Env env, const LossSum& loss) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("sum", loss.sum);
    out.Set("count", static_cast<double>(loss.count));
    return out;
  }

  // forwardBackward(batch, weight, embeddingShrink, headShrink = 1) -> { sum, count }
  Napi::Value forward_backward(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      auto trainer = idle();
      auto batch = std::make_shared<OwnedBatch>(read_batch(info[0].As<Napi::Object>(), trainer->config()));
      const float weight = info[1].ToNumber().FloatValue(), shrink = info[2].ToNumber().FloatValue();
      const float head_shrink = info[3].IsUndefined() ? 1 : info[3].ToNumber().FloatValue();
      auto loss = std::make_shared<LossSum>();
      trainer->cancel() = false;
      return start(
          info.Env(), [=] { *loss = trainer->forward_backward(batch->view(), weight, shrink, head_shrink); },
          [loss](Napi::Env env) -> Napi::Value { return loss_object(env, *loss); });
    });
  }

  // evaluate(batch) -> { sum, count, losses: Float32Array, first: Uint8Array, choiceLogits: Float32Array }
  Napi::Value evaluate(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      auto trainer = idle();
      auto batch = std::make_shared<OwnedBatch>(read_batch(info[0].As<Napi::Object>(), trainer->config()));
      auto loss = std::make_shared<LossSum>();
      auto outputs = std::make_shared<RowOutputs>();
      trainer->cancel() = false;
      return start(
          info.Env(), [=] { *loss = trainer->evaluate(batch->view(), outputs.get()); },
          [loss, outputs](Napi::Env env) -> Napi::Value {
            Napi::Object out = loss_object(env, *loss);
            out.Set("losses", float_array(env, outputs->losses));
            auto first = Napi::Uint8Array::New(env, outputs->first.size());
            std::copy(outputs->first.begin(), outputs->first.end(), first.Data());
            out.Set("first", first);
            out.Set("choiceLogits", float_array(env, outputs->choice_logits));
            return out;
          });
    });
  }

  // hiddenStates(batch) -> Float32Array, counted rows x C
  Napi::Value hidden_states(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      auto trainer = idle();
      auto batch = std::make_shared<OwnedBatch>(read_batch(info[0].As<Napi::Object>(), trainer->config()));
      auto hidden = std::make_shared<std::vector<float>>();
      trainer->cancel() = false;
      return start(
          info.Env(), [=] { *hidden = trainer->hidden_states(batch->view()); },
          [hidden](Napi::Env env) -> Napi::Value { return float_array(env, *hidden); });
    });
  }

  // backwardHidden(batch, gradient: Float32Array, counted rows x C)
  Napi::Value backward_hidden(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      auto trainer = idle();
      auto batch = std::make_shared<OwnedBatch>(read_batch(info[0].As<Napi::Object>(), trainer->config()));
      auto gradient = std::make_shared<std::vector<float>>(read_floats(info[1], "the gradient of hidden states"));
      const size_t rows = std::count(batch->loss_mask.begin(), batch->loss_mask.end(), 1);
      if (gradient->size() != rows * trainer->config().hidden) {
        throw std::invalid_argument("The gradient of hidden states has " + std::to_string(gradient->size()) +
                                    " values for " + std::to_string(rows) + " counted rows.");
      }
      trainer->cancel() = false;
      return start(
          info.Env(), [=] { trainer->backward_hidden(batch->view(), gradient->data()); },
          [](Napi::Env env) { return env.Undefined(); });
    });
  }

  // update({ learningRate, clip, beta1, beta2, epsilon, weightDecay, decayAll, muon, lossScale }) -> gradient norm before
  // clipping
  Napi::Value update(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      const Napi::Object o = info[0].As<Napi::Object>();
      auto number = [&](const char* key) { return o.Get(key).ToNumber().FloatValue(); };
      AdamW options;
      options.beta1 = number("beta1");
      options.beta2 = number("beta2");
      options.eps = number("epsilon");
      options.weight_decay = number("weightDecay");
      options.decay_all = o.Get("decayAll").ToBoolean().Value();
      options.muon = o.Has("muon") ? number("muon") : 0;
      const float lr = number("learningRate"), clip = number("clip");
      const float loss_scale = o.Has("lossScale") ? number("lossScale") : 1;
      auto trainer = idle();
      auto norm = std::make_shared<double>(0);
      return start(
          info.Env(), [=] { *norm = trainer->update(options, lr, clip, loss_scale); },
          [norm](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, *norm); });
    });
  }

  Napi::Value gradient_norm(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      const Tensor& tensor = named_tensor(held().layout(), info[0].ToString().Utf8Value());
      return Napi::Number::New(info.Env(), idle()->gradient_norm(tensor));
    });
  }

  // gradientNorms() -> Float64Array, in the layout's order
  Napi::Value gradient_norms(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      const std::vector<double> norms = idle()->gradient_norms();
      auto out = Napi::Float64Array::New(info.Env(), norms.size());
      std::copy(norms.begin(), norms.end(), out.Data());
      return out;
    });
  }

  // phases() -> { name: { wall, cpu } }, seconds since the trainer was made
  Napi::Value phases(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      const auto& times = idle()->clock().times();
      Napi::Object out = Napi::Object::New(info.Env());
      for (int i = 0; i < kPhases; i++) {
        Napi::Object time = Napi::Object::New(info.Env());
        time.Set("wall", times[i].wall);
        time.Set("cpu", times[i].cpu);
        out.Set(kPhaseNames[i], time);
      }
      return out;
    });
  }

  void cancel(const Napi::CallbackInfo&) {
    if (trainer_) trainer_->cancel() = true;
  }

  // dispose(): its memory goes back now, not when JavaScript's collector, which does not see it, comes by.
  void dispose(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      if (trainer_) idle();
      trainer_.reset();
      return 0;
    });
  }

  Napi::Value get_steps(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] { return Napi::Number::New(info.Env(), held().steps()); });
  }
  void set_steps(const Napi::CallbackInfo& info, const Napi::Value& value) {
    guarded(info.Env(), [&] { return idle()->steps() = value.ToNumber().Int64Value(); });
  }

  AnyTrainer& held() {
    if (!trainer_) throw std::runtime_error("The trainer was disposed of.");
    return *trainer_;
  }

  // The trainer, when no call is under way: its buffers belong to one call at a time.
  std::shared_ptr<AnyTrainer> idle() {
    if (held().running) throw std::runtime_error("The trainer is still working on the call before this one.");
    return trainer_;
  }

  Napi::Promise start(Napi::Env env, std::function<void()> work, std::function<Napi::Value(Napi::Env)> finish) {
    trainer_->running = true;
    return run_async(
        env,
        [trainer = trainer_, work = std::move(work)] {
          struct Done {
            AnyTrainer& t;
            ~Done() { t.running = false; }
          } done{*trainer};
          work();
        },
        std::move(finish));
  }

  std::shared_ptr<AnyTrainer> trainer_;
};

}  // namespace

void init_trainer(Napi::Env env, Napi::Object exports) { exports.Set("Trainer", TrainerObject::define(env)); }

}  // namespace cloze
