// Holds one level's vector kernels against plain loops in double: sizes that end inside a vector, activations as float,
// as bfloat16 and as halves. All memory ends at a page that may not be touched. Compiled with -DLEVEL=<namespace>.
#include "kernels.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include "float16.h"
#include "guarded.h"

using cloze::Activation;
using cloze::bf16;
using cloze::half;
using cloze::Kernels;

namespace {

std::mt19937 random_bits(5);
std::normal_distribution<float> normal(0, 1);
int checks = 0;

float value(float x) { return x; }
float value(bf16 x) { return cloze::to_float(x); }
float value(half x) { return cloze::to_float(x); }
void put(float& to, float x) { to = x; }
void put(bf16& to, float x) { to = cloze::to_bf16(x); }
void put(half& to, float x) { to = cloze::to_half(x); }

template <class T>
struct Values {
  explicit Values(size_t n) : n(n), memory(n) {
    for (size_t i = 0; i < n; i++) put(memory[i], normal(random_bits));
  }
  double operator[](size_t i) { return value(memory[i]); }
  T* data() { return memory.data(); }
  size_t n;
  Guarded<T> memory;
};

// What a result may be off by: float's rounding over a row, and bfloat16's or a half's where it is stored as that.
template <class T>
double tolerance() { return 3e-5; }
template <>
double tolerance<bf16>() { return 8e-3; }
template <>
double tolerance<half>() { return 1e-3; }

template <class T>
void near(const char* what, int n, int at, double found, double wanted, double size = 1) {
  if (std::fabs(found - wanted) <= tolerance<T>() * (size + std::fabs(wanted))) return;
  std::printf("%s of %d (%zu bits): %d is %.9g, not %.9g\n", what, n, sizeof(T) * 8, at, found, wanted);
  std::exit(1);
}

double gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }
double gelu_tanh(double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }
double silu(double x) { return x / (1 + std::exp(-x)); }

template <class F>
double slope(F f, double x) { return (f(x + 1e-5) - f(x - 1e-5)) / 2e-5; }

template <class T>
void check_norms(const Kernels<T>& k, int n) {
  const int rows = 3;
  Values<T> x(rows * n);
  Values<float> g(n), b(n), y(rows * n), mean(rows), rstd(rows), dy(rows * n), dx(rows * n), dg(n), db(n);
  std::vector<double> dg_before(n), db_before(n);
  for (int i = 0; i < n; i++) dg_before[i] = dg[i], db_before[i] = db[i];
  k.layernorm(rows, n, x.data(), g.data(), b.data(), 1e-5f, y.data(), mean.data(), rstd.data());
  k.layernorm_backward(rows, n, dy.data(), x.data(), g.data(), mean.data(), rstd.data(), dx.data(), dg.data(), db.data());
  std::vector<double> dg_wanted = dg_before, db_wanted = db_before;
  for (int r = 0; r < rows; r++) {
    double mu = 0, var = 0, sum = 0, dot = 0;
    for (int i = 0; i < n; i++) mu += x[r * n + i] / n;
    for (int i = 0; i < n; i++) var += (x[r * n + i] - mu) * (x[r * n + i] - mu) / n;
    const double s = 1 / std::sqrt(var + 1e-5);
    for (int i = 0; i < n; i++) {
      const double hat = (x[r * n + i] - mu) * s, dh = dy[r * n + i] * g[i];
      near<float>("layernorm", n, i, y[r * n + i], hat * g[i] + b[i]);
      sum += dh / n, dot += dh * hat / n;
      dg_wanted[i] += dy[r * n + i] * hat, db_wanted[i] += dy[r * n + i];
    }
    for (int i = 0; i < n; i++)
      near<float>("layernorm's gradient", n, i, dx[r * n + i],
                  s * (dy[r * n + i] * g[i] - sum - (x[r * n + i] - mu) * s * dot), 1 + s);
  }
  for (int i = 0; i < n; i++) near<float>("the gain's gradient", n, i, dg[i], dg_wanted[i], 4);
  for (int i = 0; i < n; i++) near<float>("the bias's gradient", n, i, db[i], db_wanted[i], 4);
  k.rmsnorm(rows, n, x.data(), g.data(), 1e-5f, y.data(), rstd.data());
  for (int r = 0; r < rows; r++) {
    double squares = 0;
    for (int i = 0; i < n; i++) squares += x[r * n + i] * x[r * n + i] / n;
    for (int i = 0; i < n; i++)
      near<float>("rmsnorm", n, i, y[r * n + i], x[r * n + i] / std::sqrt(squares + 1e-5) * g[i]);
  }
  checks++;
}

