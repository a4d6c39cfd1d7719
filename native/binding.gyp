{
  "target_defaults": {
    "cflags_cc": ["-std=c++17", "-O3", "-Wall", "-Wextra", "-Wno-psabi", "-fno-math-errno", "-fno-trapping-math",
                  "-ffp-contract=fast", "-fvisibility=hidden"],
    "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20", "-O2"],
    "cflags": ["-fPIC"],
    "xcode_settings": {
      "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
      "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
      "GCC_OPTIMIZATION_LEVEL": "3"
    }
  },
  "targets": [
    {
      "target_name": "level_portable",
      "type": "static_library",
      "sources": ["src/level_portable.cc"]
    },
    {
      "target_name": "cloze",
      "sources": ["src/adapters.cc", "src/addon.cc", "src/addon_batch.cc", "src/addon_model.cc", "src/addon_quantize.cc", "src/addon_trainer.cc", "src/attention.cc", "src/attention_parts.cc",
                  "src/config.cc", "src/cpu.cc", "src/cpu_runtime.cc", "src/experts.cc", "src/gemm.cc", "src/kernels.cc", "src/model.cc", "src/muon.cc", "src/quantized.cc", "src/session.cc",
                  "src/thread_pool.cc", "src/trainer.cc", "src/trainer_cross.cc", "src/trainer_parts.cc", "src/trainer_head.cc", "src/trainer_backward.cc"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NAPI_CPP_EXCEPTIONS"],
      "dependencies": ["level_portable"],
      "conditions": [
        ["target_arch=='x64'", {"dependencies": ["level_avx2", "level_avx512", "level_vnni", "level_amx"]}],
        ["target_arch=='arm64'", {"dependencies": ["level_neon", "level_dotprod"]}]
      ]
    }
  ],
  "conditions": [
    ["target_arch=='arm64'", {
      "targets": [
        {
          "target_name": "level_neon",
          "type": "static_library",
          "sources": ["src/level_neon.cc"]
        },
        {
          "target_name": "level_dotprod",
          "type": "static_library",
          "sources": ["src/level_dotprod.cc"],
          "cflags_cc": ["-march=armv8.2-a+dotprod"],
          "xcode_settings": {"OTHER_CPLUSPLUSFLAGS": ["-march=armv8.2-a+dotprod"]}
        }
      ]
    }],
    ["target_arch=='x64'", {
      "targets": [
        {
          "target_name": "level_avx2",
          "type": "static_library",
          "sources": ["src/level_avx2.cc"],
          "cflags_cc": ["-mavx2", "-mfma", "-mf16c"]
        },
        {
          "target_name": "level_avx512",
          "type": "static_library",
          "sources": ["src/level_avx512.cc"],
          "cflags_cc": ["-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mfma", "-mf16c", "-mprefer-vector-width=512"]
        },
        {
          "target_name": "level_vnni",
          "type": "static_library",
          "sources": ["src/level_vnni.cc"],
          "cflags_cc": ["-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mavx512vnni", "-mfma", "-mf16c",
                        "-mprefer-vector-width=512", "-Wno-maybe-uninitialized"]
        },
        {
          "target_name": "level_amx",
          "type": "static_library",
          "sources": ["src/level_amx.cc", "src/level_amx_bytes.cc"],
          "cflags_cc": ["-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mavx512bf16", "-mavx512vnni",
                        "-mamx-tile", "-mamx-bf16", "-mamx-int8", "-mfma", "-mf16c", "-mprefer-vector-width=512",
                        "-Wno-maybe-uninitialized"]
        }
      ]
    }]
  ]
}
