import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { neuralVad } from "../../src/inference/vad/neural_vad.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { systemClock } from "../../src/events/clock.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { sileroVad } from "../../src/adapters/silero_vad/mod.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import { energyVad } from "../../src/inference/vad/energy_vad.ts";
import { VadStateMachine } from "../../src/inference/vad/vad_state_machine.ts";
import type { VAD } from "../../src/inference/contracts/vad.ts";
import { FakeLLM } from "../../src/testing/fake_llm.ts";
import { FakeSTT } from "../../src/testing/fake_stt.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { simulateCall } from "../../src/testing/simulator/simulate_call.ts";
import { wasmKernel } from "../../src/native/wasm_kernel.ts";
import { speech } from "../fixtures/speech.ts";

const context = {
  clock: systemClock,
  logger: silentLogger,
  signal: new AbortController().signal,
};

async function probabilities(vad: VAD, samples: Int16Array, sampleRate: number): Promise<number[]> {
  using stream = vad.open({ sampleRate });
  const found: number[] = [];
  const step = sampleRate / 50;
  for (let start = 0; start + step <= samples.length; start += step) {
    const pcm = new PcmChunk(samples.subarray(start, start + step), { sampleRate });
    found.push(await stream.process(pcm));
  }
  return found;
}

Deno.test("Silero leaves the program's own workers running", async () => {
  const vad = sileroVad();
  await vad.start!(context);
  const script = `data:application/javascript,self.postMessage("here")`;
  const worker = new Worker(script, { type: "module" });
  const { data } = await new Promise<MessageEvent>((resolve) => worker.onmessage = resolve);
  worker.terminate();
  await vad.close!();
  assertEquals(data, "here");
});

Deno.test("neuralVad hears what the published model hears", async () => {
  // Where the library puts its 0.5.
  const SPEECH = 0.7;
  const vad = sileroVad();
  await vad.start!(context);
  const sound = over(Int16Array.from([...new Int16Array(48_000), ...await speech()]), 5);
  const published = await probabilities(vad, sound, 48_000);
  const ours = (await probabilities(neuralVad({ kernel: wasmKernel() }), sound, 48_000))
    .map((one) => one * SPEECH / (one * SPEECH + (1 - one) * (1 - SPEECH)));
  await vad.close!();
  const differences = published.map((one, n) => Math.abs(one - ours[n]!));
  // The first frames are not complete: there is no score yet.
  assert(Math.max(...differences.slice(2)) < 0.05, `${Math.max(...differences.slice(2))}`);
  assert(Math.max(...published) > 0.9 && Math.min(...published.slice(2)) < 0.3);
});

Deno.test("Silero's versions differ, and there is no other", async () => {
  const sound = over(await speech(), 0);
  const heard: number[][] = [];
  for (const version of [5, 6] as const) {
    const vad = sileroVad({ version });
    await vad.start!(context);
    heard.push(await probabilities(vad, sound, 16_000));
    await vad.close!();
  }
  assert(heard[0]!.some((one, n) => Math.abs(one - heard[1]![n]!) > 0.1));
  assertThrows(() => sileroVad({ version: 4 as never }), TypeError, "options.version");
});

Deno.test("Silero tells recorded speech from noise and from a tone", async () => {
  const vad = sileroVad();
  await vad.start!(context);
  const spoken = await probabilities(vad, await speech(), 48_000);
  const share = spoken.filter((one) => one > 0.5).length / spoken.length;
  assert(share > 0.5, `${share} of the speech`);
  let seed = 1;
  const noise = Int16Array.from({ length: 16_000 }, () => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
    return 3000 * (seed / 0x7fffffff - 0.5);
  });
  const tone = Int16Array.from({ length: 24_000 }, (_, n) => 8000 * Math.sin(n / 8));
  assertEquals((await probabilities(vad, noise, 16_000)).filter((one) => one > 0.5), []);
  assertEquals((await probabilities(vad, tone, 24_000)).filter((one) => one > 0.5), []);
  await vad.close!();
});