template <class T>
void check_rows(const Kernels<T>& k, int n) {
  const int rows = 2, ld = n + 3;
  Values<float> c(rows * ld), bias(n), residual(rows * n), sums(n), wide(n);
  Values<T> y(rows * ld), z(rows * n), x(n), w(n);
  k.add_bias(rows, n, c.data(), ld, bias.data(), y.data(), ld);
  for (int r = 0; r < rows; r++)
    for (int i = 0; i < n; i++) near<T>("bias", n, i, y[r * ld + i], c[r * ld + i] + bias[i]);
  Values<float> even(rows * n);
  k.add_bias_residual(rows, n, even.data(), bias.data(), 0.5f, residual.data(), z.data());
  for (int i = 0; i < rows * n; i++)
    near<T>("bias and residual", n, i, z[i], even[i] + bias[i % n] + 0.5 * residual[i]);
  std::vector<double> wanted(n);
  for (int i = 0; i < n; i++) wanted[i] = sums[i] + y[i] + y[ld + i];
  k.column_sums(rows, n, y.data(), ld, sums.data());
  for (int i = 0; i < n; i++) near<float>("column sums", n, i, sums[i], wanted[i], 4);
  k.convert(n, bias.data(), x.data());
  k.widen(n, x.data(), wide.data());
  for (int i = 0; i < n; i++) near<T>("converted", n, i, wide[i], bias[i]);
  double dot = 0, terms = 0;
  for (int i = 0; i < n; i++) dot += x[i] * w[i], terms += std::fabs(x[i] * w[i]);
  near<float>("dot", n, 0, k.dot(n, x.data(), w.data()), dot, 1 + terms);
  checks++;
}

template <class T>
void check_activations(const Kernels<T>& k, int n) {
  for (Activation kind : {Activation::gelu, Activation::gelu_tanh, Activation::geglu, Activation::swiglu}) {
    const int rows = 2, width = cloze::is_gated(kind) ? 2 * n : n;
    Values<T> u(rows * width), y(rows * n), again(rows * n), du(rows * width);
    Values<float> dy(rows * n);
    k.activate(kind, rows, n, u.data(), y.data());
    k.activate_backward(kind, rows, n, u.data(), dy.data(), du.data(), again.data());
    for (int r = 0; r < rows; r++)
      for (int i = 0; i < n; i++) {
        const double a = u[r * width + i], b = cloze::is_gated(kind) ? u[r * width + n + i] : 0, d = dy[r * n + i];
        double wanted, da, db = 0;
        if (kind == Activation::gelu) wanted = gelu(a), da = d * slope(gelu, a);
        else if (kind == Activation::gelu_tanh) wanted = gelu_tanh(a), da = d * slope(gelu_tanh, a);
        else if (kind == Activation::geglu) wanted = a * gelu(b), da = d * gelu(b), db = d * a * slope(gelu, b);
        else wanted = silu(a) * b, da = d * b * slope(silu, a), db = d * silu(a);
        near<T>("activation", n, i, y[r * n + i], wanted);
        near<T>("activation again", n, i, again[r * n + i], wanted);
        near<T>("its gradient", n, i, du[r * width + i], da);
        if (cloze::is_gated(kind)) near<T>("its gate's gradient", n, i, du[r * width + n + i], db);
      }
  }
  checks++;
}

