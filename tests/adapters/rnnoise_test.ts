/** RNNoise as an input filter: what it removes, what it keeps, and that its streams are apart. */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { rnnoise } from "../../src/adapters/rnnoise/mod.ts";
import { RnnoiseNetwork } from "../../src/adapters/rnnoise/network.ts";
import { Agent } from "../../src/agent/agent.ts";
import type { InputFilter } from "../../src/agent/input_filter.ts";
import { rms } from "../../src/audio/level.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { ErrorEvent } from "../../src/edge/events.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { Random } from "../../src/testing/random.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { speech } from "../fixtures/speech.ts";

const participant = {
  original: undefined,
  userId: "ann",
  id: "ann",
  name: "Ann",
  kind: "person",
} as const;

/** Returns what a stream makes of samples, 20 ms at a time. */
function filtered(filter: InputFilter, samples: Int16Array, sampleRate: number): Int16Array {
  using stream = filter.open({ sampleRate, participant });
  const out = samples.slice();
  const step = sampleRate / 50;
  for (let at = 0; at + step <= out.length; at += step) stream.process(out.subarray(at, at + step));
  return out;
}

/** Noise like that of a fan: low frequencies above all. */
function noise(ms: number, sampleRate: number): Int16Array {
  const random = new Random(1);
  let low = 0;
  return Int16Array.from({ length: ms * sampleRate / 1000 }, () => {
    low += 0.1 * (random.between(-1, 1) - low);
    return 6000 * low;
  });
}

/** The part of the second that lies in the first, in dB of the first's level. */
function likenessDb(heard: Int16Array, original: Int16Array, delay: number): number {
  let product = 0, power = 0, all = 0;
  for (let n = delay; n < heard.length; n++) {
    product += heard[n]! * original[n - delay]!;
    power += original[n - delay]! ** 2;
    all += heard[n]! ** 2;
  }
  return 10 * Math.log10(product ** 2 / power / all);
}

for (const sampleRate of [16_000, 24_000, 48_000]) {
  Deno.test(`rnnoise removes steady noise at ${sampleRate / 1000} kHz`, async () => {
    const sound = noise(3000, sampleRate);
    const heard = filtered(await rnnoise(), sound, sampleRate);
    const rest = heard.subarray(sampleRate);
    assertLess(20 * Math.log10(rms(rest) / rms(sound)), -20);
  });
}

Deno.test("rnnoise keeps a voice, late by less than 30 ms, and takes the noise from under it", async () => {
  const filter = await rnnoise();
  const voice = await speech();
  const alone = filtered(filter, voice, 48_000);
  const delays = Array.from({ length: 30 }, (_, ms) => 48 * ms);
  const likeness = (heard: Int16Array) =>
    Math.max(...delays.map((delay) => likenessDb(heard, voice, delay)));
  assertGreater(likeness(alone), -1);
  const under = noise(voice.length / 48, 48_000);
  const gain = rms(voice) / rms(under) / 10 ** (5 / 20);
  const mixed = voice.map((value, n) => value + gain * under[n]!);
  const before = likeness(mixed);
  const after = likeness(filtered(filter, mixed, 48_000));
  // Of 5 dB below the voice little is left: what is like the voice is more of what is heard.
  assertGreater(after, before);
  assertGreater(after, -1);
});

Deno.test("streams of rnnoise are apart, and a thousand of them one after the other leave no memory used", async () => {
  const filter = await rnnoise();
  const [one, other] = [noise(1000, 16_000), (await speech()).subarray(0, 16_000)];
  const apart = [filtered(filter, one, 16_000), filtered(filter, other, 16_000)];
  const streams = [one, other].map(() => filter.open({ sampleRate: 16_000, participant }));
  const together = [one.slice(), other.slice()];
  for (let at = 0; at < 16_000; at += 320) {
    streams.forEach((stream, n) => stream.process(together[n]!.subarray(at, at + 320)));
  }
  for (const stream of streams) stream[Symbol.dispose]();
  assertEquals(together, apart);
  const bytes = await Deno.readFile(
    new URL(import.meta.resolve("npm:@shiguredo/rnnoise-wasm@2022.2.0/dist/rnnoise_simd.wasm")),
  );
  const network = await RnnoiseNetwork.load(bytes);
  const frame = new Float32Array(480);
  // More than the module's memory holds at first: it grows.
  const open = Array.from({ length: 1000 }, () => network.open());
  for (const denoiser of open) denoiser.process(frame);
  assert(frame.every((value) => value === 0));
  const { memoryBytes } = network;
  for (const denoiser of open) denoiser[Symbol.dispose]();
  for (let n = 0; n < 1000; n++) network.open()[Symbol.dispose]();
  assertEquals(network.memoryBytes, memoryBytes);
});

Deno.test("an agent hears participants through rnnoise", async () => {
  const clock = new VirtualClock();
  await using edge = new MemoryEdge({ clock });
  const errors: unknown[] = [];
  edge.events.subscribe(ErrorEvent, ({ error }) => void errors.push(error));
  const levels: number[] = [];
  const agent = new Agent({
    edge,
    agentUser: { id: "agent", name: "Agent" },
    inputFilters: [await rnnoise()],
    onAudio: ({ pcm }) => void levels.push(rms(pcm.samples)),
  });
  const call = await agent.createCall("default", "noisy");
  const ann = edge.enter(call, { userId: "ann" });
  await clock.until(agent.join(call));
  const sound = noise(2000, 16_000);
  await clock.until(ann.speak(new PcmChunk(sound, { sampleRate: 16_000 })));
  assertEquals([levels.length, errors], [100, []]);
  assertLess(Math.max(...levels.slice(50)), rms(sound) / 10);
  await clock.until(agent.close());
});
