#include "cpu.h"

#include <stdexcept>

#if defined(__linux__) && defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__) && defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace cloze {

namespace {

bool amx_permitted() {
#if defined(__linux__) && defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  const bool tile = d & (1u << 24), bf16 = d & (1u << 22);
  if (!tile || !bf16) return false;
  constexpr long ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18;
  return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
#else
  return false;
#endif
}

Level detect() {
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  if (avx512 && __builtin_cpu_supports("avx512bf16") && amx_permitted()) return Level::amx;
  if (avx512) return Level::avx512;
  if (avx2) return Level::avx2;
#elif defined(__aarch64__)
  return Level::neon;
#endif
  return Level::portable;
}

}  // namespace

Level detected_level() {
  static const Level level = detect();
  return level;
}

bool has_vnni() {
#if defined(__x86_64__)
  static const bool has = detected_level() >= Level::avx512 && __builtin_cpu_supports("avx512vnni");
  return has;
#else
  return false;
#endif
}

bool has_byte_tiles() {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  static const bool has =
      detected_level() == Level::amx && has_vnni() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & (1u << 25));
  return has;
#else
  return false;
#endif
}

bool has_dotprod() {
#if defined(__linux__) && defined(__aarch64__)
  static const bool has = getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
  return has;
#elif defined(__APPLE__) && defined(__aarch64__)
  return true;  // since the first of Apple's own
#else
  return false;
#endif
}

const char* level_name(Level level) {
  switch (level) {
    case Level::amx: return "amx";
    case Level::avx512: return "avx512";
    case Level::avx2: return "avx2";
    case Level::neon: return "neon";
    case Level::portable: break;
  }
  return "portable";
}

Level choose_level(const std::string& name) {
  const Level best = detected_level();
  if (name.empty()) return best;
  for (Level level : {Level::portable, Level::avx2, Level::avx512, Level::amx, Level::neon}) {
    if (name != level_name(level)) continue;
    const bool lower = best != Level::neon && level < best;
    if (level != best && level != Level::portable && !lower) {
      throw std::invalid_argument("The kernel level \"" + name + "\" is not available on this processor; its best is \"" +
                                  level_name(best) + "\". Choose that or a lower one.");
    }
    return level;
  }
  throw std::invalid_argument("Unknown kernel level \"" + name + "\"; known are amx, avx512, avx2, neon and portable.");
}

}  // namespace cloze
