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
  "src/simd/avx2.rs": "f5845402a2b231d0f812c371b4cbe9683e0a97f23257b247a36cc0cdc992e864",
  "src/simd/avx512.rs": "d9617a166de682e6e0082b809df9b8dccc994483ef779530bc22425e39b62873",
  "src/simd/convolve.rs": "e0baaadab4284be82ed79fdbc0bcc9b7f13baa9e7237370134f07fa12a4f1b82",
  "src/simd/mod.rs": "0d15dc6a70db7bf7cc6fb52e4f4174042feb2d80df6d9dd728d56fb4554e3a02",
  "src/simd/neon.rs": "9d7e6f7498ecf8f943d0cef995919dc454377968ce1f6e5932f57cebbfb5fb62",
  "src/simd/portable.rs": "719b51e786eb78619812c15c87b19d7df6aecd9fbb75bb59133859a597cf61b5",
  "src/simd/sse2.rs": "2925a77c34cfe7a25d9f83b2f7387c88d90258c675399227c8b50f0886f24a9a",
  "src/simd/sum.rs": "22006949c3fd805e401d0c3572fec64ac39baa5148c60db9ea9c55b5bcdc492a",
  "src/simd/wasm.rs": "85bf95b41d919cc429bd6f57b84bde74976507ddffdc4047fa9a5d32373b2617",
  "src/table.rs": "5932c426909106f19f2999bebcf69c9403c37c08c83ce1c05410647708931334",
};
