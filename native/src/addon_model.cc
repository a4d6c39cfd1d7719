// JavaScript classes Model (weights) and Session (one sequence).
#include <algorithm>
#include <map>
#include <set>

#include "addon.h"

namespace cloze {

namespace {

class SessionObject : public Napi::ObjectWrap<SessionObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Session",
                       {InstanceMethod("read", &SessionObject::read), InstanceMethod("extend", &SessionObject::extend),
                        InstanceMethod("rewind", &SessionObject::rewind), InstanceMethod("fork", &SessionObject::fork),
                        InstanceMethod("cancel", &SessionObject::cancel),
                        StaticMethod("extendTogether", &SessionObject::extend_together),
                        InstanceMethod("dispose", &SessionObject::dispose),
                        InstanceAccessor("length", &SessionObject::length, nullptr)});
  }

  explicit SessionObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {}

  static Napi::Value wrap(Napi::Env env, std::shared_ptr<Runtime> runtime, std::unique_ptr<Session> session) {
    Napi::Object object = env.GetInstanceData<Napi::FunctionReference>()->New({});
    auto* self = Unwrap(object);
    self->state_ = std::make_shared<State>();
    self->state_->runtime = std::move(runtime);
    self->state_->session = std::move(session);
    return object;
  }

 private:
  // Outlives the JavaScript object while a call is under way.
  struct State {
    std::shared_ptr<Runtime> runtime;
    std::unique_ptr<Session> session;
    std::shared_ptr<Buffer<float>> logits;  // of the last call, touched by the JavaScript thread alone
    std::shared_ptr<std::atomic<bool>> cancel;  // of the call under way or the last one, shared by all its sessions
    std::atomic<bool> running{false};
  };
  using States = std::vector<std::shared_ptr<State>>;

  std::shared_ptr<State> idle_state(Napi::Env env) {
    if (!state_) throw Napi::Error::New(env, "The session has been disposed.");
    if (state_->running) throw Napi::Error::New(env, "The session is still working on the call before this one.");
    return state_;
  }

  // All states belong to one runtime.
  static Napi::Value start(Napi::Env env, States states, std::function<void(const std::atomic<bool>& cancel)> work,
                           std::function<Napi::Value(Napi::Env)> result) {
    auto cancel = std::make_shared<std::atomic<bool>>(false);
    for (auto& state : states) {
      state->running = true;
      state->cancel = cancel;
    }
    return run_async(
        env,
        [states = std::move(states), cancel, work = std::move(work)] {
          struct Done {
            const States& states;
            ~Done() {
              for (auto& state : states) state->running = false;
            }
          } done{states};
          std::lock_guard<std::mutex> lock(states[0]->runtime->busy);
          if (*cancel) throw Cancelled();
          work(*cancel);
        },
        std::move(result));
  }

  Napi::Value read(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      auto state = idle_state(info.Env());
      auto rows = std::make_shared<OwnedRows>(read_rows(info[0].As<Napi::Object>(), state->runtime->config()));
      return start(
          info.Env(), {state},
          [state, rows](const std::atomic<bool>& cancel) { state->session->read(rows->view(), cancel); },
          [](Napi::Env env) { return env.Undefined(); });
    });
  }

  Napi::Value extend(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      auto state = idle_state(info.Env());
      OwnedRows rows = read_rows(info[0].As<Napi::Object>(), state->runtime->config());
      const Step step = {state->session.get(), rows.view().count, info[1].ToBoolean()};
      return extend_all(info.Env(), {state}, {step}, std::move(rows));
    });
  }

  // ([{ session, rows, all }, ...]), different sessions of one model
  static Napi::Value extend_together(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      const auto given = info[0].As<Napi::Array>();
      States states;
      std::vector<Step> steps;
      OwnedRows all;
      for (uint32_t i = 0; i < given.Length(); i++) {
        const auto one = given.Get(i).As<Napi::Object>();
        auto state = Unwrap(one.Get("session").As<Napi::Object>())->idle_state(info.Env());
        if (std::find(states.begin(), states.end(), state) != states.end())
          throw std::invalid_argument("A session can be extended only once in a step.");
        if (!states.empty() && state->runtime != states[0]->runtime)
          throw std::invalid_argument("Only sessions of one model can be extended together.");
        const OwnedRows rows = read_rows(one.Get("rows").As<Napi::Object>(), state->runtime->config());
        steps.push_back({state->session.get(), rows.view().count, one.Get("all").ToBoolean()});
        all.append(rows);
        states.push_back(std::move(state));
      }
      if (steps.empty()) throw std::invalid_argument("There must be at least one session to extend.");
      return extend_all(info.Env(), std::move(states), std::move(steps), std::move(all));
    });
  }

  static Napi::Value extend_all(Napi::Env env, States states, std::vector<Step> steps, OwnedRows rows) {
    const auto first = states[0];
    size_t wanted = 0;
    for (const Step& step : steps) wanted += step.logits();
    const size_t count = static_cast<size_t>(first->runtime->config().vocab) * wanted;
    // Taken for this call and given back, so that the next one finds it; a call before that makes one of its own.
    auto logits = first->logits ? std::move(first->logits) : std::make_shared<Buffer<float>>();
    first->logits = nullptr;
    logits->reserve(count);
    auto work = [first, steps, rows = std::make_shared<OwnedRows>(std::move(rows)),
                 logits](const std::atomic<bool>& cancel) {
      first->runtime->extend(steps, rows->view(), logits->data(), cancel);
    };
    const bool is_kept = wanted == steps.size();
    return start(env, std::move(states), std::move(work), [first, logits, count, is_kept](Napi::Env env) -> Napi::Value {
      auto out = Napi::Float32Array::New(env, count);
      std::memcpy(out.Data(), logits->data(), sizeof(float) * count);
      if (is_kept) first->logits = logits;
      return out;
    });
  }

  Napi::Value rewind(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      idle_state(info.Env())->session->rewind(info[0].ToNumber().Int32Value());
      return info.Env().Undefined();
    });
  }

  Napi::Value fork(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      auto state = idle_state(info.Env());
      return wrap(info.Env(), state->runtime, state->session->fork());
    });
  }

  void cancel(const Napi::CallbackInfo&) {
    if (state_ && state_->cancel) *state_->cancel = true;
  }

  void dispose(const Napi::CallbackInfo&) { state_.reset(); }

  Napi::Value length(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), state_ ? state_->session->length() : 0);
  }

  std::shared_ptr<State> state_;
};

