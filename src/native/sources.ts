/** The crate's sources and their SHA-256. Written by `deno task wasm`. @module */

// deno-fmt-ignore-file
/** What the native library is built from. */
export const sources: Readonly<Record<string, string>> = {
  "Cargo.lock": "f0fd44f79bfeb47ffb4f907ee5de29073cc0f90597c12399eb4861b3f3ef33ef",
  "Cargo.toml": "9d4d6b68accf84b6d0e80cf4362af94e26a6758b6fb1e7ae4da27865797c9f96",
  "build.rs": "601fe00e9f54443168f483222008f922fb02c68a8f23de3418a348645e0e22cd",
  "src/design.rs": "301a53e4b42ecc768dd5f5ab46122c9304efa7be13c6ac9c0442c978e6806f4e",
  "src/error.rs": "86dfc4a63d71943cecb8b5fbd560b279f65093b3ffd2bb4770015af7bd910725",
  "src/ffi.rs": "c878378283c814c189fcc7c91bb8740ff18742b70285eb5c0daafeee6c45932b",
  "src/handles.rs": "2a1abf879cc67aa23a354b6e55cbaf0e5c7d9703e57d455c7f68014c350afb1b",
  "src/lib.rs": "848daf1a8628c6f4bb57fd4f9fba951bbf92e53d066f7a84df0ddea239c9c51e",
  "src/mix.rs": "ec31b554e5d1eb96d9a9b6002197a51b8c5d3ebe2a275dce516a6a66ff3a4f81",
  "src/resampler.rs": "573db027a552519f1db3967dea01b4eb0691b94ce50dc19c64422248994cf4ed",
  "src/simd/avx2.rs": "7cd1e4cce6b5e1e6652c734d1fce4ea55ff04f7c5b06fc8821855bf235e3e838",
  "src/simd/avx512.rs": "67a4e0c62cd58b569246ec61d63e81e2f5b267d2cc1de991f50ecf13c2582c9d",
  "src/simd/convolve.rs": "53f3ee21dfaabd8c1d23cfadb02afd238439c079fa8b633ad6ce70d3c5394663",
  "src/simd/mod.rs": "69a71c9b01dedec39d73ad6397ec33dda2ed3d469c26debe3fb513d996a9a635",
  "src/simd/neon.rs": "385a969eed544a1abaaae62ec2d472136b04d040e61e2d4b26150a0bb891fc87",
  "src/simd/portable.rs": "16042877115f1a0072c474da2c9a5d4a5de7d54d5c4d36f6e4d20de37d7a971c",
  "src/simd/sse2.rs": "139537dc69cac283ed0266636b6ed8cc037d11f809cbd705be54eee96ec31630",
  "src/simd/sum.rs": "22006949c3fd805e401d0c3572fec64ac39baa5148c60db9ea9c55b5bcdc492a",
  "src/simd/wasm.rs": "1aa5d7b90020b058129a1bdbca96a4ad62187756312926b42491e3a9edf1c09f",
  "src/table.rs": "fa6cba925b65940349b00069ae71e15bdeb26e07b0f82e0b689825368201e07a",
};
