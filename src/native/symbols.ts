/** The native library's exports, and nothing else. @module */

/** The version of the ABI that this module uses; the library returns its own. */
export const ABI_VERSION = 2;

/** Every export, with the C type of each parameter beside it. */
export const symbols = {
  rl_abi_version: { parameters: [], result: "u32" },
  rl_isa: { parameters: ["u32" /* isa */], result: "i32" },
  rl_open_resamplers: { parameters: [], result: "i32" },
  rl_resampler_new: {
    parameters: [
      "u32", /* isa */
      "u32", /* input_rate */
      "u32", /* output_rate */
      "u32", /* channels */
      "buffer", /* uint32_t *info */
      "u32", /* info_length */
    ],
    result: "i32",
  },
  rl_resampler_process: {
    parameters: [
      "u32", /* handle */
      "buffer", /* const int16_t *samples */
      "u32", /* samples_length */
      "buffer", /* int16_t *out */
      "u32", /* out_length */
      "u32", /* offset */
    ],
    result: "i32",
  },
  rl_resampler_flush: {
    parameters: [
      "u32", /* handle */
      "buffer", /* int16_t *out */
      "u32", /* out_length */
      "u32", /* offset */
    ],
    result: "i32",
  },
  rl_resampler_history: {
    parameters: ["u32", /* handle */ "buffer", /* int16_t *out */ "u32" /* out_length */],
    result: "i32",
  },
  rl_resampler_reset: { parameters: ["u32" /* handle */], result: "i32" },
  rl_resampler_free: { parameters: ["u32" /* handle */], result: "i32" },
  rl_open_detectors: { parameters: [], result: "i32" },
  rl_detector_new: {
    parameters: ["buffer", /* uint32_t *info */ "u32" /* info_length */],
    result: "i32",
  },
  rl_detector_process: {
    parameters: [
      "u32", /* handle */
      "buffer", /* const int16_t *samples */
      "u32", /* samples_length */
      "buffer", /* float *probability */
      "u32", /* probability_length */
    ],
    result: "i32",
  },
  rl_detector_reset: { parameters: ["u32" /* handle */], result: "i32" },
  rl_detector_free: { parameters: ["u32" /* handle */], result: "i32" },
  rl_mix: {
    parameters: [
      "u32", /* isa */
      "buffer", /* const int16_t *block */
      "u32", /* block_length */
      "u32", /* count */
      "u32", /* frames */
      "buffer", /* int16_t *out */
      "u32", /* out_length */
      "u32", /* listeners */
      "buffer", /* const float *gains */
      "u32", /* gains_length */
      "buffer", /* const float *previous_gains */
      "u32", /* previous_gains_length */
    ],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** Instruction sets by the code that the library has for them. */
export const isaNames: Readonly<Record<number, string>> = {
  1: "portable",
  2: "sse2",
  3: "avx2",
  4: "avx512",
  5: "neon",
  6: "simd128",
};
