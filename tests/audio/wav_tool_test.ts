import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { tone } from "./signals.ts";

const tool = new URL("../../examples/wav_tool.ts", import.meta.url);

async function run(...args: string[]): Promise<{ code: number; stderr: string }> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-read", "--allow-write", tool.href, ...args],
    cwd: new URL("../..", import.meta.url),
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

function wav(samples: Int16Array, sampleRate: number, channels: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(44 + samples.byteLength);
  const view = new DataView(bytes.buffer);
  const put = (at: number, text: string) => bytes.set(new TextEncoder().encode(text), at);
  put(0, "RIFF");
  view.setUint32(4, 36 + samples.byteLength, true);
  put(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * channels * 2, true);
  view.setUint16(32, channels * 2, true);
  view.setUint16(34, 16, true);
  put(36, "data");
  view.setUint32(40, samples.byteLength, true);
  bytes.set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength), 44);
  return bytes;
}

async function read(
  path: string,
): Promise<{ rate: number; channels: number; samples: Int16Array }> {
  const bytes = await Deno.readFile(path);
  const view = new DataView(bytes.buffer);
  assertEquals(view.getUint32(40, true), bytes.length - 44);
  return {
    rate: view.getUint32(24, true),
    channels: view.getUint16(22, true),
    samples: new Int16Array(bytes.buffer, 44),
  };
}

Deno.test("the WAV tool converts a file of any rate, in time, and mixes two", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const a = `${folder}/a.wav`, b = `${folder}/b.wav`, out = `${folder}/out.wav`;
    const mono = tone(44_100 * 3, { frequency: 440, sampleRate: 44_100, amplitude: 10_000 });
    const stereo = Int16Array.from({ length: 2 * mono.length }, (_, n) => mono[n >> 1]!);
    await Deno.writeFile(a, wav(stereo, 44_100, 2));
    const { code, stderr } = await run("convert", a, out, "--rate=16000", "--channels=1");
    assertEquals(code, 0, stderr);
    const made = await read(out);
    assertEquals([made.rate, made.channels, made.samples.length], [16_000, 1, 48_000]);
    const expected = tone(48_000, { frequency: 440, sampleRate: 16_000, amplitude: 10_000 });
    for (let n = 1_000; n < 47_000; n++) assertAlmostEquals(made.samples[n]!, expected[n]!, 3);

    await Deno.writeFile(b, wav(expected.subarray(0, 16_000), 16_000, 1));
    const mixed = await run("mix", a, b, out, "--rate=16000", "--channels=1", "--gain-b=0.5");
    assertEquals(mixed.code, 0, mixed.stderr);
    const { samples } = await read(out);
    for (let n = 1_000; n < 15_000; n++) assertAlmostEquals(samples[n]!, expected[n]! * 1.5, 5);
    for (let n = 17_000; n < 47_000; n++) assertAlmostEquals(samples[n]!, expected[n]!, 5);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the WAV tool says what is wrong with a file", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, "this is no WAV file at all");
    const { code, stderr } = await run("convert", file, `${file}.out`, "--rate=8000");
    assertEquals(code, 1);
    assertStringIncludes(stderr, "expected a WAV file");
    assert((await run("paint", file)).code === 2);
  } finally {
    await Deno.remove(file);
  }
});

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("the WAV tool converts and mixes a file in its own place", async () => {
  await withFolder(async (folder) => {
    const a = `${folder}/a.wav`;
    await Deno.writeFile(a, wav(new Int16Array(4_800).fill(1_000), 48_000, 1));
    const converted = await run("convert", a, a, "--rate=16000");
    assertEquals(converted.code, 0, converted.stderr);
    const made = await read(a);
    assertEquals([made.rate, made.samples.length], [16_000, 1_600]);
    const mixed = await run("mix", a, a, a);
    assertEquals(mixed.code, 0, mixed.stderr);
    assertAlmostEquals((await read(a)).samples[800]!, 2_000, 4);
    assertEquals(names(folder), ["a.wav"]);
  });
});

Deno.test("the WAV tool touches no output before it knows that it can be made", async () => {
  await withFolder(async (folder) => {
    const a = `${folder}/a.wav`, out = `${folder}/out.wav`;
    await Deno.writeFile(a, wav(new Int16Array(480), 48_000, 1));
    await Deno.writeTextFile(out, "dear");
    const slow = wav(new Int16Array(480), 1, 1);
    await Deno.writeFile(`${folder}/slow.wav`, slow);
    const cases: [string[], number, string][] = [
      [["convert", a, out, "--rate=abc"], 2, "got NaN"],
      [["convert", a, out, "--channels=3"], 2, "expected 1 or 2, got 3"],
      [["mix", a, a, out, "--gain-b=loud"], 2, "expected 0 to 32, got loud"],
      [["convert", `${folder}/slow.wav`, out], 1, `${folder}/slow.wav: sampleRate`],
      [["mix", a, `${folder}/none.wav`, out], 1, `${folder}/none.wav`],
      [["convert", a, folder], 1, `${folder}: expected the name of a file`],
    ];
    for (const [args, code, message] of cases) {
      const result = await run(...args);
      assertEquals(result.code, code, result.stderr);
      assertStringIncludes(result.stderr, message);
      assert(!result.stderr.includes("    at "), result.stderr);
      assertEquals(await Deno.readTextFile(out), "dear");
      assertEquals(names(folder), ["a.wav", "out.wav", "slow.wav"]);
    }
  });
});

Deno.test("the WAV tool gives its usage where that helps, and no stack", async () => {
  assertEquals(await run("--help"), { code: 0, stderr: "" });
  const wrong = await run("convert", "--loud");
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, "--loud");
  assertStringIncludes(wrong.stderr, "wav_tool.ts mix A.wav");
  assert(!wrong.stderr.includes("    at "), wrong.stderr);
});

Deno.test("the WAV tool names the file whose format chunk is too short", async () => {
  await withFolder(async (folder) => {
    const a = `${folder}/a.wav`;
    const bytes = wav(new Int16Array(480), 48_000, 1);
    new DataView(bytes.buffer).setUint32(16, 14, true);
    await Deno.writeFile(a, bytes);
    const { code, stderr } = await run("convert", a, `${folder}/out.wav`);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `${a}: expected a format chunk of 16 bytes or more, got 14`);
    assertEquals(names(folder), ["a.wav"]);
  });
});
