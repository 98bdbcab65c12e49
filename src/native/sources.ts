/** The crate's sources and their SHA-256. Written by `deno task wasm`. @module */

// deno-fmt-ignore-file
/** What the native library is built from. */
export const sources: Readonly<Record<string, string>> = {
  "Cargo.lock": "f0fd44f79bfeb47ffb4f907ee5de29073cc0f90597c12399eb4861b3f3ef33ef",
  "Cargo.toml": "9d4d6b68accf84b6d0e80cf4362af94e26a6758b6fb1e7ae4da27865797c9f96",
  "build.rs": "601fe00e9f54443168f483222008f922fb02c68a8f23de3418a348645e0e22cd",
  "src/design.rs": "301a53e4b42ecc768dd5f5ab46122c9304efa7be13c6ac9c0442c978e6806f4e",
  "src/error.rs": "86dfc4a63d71943cecb8b5fbd560b279f65093b3ffd2bb4770015af7bd910725",
  "src/ffi.rs": "fa3561cd3c87b8bd81038d72bd45e2ac4462e7d31b9ccb73794b05969d48b4f2",
  "src/handles.rs": "2a1abf879cc67aa23a354b6e55cbaf0e5c7d9703e57d455c7f68014c350afb1b",
  "src/lib.rs": "1d30049eb64fce12355153f1d60b0cbb81bd6e45efa8056d7019932f50205d40",
  "src/mix.rs": "86d10ff1b977df8e00e9c2705368b4451dbdf72c4767de0ddec254921c6b31a5",
  "src/resampler.rs": "506b8ee5d8d3e5b1bddacba219a49d5f2955c54294b3c6adaff19a51060c8bb8",
  "src/simd/avx2.rs": "c2f941d2f4555c788d11235d904fa12a8832145b510f679d0275ebfe1f740b1e",
  "src/simd/avx512.rs": "c0c4c1fc2d0f15b2b27681f03316f53d4fc21eb277b91048090153d6c4adad3f",
  "src/simd/convolve.rs": "ff764306a8b43ccb8bb28df48b2d0d1c4b494a090f959bfe12b599f5d2329f25",
  "src/simd/mod.rs": "8b7ba3394ebf10b5ba40349c8609a3c9f9be85ee1b290ab86a36d24f588c4606",
  "src/simd/neon.rs": "98fb4e2b01a8b8a61c230e52efe8573a0422c95ea9b7142e220a178d229a948f",
  "src/simd/portable.rs": "2ec976ea760b8ac0a1cecd0bfeec4d0e5cc6a4014d1a60586ba2359b76fe708b",
  "src/simd/sse2.rs": "200e2c5d084ac1861f1e21d907d9a4af7a09eb64f8cd4559168573a356ebae42",
  "src/simd/sum.rs": "e0d1efcb7a2870730dcf56a9fddc3bca1247592d835cdc546d74d900185262dc",
  "src/simd/wasm.rs": "f852a9fff141d5f830bcb122b36549b7dbbcd8ba5f2e0b9d40576fe594650a6d",
  "src/table.rs": "fa6cba925b65940349b00069ae71e15bdeb26e07b0f82e0b689825368201e07a",
};
