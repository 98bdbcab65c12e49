import { assertEquals, assertThrows } from "@std/assert";
import { library, oracle, rustKernels } from "./kernels.ts";
import { symbols } from "../../src/native/symbols.ts";

Deno.test("use after dispose is an error and never a crash, and disposing twice is none", () => {
  const all = [["typescript", oracle] as const, ...rustKernels()];
  const cases = all.flatMap((one) => [16_000, 48_000].map((rate) => [...one, rate] as const));
  for (const [name, kernel, outputRate] of cases) {
    const options = { inputRate: 48_000, outputRate };
    const closed = kernel.createResampler(options);
    closed[Symbol.dispose]();
    closed[Symbol.dispose]();
    // Its place is used again; the old one must not reach the new one.
    using open = kernel.createResampler(options);
    const out = new Int16Array(960);
    for (
      const call of [
        () => closed.process(new Int16Array(960), out),
        () => closed.flush(out),
        () => closed.history(out),
        () => closed.reset(),
      ]
    ) assertThrows(call, TypeError, "this is disposed", name);
    closed[Symbol.dispose]();
    assertEquals(open.process(new Int16Array(960), out), outputRate / 50);
  }
});

Deno.test({
  name: "what was dropped without being disposed is freed by the garbage collector",
  ignore: library === undefined,
  async fn() {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--v8-flags=--expose-gc", "-"],
      cwd: new URL("../..", import.meta.url),
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`
      import { openNativeKernel } from "./src/native/native_kernel.ts";
      import { symbols } from "./src/native/symbols.ts";
      const path = ${JSON.stringify(library)};
      const kernel = openNativeKernel(path);
      const { rl_open_resamplers } = Deno.dlopen(path, symbols).symbols;
      for (let n = 0; n < 1000; n++) kernel.createResampler({ inputRate: 48000, outputRate: 16000 });
      const before = rl_open_resamplers();
      for (let turn = 0; turn < 50 && rl_open_resamplers() > 100; turn++) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      console.log(before, rl_open_resamplers() <= 100);
    `));
    await writer.close();
    const { stdout } = await child.output();
    assertEquals(new TextDecoder().decode(stdout).trim(), "1000 true");
  },
});

Deno.test({
  name: "the library itself survives null, absurd lengths, rates and handles",
  ignore: library === undefined,
  fn() {
    const lib = Deno.dlopen(library!, symbols);
    const rl = lib.symbols;
    const none = new Uint8Array(0);
    const info = new Uint32Array(5);
    assertEquals(rl.rl_resampler_new(0, 48_000, 16_000, 1, none, 5), -1, "null");
    assertEquals(rl.rl_resampler_new(0, 48_000, 16_000, 1, info, 4), -3, "length");
    assertEquals(rl.rl_resampler_new(0, 0, 16_000, 1, info, 5), -4, "rate");
    assertEquals(rl.rl_resampler_new(0, 48_000, 16_000, 0, info, 5), -5, "channels");
    assertEquals(rl.rl_isa(77), -10, "isa");
    assertEquals(rl.rl_resampler_new(0, 48_000, 16_000, 1, info, 5), 0);
    const handle = info[0]!;
    const bytes = new Uint8Array(2_001);
    const odd = bytes.subarray(1);
    assertEquals(rl.rl_resampler_process(handle, none, 960, bytes, 900, 0), -1, "null");
    assertEquals(rl.rl_resampler_process(handle, odd, 9, new Int16Array(99), 99, 0), -2, "odd");
    assertEquals(rl.rl_resampler_process(handle, none, 0, none, 0, 1), -3, "offset");
    assertEquals(rl.rl_resampler_free(handle), 0);
    assertEquals(rl.rl_resampler_free(handle), -6, "closed");
    for (const stale of [0, handle, 1, 0xffff_ffff]) {
      assertEquals(rl.rl_resampler_reset(stale), -6);
    }
    const out = new Int16Array(6);
    const mix = (count: number, frames: number, listeners: number) =>
      rl.rl_mix(0, new Int16Array(6), 6, count, frames, out, 6, listeners, none, 0, none, 0);
    assertEquals(mix(0xffff_ffff, 0xffff_ffff, 0), -3);
    assertEquals(mix(1_025, 0, 1), -3);
    assertEquals(mix(2, 3, 3), -3);
    assertEquals(mix(2, 3, 1), 0);
    lib.close();
  },
});