class ModelObject : public Napi::ObjectWrap<ModelObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Model",
                       {InstanceMethod("setTensor", &ModelObject::set_tensor),
                        InstanceMethod("setRows", &ModelObject::set_rows),
                        InstanceMethod("setQuantized", &ModelObject::set_quantized),
                        InstanceMethod("ready", &ModelObject::ready), InstanceMethod("open", &ModelObject::open),
                        InstanceMethod("dispose", &ModelObject::dispose),
                        InstanceAccessor("level", &ModelObject::level, nullptr)});
  }

  explicit ModelObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    guarded(info.Env(), [&] {
      const auto execution = info[1].As<Napi::Object>();
      const ExecutionOptions options = read_execution(execution, /*for_inference=*/true);
      const bool quantized = options.precision == Precision::int8 || options.precision == Precision::int4;
      level_ = options.level;
      runtime_ = make_runtime(read_config(info[0].As<Napi::Object>()), options.level, options.threads,
                              options.precision, quantized ? read_group(execution) : 0);
      for (const Tensor& tensor : runtime_->layout().tensors) missing_.insert(tensor.name);
      return 0;
    });
  }

 private:
  Runtime& runtime(Napi::Env env) {
    if (!runtime_) throw Napi::Error::New(env, "The model has been disposed.");
    return *runtime_;
  }

  Runtime& check_complete(Napi::Env env) {
    Runtime& r = runtime(env);
    if (missing_.empty()) return r;
    const std::string more = missing_.size() > 1 ? " and " + std::to_string(missing_.size() - 1) + " more" : "";
    throw std::invalid_argument("The model has no values for its tensor \"" + *missing_.begin() + "\"" + more +
                                ". All tensors must be set first.");
  }

  Napi::Value set_tensor(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      Runtime& r = runtime(info.Env());
      const auto [tensor, values] = read_tensor(info, r.layout());
      r.set(tensor, values);
      missing_.erase(tensor.name);
      return info.Env().Undefined();
    });
  }

  // (name, first row, dtype, Uint8Array): rows of a tensor, in order; resolves when they are packed.
  Napi::Value set_rows(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      Runtime& r = runtime(info.Env());
      const Tensor& tensor = named_tensor(r.layout(), info[0].ToString().Utf8Value());
      const GivenBytes given = read_bytes(info, 2);
      const long row = tensor.count / tensor.shape[0] * bytes_of(given.type);
      const int begin = info[1].ToNumber().Int32Value(), count = take_rows(tensor, begin, given.length, row);
      const StoredRows rows = {begin, count, given.type, given.bytes};
      return run_async(
          info.Env(), [runtime = runtime_, &tensor, rows] { runtime->set_rows(tensor, rows); },
          [kept = given.kept](Napi::Env env) { return env.Undefined(); });
    });
  }

  // (name, first row, { bits, group }, Int8Array, Uint16Array): the same of a quantised matrix.
  Napi::Value set_quantized(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      Runtime& r = runtime(info.Env());
      const Tensor& tensor = named_tensor(r.layout(), info[0].ToString().Utf8Value());
      if (!r.is_quantized() || tensor.matrix < 0) {
        throw std::invalid_argument("\"" + tensor.name + "\" takes no quantised values in this model.");
      }
      const auto object = info[2].As<Napi::Object>();
      const QuantFormat format = {object.Get("bits").ToNumber().Int32Value() == 4 ? 4 : 8, read_group(object)};
      if (!info[3].IsTypedArray() || info[3].As<Napi::TypedArray>().TypedArrayType() != napi_int8_array ||
          !info[4].IsTypedArray() || info[4].As<Napi::TypedArray>().TypedArrayType() != napi_uint16_array) {
        throw std::invalid_argument("\"" + tensor.name + "\" takes an Int8Array and a Uint16Array of scales.");
      }
      const auto q = info[3].As<Napi::Int8Array>();
      const auto scales = info[4].As<Napi::Uint16Array>();
      const int in = tensor.shape[1], begin = info[1].ToNumber().Int32Value();
      const size_t row = format.bits == 8 ? in : (in + 1) / 2, groups = quant_groups(format, in);
      if (scales.ElementLength() * row != q.ElementLength() * groups) {
        throw std::invalid_argument("\"" + tensor.name + "\" takes " + std::to_string(groups) + " scales for each " +
                                    std::to_string(row) + " bytes, not " + std::to_string(scales.ElementLength()) +
                                    " for " + std::to_string(q.ElementLength()) + ".");
      }
      const int count = take_rows(tensor, begin, q.ElementLength(), static_cast<long>(row));
      const WholeRows rows = {begin, count, format, q.Data(), scales.Data()};
      auto kept = std::make_shared<std::pair<Napi::ObjectReference, Napi::ObjectReference>>(
          Napi::Persistent(q.As<Napi::Object>()), Napi::Persistent(scales.As<Napi::Object>()));
      return run_async(
          info.Env(), [runtime = runtime_, &tensor, rows] { runtime->set_stored(tensor, rows); },
          [kept](Napi::Env env) { return env.Undefined(); });
    });
  }

  // The number of rows of `row` bytes each that are given, from row `begin` on; throws unless they follow those before.
  int take_rows(const Tensor& tensor, int begin, size_t length, long row) {
    const long count = static_cast<long>(length) / row;
    int& next = rows_given_[tensor.name];
    const bool last = begin + count == tensor.shape[0];
    if (begin != next || count < 1 || begin + count > tensor.shape[0] || (!last && count % kRowsTogether != 0) ||
        length != static_cast<size_t>(count * row)) {
      throw std::invalid_argument("\"" + tensor.name + "\" has " + std::to_string(tensor.shape[0]) + " rows of " +
                                  std::to_string(row) + " bytes; " + std::to_string(length) +
                                  " bytes cannot follow row " + std::to_string(next) + ".");
    }
    next = begin + static_cast<int>(count);
    if (last) missing_.erase(tensor.name);
    return static_cast<int>(count);
  }

  Napi::Value ready(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      check_complete(info.Env());
      return info.Env().Undefined();
    });
  }

  Napi::Value open(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      Runtime& r = check_complete(info.Env());
      const int capacity = info[0].ToNumber().Int32Value();
      if (capacity < 1 || capacity > r.config().max_length) {
        throw std::invalid_argument("A session of " + std::to_string(capacity) + " tokens cannot be opened: the model takes 1 to " +
                                    std::to_string(r.config().max_length) + ".");
      }
      return SessionObject::wrap(info.Env(), runtime_, r.open(capacity));
    });
  }

  void dispose(const Napi::CallbackInfo&) { runtime_.reset(); }

  Napi::Value level(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), level_name(level_)); }

  std::shared_ptr<Runtime> runtime_;
  std::set<std::string> missing_;  // tensors not yet set
  std::map<std::string, int> rows_given_;
  Level level_ = Level::portable;
};

}  // namespace

void init_model(Napi::Env env, Napi::Object exports) {
  auto* constructor = new Napi::FunctionReference(Napi::Persistent(SessionObject::define(env)));
  env.SetInstanceData(constructor);
  exports.Set("Session", constructor->Value());
  exports.Set("Model", ModelObject::define(env));
}

}  // namespace cloze
