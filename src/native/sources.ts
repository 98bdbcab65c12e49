/** The crate's sources and their SHA-256. Written by `deno task wasm`. @module */

// deno-fmt-ignore-file
/** What the native library is built from. */
export const sources: Readonly<Record<string, string>> = {
  "Cargo.lock": "7df1a0c997d9bd35944e3d9350afae3fecacd72180229a043e34cd66b70d504e",
  "Cargo.toml": "143921966d6fb542c31d0c33e80760111afa09611ef0ec6752286470574ea6d6",
  "build.rs": "601fe00e9f54443168f483222008f922fb02c68a8f23de3418a348645e0e22cd",
  "src/design.rs": "c01b9bc15a9da134903643e532d5bda4c68327cd96141f0d8dcb8ce105c783fc",
  "src/detector.rs": "cc6e0a31008bdad263e2a673238186899a0c9048307a069422656e09ed97aa74",
  "src/error.rs": "48763c0e7383cb102ec20d52ba21bcb806308740b890e044347afda2759caf38",
  "src/ffi.rs": "d06a6757c3ba4ae21dfcc99a4cf4745e873e528a85038f29c815beca4305cac3",
  "src/handles.rs": "4b91c9c1b7182d07bf162f959e33d69000593eb2f73a02e997352dde7b6acafc",
  "src/lib.rs": "c9a65dd32344db230b6bb2f38f3323f3e2c22aa55bbc0c02390b97a9bc41109c",
  "src/mix.rs": "1b6a5c370da57cb251cfaa24a9bf4ac4e86099cee88ffeb445f0ed218cf8d24c",
  "src/resampler.rs": "92df4426d895a7c16836c8a822a6a31b69d12409f46644e8278d3d4497301b0e",
  "src/silero.rs": "56887a364e01e9596e6514c58b6d0932c90069620e0008b911f46344deb02beb",
  "src/silero/weights.bin": "36b6ad275602b1737d9cc52107e06a6c10709354f0a5475c892360fa0eef72dd",
  "src/simd/avx2.rs": "c2f941d2f4555c788d11235d904fa12a8832145b510f679d0275ebfe1f740b1e",
  "src/simd/avx512.rs": "c0c4c1fc2d0f15b2b27681f03316f53d4fc21eb277b91048090153d6c4adad3f",
  "src/simd/convolve.rs": "6705b474fd39e625fa3cf890ac313837bdee0bccc664fd109249b076989d93f2",
  "src/simd/dense.rs": "b5445bb12254a71b675bad8f6f034b47546a3272020432d8c5db322918b7737d",
  "src/simd/mod.rs": "8ccf6195d3648a6e9e8c811d4399a0f4ae8ea81fbaa12f42bec3ae34b054dd30",
  "src/simd/neon.rs": "98fb4e2b01a8b8a61c230e52efe8573a0422c95ea9b7142e220a178d229a948f",
  "src/simd/portable.rs": "2ec976ea760b8ac0a1cecd0bfeec4d0e5cc6a4014d1a60586ba2359b76fe708b",
  "src/simd/sse2.rs": "200e2c5d084ac1861f1e21d907d9a4af7a09eb64f8cd4559168573a356ebae42",
  "src/simd/sum.rs": "46c2c9d64ab0579395fc470d16d2678443ca1725252ccb2015c012190dacbbfe",
  "src/simd/wasm.rs": "0587e27d3126fc4db8f499b9eeb19b836afc062569fb4481b1458c41891a814b",
  "src/table.rs": "81e105c84927d2411ded48495a8210ccac55de621aba5ca15ddbb7ba2c8fcbdd",
};
