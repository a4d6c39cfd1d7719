// What this processor can do, and which kernel level is used.
// Defines: Level, detected_level, has_vnni, has_byte_tiles, has_dotprod, choose_level, level_name.
#pragma once
#include <string>

namespace cloze {

// Those of x86 from the least to the best; ARM has its own.
enum class Level { portable = 0, avx2 = 1, avx512 = 2, amx = 3, neon = 4 };

// The best level that the processor and the operating system offer. Asks Linux for the AMX tile state once.
Level detected_level();

// AVX-512 products of bytes, which not every processor of that level has.
bool has_vnni();

// AMX tiles of bytes, for which all else is there that level_amx_bytes.cc uses.
bool has_byte_tiles();

// ARM's products of four bytes at once, which not every processor with NEON has.
bool has_dotprod();

// `name` is "amx", "avx512", "avx2", "neon", "portable", or empty for the best. Throws std::invalid_argument when the name is
// unknown or the machine lacks it.
Level choose_level(const std::string& name);

const char* level_name(Level level);

}  // namespace cloze