/** Pink noise, the same each time, at this level below a voice. */
function over(voice: Int16Array, belowDb: number): Int16Array {
  let seed = 1;
  const slow = [0, 0, 0];
  const noise = Float64Array.from(voice, () => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
    const white = seed / 0x7fffffff - 0.5;
    slow[0] = 0.99765 * slow[0]! + white * 0.099046;
    slow[1] = 0.963 * slow[1]! + white * 0.2965164;
    slow[2] = 0.57 * slow[2]! + white * 1.0526913;
    return slow[0] + slow[1]! + slow[2]! + white * 0.1848;
  });
  const power = (samples: Iterable<number>, count: number) =>
    Iterator.from(samples).reduce((sum, one) => sum + one * one, 0) / count;
  // The pauses are no part of how loud a voice is.
  const loud = voice.filter((one) => Math.abs(one) > 300);
  const ratio = power(loud, loud.length) / power(noise, noise.length);
  const gain = Math.sqrt(ratio) / 10 ** (belowDb / 20);
  return voice.map((one, n) => Math.max(-32_768, Math.min(32_767, one + gain * noise[n]!)));
}

Deno.test("Silero detects speech in noise where loudness alone does not, as the docs of both say", async () => {
  const silero = sileroVad();
  await silero.start!(context);
  // Long enough for both to know the noise before the words.
  const pause = new Int16Array(96_000);
  const voice = Int16Array.from([...pause, ...await speech()]);
  const slots = pause.length / 960;
  const hears = async (vad: VAD, samples: Int16Array) => {
    const state = new VadStateMachine();
    const found = await probabilities(vad, samples, 48_000);
    const changes = found.map((one) => state.push(one, 20));
    return changes.indexOf("started") >= slots;
  };
  const quiet = [await hears(energyVad(), voice), await hears(silero, voice)];
  const noisy = over(voice, 10);
  assertEquals(quiet, [true, true]);
  assertEquals([await hears(energyVad(), noisy), await hears(silero, noisy)], [false, true]);
  await silero.close!();
});

Deno.test("Silero gives timers their turn while it catches up", async () => {
  const vad = sileroVad();
  await vad.start!(context);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  // Three seconds, all there together: some hundred milliseconds of work.
  await probabilities(vad, new Int16Array(48_000), 16_000);
  clearInterval(timer);
  assert(turns > 5, `${turns} turns`);
  await vad.close!();
});

Deno.test("Silero keeps speakers apart: what one says changes nothing for another", async () => {
  const vad = sileroVad();
  await vad.start!(context);
  const samples = await speech();
  const alone = await probabilities(vad, samples, 48_000);
  using other = vad.open({ sampleRate: 48_000 });
  using one = vad.open({ sampleRate: 48_000 });
  const found: number[] = [];
  const silence = new PcmChunk(new Int16Array(960), { sampleRate: 48_000 });
  for (let start = 0; start + 960 <= samples.length; start += 960) {
    const pcm = new PcmChunk(samples.subarray(start, start + 960), { sampleRate: 48_000 });
    const [probability] = await Promise.all([one.process(pcm), other.process(silence)]);
    found.push(probability);
  }
  assertEquals(found, alone);
  await vad.close!();
});

Deno.test("Silero names a model that cannot be loaded", async () => {
  const vad = sileroVad({ model: Uint8Array.of(1, 2, 3) });
  const error = await assertRejects(async () => await vad.start!(context));
  assertInstanceOf(error, InferenceError);
  assertEquals(error.code, "model-unavailable");
});

Deno.test("Silero's detector of several agents is closed by the last, and can be started again", async () => {
  const vad = sileroVad();
  const silence = new Int16Array(3200);
  await Promise.all([vad.start!(context), vad.start!(context)]);
  await vad.close!();
  assert((await probabilities(vad, silence, 16_000)).every((one) => one < 0.5));
  await vad.close!();
  await assertRejects(() => probabilities(vad, silence, 16_000), TypeError, "a started detector");
  await vad.start!(context);
  assert((await probabilities(vad, silence, 16_000)).every((one) => one < 0.5));
  await vad.close!();
});

Deno.test("Silero loads in a simulated call, and hears all of several speakers", async () => {
  const pcm = new PcmChunk(await speech(), { sampleRate: 48_000 });
  const record = await simulateCall({
    seed: 1,
    people: ["anna", "bert", "carl"].map((userId) => ({ userId, says: [{ atMs: 1000, pcm }] })),
    agent: ({ clock }) => ({
      vad: sileroVad(),
      stt: new FakeSTT(clock, Array.from({ length: 20 }, () => "Hello?")),
      llm: new FakeLLM(clock, Array.from({ length: 20 }, () => "Hello, there.")),
      tts: new FakeTTS(clock),
    }),
    endsAtMs: 8000,
  });
  assertEquals([record.worstLatenessMs, record.errors], [0, []]);
  const [first] = record.said.list;
  assert(first!.fromMs < 1000 + pcm.durationMs + 2000, record.timeline());
});
