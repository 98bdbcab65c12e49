/** The default VAD on recorded words in noise. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { neuralVad } from "../../src/inference/vad/neural_vad.ts";
import { Agent } from "../../src/agent/agent.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { typescriptKernel } from "../../src/audio/typescript_kernel.ts";
import { readWav } from "../../src/audio/wav.ts";
import { TranscriptEvent } from "../../src/inference/contracts/events.ts";
import { InferenceError } from "../../src/inference/contracts/errors.ts";
import { energyVad } from "../../src/inference/vad/energy_vad.ts";
import { VadStateMachine } from "../../src/inference/vad/vad_state_machine.ts";
import type { VAD } from "../../src/inference/contracts/vad.ts";
import { FakeSTT } from "../../src/testing/fake_stt.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { wasmKernel } from "../../src/native/wasm_kernel.ts";
import { lineNoises, mixAt, type NoiseName } from "../../bench/lines/sounds.ts";

const speech = readWav(
  await Deno.readFile(new URL("../fixtures/speech.wav", import.meta.url)),
);
const RATE = speech.sampleRate;
const NOISES: [NoiseName, number[]][] = [
  ["pink", [10, 5]],
  ["brown", [10, 5]],
  ["keys", [10, 5]],
  ["music", [10, 5]],
];

/** Returns the slots at which speech starts. */
function starts(vad: VAD, samples: Int16Array, sampleRate = RATE): number[] {
  using stream = vad.open({ sampleRate });
  const state = new VadStateMachine();
  const length = sampleRate / 50;
  const found = [];
  for (let n = 0; (n + 1) * length <= samples.length; n++) {
    const pcm = new PcmChunk(samples.subarray(n * length, (n + 1) * length), { sampleRate });
    if (state.push(stream.process(pcm) as number, 20) === "started") found.push(n);
  }
  return found;
}

/** Silence before the words, in which a detector learns the noise. */
const QUIET_SLOTS = 200;
const words = new Int16Array(QUIET_SLOTS * RATE / 50 + speech.samples.length);
words.set(speech.samples, QUIET_SLOTS * RATE / 50);

Deno.test("neuralVad hears words in noise, and nothing before them", () => {
  const vad = neuralVad({ kernel: wasmKernel() });
  assertEquals(starts(vad, words).filter((slot) => slot < QUIET_SLOTS), []);
  assert(starts(vad, words).length > 0);
  for (const [name, snrs] of NOISES) {
    const noise = lineNoises[name](words.length, RATE, 1);
    for (const snrDb of snrs) {
      const found = starts(vad, mixAt(words, noise, snrDb));
      assert(found.length > 0, `${name} at ${snrDb} dB: nothing found`);
      assertEquals(found.filter((slot) => slot < QUIET_SLOTS), [], `${name} at ${snrDb} dB`);
    }
  }
  // What it replaces as the default does not.
  const pink = mixAt(words, lineNoises.pink(words.length, RATE, 1), 5);
  assertEquals(starts(energyVad(), pink).filter((slot) => slot >= QUIET_SLOTS), []);
});

Deno.test("neuralVad needs a kernel with a network, and says so", () => {
  const vad = neuralVad({ kernel: typescriptKernel() });
  const error = assertThrows(
    () => vad.open({ sampleRate: 16_000 }),
    InferenceError,
    "the typescript kernel has no network",
  );
  assertEquals((error as InferenceError).code, "model-unavailable");
  assertThrows(() => neuralVad({ kernel: {} as never }), TypeError, "options.kernel");
});

Deno.test("an agent without a VAD hears words in noise", async () => {
  const clock = new VirtualClock();
  await using edge = new MemoryEdge({ clock });
  const agent = new Agent({
    edge,
    clock,
    agentUser: { id: "scribe", name: "Scribe" },
    stt: new FakeSTT(clock, ["Hello."]),
  });
  const texts: string[] = [];
  agent.events.subscribe(TranscriptEvent, ({ text, final }) => {
    if (final) texts.push(text);
  });
  const call = await agent.createCall("default", "kitchen");
  const anna = edge.enter(call, { userId: "anna" });
  await clock.until(agent.join(call));
  const noisy = mixAt(words, lineNoises.pink(words.length, RATE, 1), 5);
  await clock.until(anna.speak(new PcmChunk(noisy, { sampleRate: RATE })));
  await clock.advance(2000);
  await clock.until(agent.close());
  assertEquals(texts, ["Hello."]);
});
