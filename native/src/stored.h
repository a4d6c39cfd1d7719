// How values lie in a file. Defines: Stored, bytes_of.
#pragma once

namespace cloze {

enum class Stored { float32, float16, bfloat16 };

static inline int bytes_of(Stored type) { return type == Stored::float32 ? 4 : 2; }

}  // namespace cloze