template <class T>
void check_rotation(const Kernels<T>& k, int half) {
  Values<T> x(2 * half), z(2 * half);
  Values<float> cosine(half), sine(half);
  for (int i = 0; i < half; i++) cosine.data()[i] = std::cos(i + 1.0f), sine.data()[i] = std::sin(i + 1.0f);
  std::vector<double> before(2 * half), neighbours(2 * half);
  for (int i = 0; i < 2 * half; i++) before[i] = x[i], neighbours[i] = z[i];
  k.rotate(half, cosine.data(), sine.data(), 1, x.data());
  k.rotate_neighbours(half, cosine.data(), sine.data(), -1, z.data());
  for (int i = 0; i < half; i++) {
    const double c = cosine[i], s = sine[i], a = neighbours[2 * i], b = neighbours[2 * i + 1];
    near<T>("rotated", half, i, x[i], before[i] * c - before[i + half] * s);
    near<T>("rotated", half, i + half, x[i + half], before[i + half] * c + before[i] * s);
    near<T>("neighbours rotated", half, 2 * i, z[2 * i], a * c + b * s);
    near<T>("neighbours rotated", half, 2 * i + 1, z[2 * i + 1], b * c - a * s);
  }
  checks++;
}

template <class T>
void check_softmax(const Kernels<T>& k, int n) {
  for (int visible : {n, (n + 1) / 2}) {
    Values<float> s(n), kept(n), dp(n);
    Values<T> p(n), again(n), ds(n);
    for (int i = 0; i < n; i++) kept.data()[i] = s.data()[i] *= 5;
    double total = 0;
    for (int i = 0; i < visible; i++) total += std::exp(0.3 * kept[i]);
    const float lse = k.softmax(n, visible, 0.3f, s.data(), p.data());
    near<float>("log-sum-exp", n, 0, lse, std::log(total));
    k.softmax_backward(n, visible, 0.3f, lse, 0.2f, kept.data(), dp.data(), again.data(), ds.data());
    for (int i = 0; i < n; i++) {
      const double wanted = i < visible ? std::exp(0.3 * kept[i]) / total : 0;
      near<T>("softmax", n, i, p[i], wanted);
      near<T>("softmax again", n, i, again[i], wanted);
      near<T>("softmax's gradient", n, i, ds[i], wanted * (dp[i] - 0.2) * 0.3);
    }
  }
  Values<float> logits(n);
  Values<T> gradient(n);
  double total = 0;
  for (int i = 0; i < n; i++) total += std::exp(logits[i]);
  const int target = n / 2;
  const float loss = k.cross_entropy(n, logits.data(), target, 0.7f, gradient.data());
  near<float>("cross-entropy", n, 0, loss, std::log(total) - logits[target]);
  for (int i = 0; i < n; i++)
    near<T>("its gradient", n, i, gradient[i], 0.7 * (std::exp(logits[i]) / total - (i == target)));
  checks++;
}

template <class T>
void check_attention(const Kernels<T>& k, int D, int n) {
  const int ld = D + 5;
  Values<T> q(D), K((size_t)(n - 1) * ld + D), V((size_t)(n - 1) * ld + D);
  Values<float> query(D), scores(n), out(D);
  for (int i = 0; i < D; i++) query.data()[i] = (float)q[i];
  const int first = n / 3;
  const cloze::CachedRows<T> pieces[2] = {{K.data(), V.data(), first},
                                          {K.data() + (long)first * ld, V.data() + (long)first * ld, n - first}};
  k.attend_row(D, ld, 0.25f, query.data(), pieces, scores.data(), out.data());
  std::vector<double> weight(n);
  double total = 0;
  for (int j = 0; j < n; j++) {
    double s = 0;
    for (int i = 0; i < D; i++) s += query[i] * K[(size_t)j * ld + i];
    total += weight[j] = std::exp(0.25 * s);
  }
  for (int i = 0; i < D; i++) {
    double wanted = 0;
    for (int j = 0; j < n; j++) wanted += weight[j] / total * V[(size_t)j * ld + i];
    near<float>("attention", D, i, out[i], wanted);
  }
  checks++;
}

