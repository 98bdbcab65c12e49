import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { PcmChunk, Resampler, typescriptKernel } from "../../src/audio/mod.ts";
import { noise, tone } from "./signals.ts";

const kernel = typescriptKernel();

Deno.test("a stream is converted to the resampler's rate and channels", () => {
  using resampler = new Resampler(kernel, {
    inputRate: 48_000,
    outputRate: 16_000,
    channels: 2,
  });
  const out = resampler.convert(new PcmChunk(noise(960, 1), { sampleRate: 48_000 }));
  assertEquals([out.sampleRate, out.channels, out.frames], [16_000, 2, 320]);
  assert(out.samples.every((sample, n) => n % 2 === 0 || sample === out.samples[n - 1]));
  using mono = new Resampler(kernel, { inputRate: 16_000, outputRate: 16_000 });
  const stereo = new PcmChunk(Int16Array.of(1, 3, 10, 20), { sampleRate: 16_000, channels: 2 });
  assertEquals([...mono.convert(stereo).samples], [2, 15]);
});

/** The root mean square of what differs from the best-fitting sine, against the sine's. */
function residue(samples: Int16Array, frequency: number, sampleRate: number): number {
  let sine = 0, cosine = 0, energy = 0;
  const omega = 2 * Math.PI * frequency / sampleRate;
  for (let n = 0; n < samples.length; n++) {
    sine += samples[n]! * Math.sin(omega * n);
    cosine += samples[n]! * Math.cos(omega * n);
  }
  sine *= 2 / samples.length;
  cosine *= 2 / samples.length;
  for (let n = 0; n < samples.length; n++) {
    const ideal = sine * Math.sin(omega * n) + cosine * Math.cos(omega * n);
    energy += (samples[n]! - ideal) ** 2;
  }
  return Math.sqrt(energy / samples.length / ((sine ** 2 + cosine ** 2) / 2));
}

Deno.test("a stream that changes its rate goes on as if it had not", () => {
  const frequency = 500;
  const rates = [48_000, 44_100, 16_000, 8_000, 24_000, 48_000];
  for (const outputRate of [16_000, 48_000]) {
    using resampler = new Resampler(kernel, { inputRate: rates[0]!, outputRate });
    const stream: number[] = [];
    rates.forEach((sampleRate, part) => {
      // 100 ms are 50 periods: every part begins at the same phase.
      const whole = tone(sampleRate / 10, { frequency, sampleRate });
      for (let start = 0; start < whole.length; start += sampleRate / 100) {
        const samples = whole.subarray(start, start + sampleRate / 100);
        stream.push(...resampler.convert(new PcmChunk(samples, { sampleRate })).samples);
      }
      assertEquals(resampler.inputRate, sampleRate, `part ${part}`);
    });
    // The latency of the parts differs by a few milliseconds at most; nothing else is missing.
    assertAlmostEquals(stream.length * 1000 / outputRate, 600, 4);
    const settled = Int16Array.from(stream.slice(outputRate / 100));
    assert(residue(settled, frequency, outputRate) < 0.003, "the tone goes on undisturbed");
  }
});

Deno.test("a change of channels in mid-stream keeps the stream whole", () => {
  using resampler = new Resampler(kernel, { inputRate: 48_000, outputRate: 16_000 });
  using reference = new Resampler(kernel, { inputRate: 48_000, outputRate: 16_000 });
  const mono = noise(1_920, 2);
  const stereo = Int16Array.from({ length: 1_920 }, (_, n) => mono[960 + (n >> 1)]!);
  const format = { sampleRate: 48_000 };
  const first = resampler.convert(new PcmChunk(mono.subarray(0, 960), format));
  const second = resampler.convert(new PcmChunk(stereo, { ...format, channels: 2 }));
  const whole = reference.convert(new PcmChunk(mono, format));
  assertEquals([...first.samples, ...second.samples], [...whole.samples]);
});

Deno.test("flush gives the tail, and what follows knows nothing of it", () => {
  using resampler = new Resampler(kernel, { inputRate: 48_000, outputRate: 16_000 });
  const chunk = new PcmChunk(noise(960, 3), { sampleRate: 48_000 });
  const first = resampler.convert(chunk);
  const tail = new Int16Array(resampler.tailFrames);
  assertEquals(resampler.flush(tail), 28);
  assert(tail.some((sample) => sample !== 0));
  assertEquals(resampler.convert(chunk).samples, first.samples);
});

Deno.test("a disposed resampler is an error, and disposing twice is not", () => {
  for (const outputRate of [16_000, 48_000]) {
    const resampler = new Resampler(kernel, { inputRate: 48_000, outputRate });
    resampler[Symbol.dispose]();
    resampler[Symbol.dispose]();
    const chunk = new PcmChunk(new Int16Array(960), { sampleRate: 48_000 });
    assertThrows(() => resampler.convert(chunk), TypeError, "this is disposed");
    assertThrows(() => resampler.flush(new Int16Array(99)), TypeError, "this is disposed");
    assertThrows(() => resampler.reset(), TypeError, "this is disposed");
  }
});

Deno.test("a resampler refuses what is no chunk and no output, and consumes nothing", () => {
  const rates = { inputRate: 48_000, outputRate: 16_000 };
  const chunk = new PcmChunk(noise(960, 1), { sampleRate: 48_000 });
  const other = new PcmChunk(noise(441, 2), { sampleRate: 22_050 });
  const samples = new Uint8Array(1920) as unknown as Int16Array;
  using resampler = new Resampler(kernel, rates);
  using reference = new Resampler(kernel, rates);
  const out = new Int16Array(2000);
  for (const plain of [{ samples, sampleRate: 48_000, channels: 1 }, samples, undefined, "pcm"]) {
    const wrong = plain as unknown as PcmChunk;
    assertThrows(() => resampler.process(wrong, out), TypeError, "chunk: expected a PcmChunk, got");
    assertThrows(() => resampler.convert(wrong), TypeError, "chunk: expected a PcmChunk, got");
  }
  const changed = Object.assign(chunk.clone(), { samples });
  assertThrows(
    () => resampler.process(changed, out),
    TypeError,
    "samples: expected an Int16Array, got a Uint8Array",
  );
  for (const input of [chunk, other]) {
    assertThrows(() => resampler.process(input, samples), TypeError, "output: expected an Int16");
    for (const offset of [-1, NaN, 0.5]) {
      assertThrows(() => resampler.process(input, out, offset), RangeError, "outputOffset");
    }
  }
  const memory = new Int16Array(2000);
  for (const sampleRate of [48_000, 22_050]) {
    const inside = new PcmChunk(memory.subarray(500, 1000), { sampleRate });
    assertThrows(() => resampler.process(inside, memory), RangeError, "overlaps the input");
  }
  assertEquals(resampler.convert(chunk), reference.convert(chunk));
});
