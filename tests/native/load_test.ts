import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { library } from "./kernels.ts";

const root = new URL("../..", import.meta.url);

/** Runs a program that loads a kernel; returns what it prints, standard error after it. */
async function load(
  permissions: string[],
  options: { env?: Record<string, string>; code?: string } = {},
): Promise<{ stdout: string; stderr: string }> {
  const code = options.code ?? `
    import { loadKernel } from "./src/audio_entry.ts";
    const kernel = loadKernel({ logger: console.log });
    loadKernel({ logger: console.log });
    using resampler = kernel.createResampler({ inputRate: 48_000, outputRate: 16_000 });
    const out = new Int16Array(320);
    console.log(resampler.process(new Int16Array(960).fill(1000), out), out[319]);
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...permissions, "-"],
    cwd: root,
    env: { NO_COLOR: "1", ...options.env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(code));
  await writer.close();
  const { stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("without a permission the WASM kernel runs, and one line says so and why", async () => {
  const { stdout } = await load([]);
  const lines = stdout.trim().split("\n");
  assertEquals(lines.length, 2, stdout);
  assertMatch(lines[0]!, /^audio kernel: wasm \(simd128; not native: /);
  assertStringIncludes(lines[0]!, "--allow-ffi is not granted");
  assertEquals(lines[1], "320 1000");
});

Deno.test({
  name: "with --allow-ffi alone the local build runs",
  ignore: library === undefined,
  async fn() {
    const { stdout } = await load(["--allow-ffi"]);
    assertMatch(stdout, /^audio kernel: native \(\w+, local build\)\n320 1000\n$/);
  },
});

Deno.test("a broken library is named and passed over, never fatal", async () => {
  const broken = await Deno.makeTempFile({ suffix: ".so" });
  try {
    await Deno.writeTextFile(broken, "not a library");
    const { stdout } = await load(["-A"], { env: { RINGLINE_NATIVE: broken } });
    assertStringIncludes(stdout, "not RINGLINE_NATIVE: ", stdout);
    assertStringIncludes(stdout, "320 1000");
  } finally {
    await Deno.remove(broken);
  }
});

Deno.test("a library that is named and not there is told with its path", async () => {
  const { stdout } = await load(["-A"], { env: { RINGLINE_NATIVE: "/tmp/nope.so" } });
  assertStringIncludes(stdout, "not RINGLINE_NATIVE: there is no file /tmp/nope.so");
});

Deno.test("a library of something else is named and passed over", async () => {
  const other = Deno.build.os === "linux" ? "libc.so.6" : Deno.execPath();
  const { stdout } = await load(["-A"], { env: { RINGLINE_NATIVE: other } });
  assertStringIncludes(stdout, "RINGLINE_NATIVE: ");
  assertStringIncludes(stdout, "320 1000");
});

Deno.test("without a logger the line goes to the console only when the kernel is not the native one", async () => {
  const code = `
    import { loadKernel } from "./src/audio_entry.ts";
    loadKernel();
    loadKernel();
  `;
  const without = await load([], { code });
  assertEquals(without.stdout, "");
  assertMatch(without.stderr, /^audio kernel: wasm .*\n$/);
  if (library !== undefined) {
    assertEquals(await load(["--allow-ffi"], { code }), { stdout: "", stderr: "" });
  }
});

Deno.test("importing the audio entry point opens nothing and asks for nothing", async () => {
  const code = `
    Deno.dlopen = () => { throw new Error("opened") };
    const audio = await import(${JSON.stringify(new URL("src/audio_entry.ts", root).href)});
    console.log(Object.keys(audio).sort().join(" "));
  `;
  const { stdout, stderr } = await load([], { code });
  assertEquals(stderr, "");
  assertEquals(
    stdout,
    "MAX_GAIN MAX_MIX_ROWS Mixer PcmChunk Resampler RingBuffer SampleFifo concatenate decodeWav " +
      "loadKernel readWav readWavHeader rms typescriptKernel wavHeader writeWav\n",
  );
});