void check_floats(const cloze::FloatKernels& k, int n) {
  Values<float> x(n), y(n), w(n), g(n), m(n), v(n);
  double squares = 0;
  for (int i = 0; i < n; i++) squares += x[i] * x[i], v.data()[i] = std::fabs(v.data()[i]);
  near<float>("sum of squares", n, 0, k.sum_of_squares(n, x.data()), squares);
  std::vector<double> before(n), wanted(n);
  for (int i = 0; i < n; i++) {
    before[i] = y[i];
    const double grad = g[i] * 0.5, m1 = 0.9 * m[i] + 0.1 * grad, v1 = 0.95 * v[i] + 0.05 * grad * grad;
    wanted[i] = w[i] * (1 - 0.01 * 0.1) - 0.01 * (m1 / 0.5) / (std::sqrt(v1 / 0.6) + 1e-8);
  }
  k.axpy(n, 0.3f, x.data(), y.data());
  for (int i = 0; i < n; i++) near<float>("axpy", n, i, y[i], before[i] + 0.3 * x[i]);
  k.adamw(n, w.data(), g.data(), m.data(), v.data(), 0.5f, 0.01f, 0.9f, 0.95f, 1e-8f, 0.1f, 0.5f, 0.6f);
  for (int i = 0; i < n; i++) near<float>("adamw", n, i, w[i], wanted[i]);
  checks++;
}

// Every half is widened to what its bits say, and comes back as it was; floats between two halves go to the nearer one,
// to the even one in the middle, and to infinity beyond the largest.
void check_halves(const Kernels<half>& k) {
  constexpr int kAll = 1 << 16;
  Guarded<half> halves(kAll), back(kAll);
  Guarded<float> wide(kAll);
  for (int i = 0; i < kAll; i++) halves[i] = half{static_cast<uint16_t>(i)};
  k.widen(kAll, halves.data(), wide.data());
  k.convert(kAll, wide.data(), back.data());
  const auto fail = [](const char* what, int i, float x, uint16_t found) {
    std::printf("%s of half %04x: %.9g gives %04x\n", what, i, x, found);
    std::exit(1);
  };
  for (int i = 0; i < kAll; i++) {
    const int exponent = i >> 10 & 31, fraction = i & 1023;
    const double sign = i >> 15 ? -1 : 1;
    const double wanted = exponent == 31  ? INFINITY
                          : exponent == 0 ? std::ldexp(fraction, -24)
                                          : std::ldexp(1024 + fraction, exponent - 25);
    if (exponent == 31 && fraction != 0) {
      if (!std::isnan(wide[i]) || !std::isnan(cloze::to_float(back[i]))) fail("no number", i, wide[i], back[i].bits);
    } else if (wide[i] != sign * wanted || back[i].bits != i || cloze::to_half(wide[i]).bits != i) {
      fail("the value", i, wide[i], back[i].bits);
    }
  }
  // Between one and the next, the last of which is infinite: the first quarter, the middle, the third quarter.
  for (int i = 0; i < 0x7C00; i++) {
    const float next = i + 1 == 0x7C00 ? 65536.0f : wide[i + 1], gap = next - wide[i];
    const uint16_t below = i, above = i + 1;
    float x[3] = {wide[i] + 0.25f * gap, wide[i] + 0.5f * gap, wide[i] + 0.75f * gap};
    const uint16_t wanted[3] = {below, i % 2 == 0 ? below : above, above};
    for (float sign : {1.0f, -1.0f}) {
      half y[3];
      for (float& one : x) one = sign * std::fabs(one);
      k.convert(3, x, y);
      for (int j = 0; j < 3; j++) {
        const uint16_t bits = wanted[j] | (sign < 0 ? 0x8000 : 0);
        if (y[j].bits != bits || cloze::to_half(x[j]).bits != bits) fail("the rounding", i, x[j], y[j].bits);
      }
    }
  }
  checks++;
}

template <class T>
void check_all(const Kernels<T>& k) {
  for (int n : {1, 3, 4, 7, 16, 33, 64, 131}) {
    check_norms(k, n);
    check_rows(k, n);
    check_activations(k, n);
    check_rotation(k, n);
    check_softmax(k, n);
    check_attention(k, n, 1 + n % 9);
    check_attention(k, 64, n);
  }
}

}  // namespace

int main() {
  check_all(cloze::LEVEL::kernels_float);
  check_all(cloze::LEVEL::kernels_bf16);
  check_all(cloze::LEVEL::kernels_half);
  check_halves(cloze::LEVEL::kernels_half);
  for (int n : {1, 5, 64, 1023, 3001}) check_floats(cloze::LEVEL::float_kernels, n);
  std::printf("%d kernels agree\n", checks);
}
