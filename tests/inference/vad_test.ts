/** The beginning and the end of speech, as the VAD finds them. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { firstSpeakerWins } from "../../src/inference/speakers/first_speaker_wins.ts";
import { energyVad } from "../../src/inference/vad/energy_vad.ts";
import { VadStateMachine } from "../../src/inference/vad/vad_state_machine.ts";
import { Channel } from "../../src/events/channel.ts";

Deno.test("sound right before a voice is known to be one counts for half of the speech", () => {
  const opensAfter = (sounds: number, then: number[]): number[] | undefined => {
    const state = new VadStateMachine({ minSpeechMs: 150 });
    for (let n = 0; n < sounds; n++) state.push(0.1, 20, true);
    for (const [index, one] of then.entries()) {
      if (state.push(one, 20, true) === "started") {
        return [(index + 1) * 20, state.sinceFirstSoundMs];
      }
    }
    return undefined;
  };
  const speech = Array(10).fill(1);
  assertEquals(opensAfter(0, speech), [160, 160]);
  assertEquals(opensAfter(2, speech), [120, 160]);
  assertEquals(opensAfter(5, speech), [80, 180]);
  // A hum does not make a word of the first half of one.
  assertEquals(opensAfter(500, speech), [80, 280]);
  assertEquals(opensAfter(500, [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]), undefined);
});

Deno.test("sound that has ended does not count for the next word", () => {
  const state = new VadStateMachine({ minSpeechMs: 100 });
  for (let n = 0; n < 10; n++) state.push(0.1, 20, true);
  state.push(0, 20, false);
  const changes = [1, 1, 1, 1, 1].map((one) => state.push(one, 20, true));
  assertEquals(changes.indexOf("started"), 4);
});

function slot(level: number, samples: number): Int16Array {
  return Int16Array.from({ length: samples }, (_, n) => level * 32_767 * (n % 2 ? 1 : -1));
}

Deno.test("the gate opens after enough speech and closes after a pause", () => {
  const state = new VadStateMachine({ minSpeechMs: 100, silenceDurationMs: 200 });
  const changes = (probabilities: number[]) =>
    probabilities.flatMap((one, index) => {
      const change = state.push(one, 20);
      return change ? [`${change} ${index}`] : [];
    });
  assertEquals(changes([1, 1, 1, 0, 0, 0, 0, 0, 0, 0]), []);
  assertEquals(changes([1, 1, 0, 1, 1, 1, 1]), ["started 6"]);
  assertEquals(state.sinceFirstSoundMs, 140);
  assertEquals(changes([0, 0, 0, 0, 0, 0, 1, ...Array(10).fill(0)]), ["stopped 16"]);
  assertEquals(state.silenceMs, 200);
});

Deno.test("loudness alone tells a voice from a steady noise", () => {
  const vad = energyVad().open({ sampleRate: 16_000 });
  const hear = (level: number, slots: number) => {
    let probability = 0;
    for (let n = 0; n < slots; n++) {
      probability = vad.process(new PcmChunk(slot(level, 320), { sampleRate: 16_000 })) as number;
    }
    return probability;
  };
  assert(hear(0.0005, 50) < 0.1);
  assert(hear(0.1, 5) > 0.9);
  // A fan that starts is noise after a while, and a voice over it is a voice.
  assert(hear(0.02, 1500) < 0.1);
  assert(hear(0.2, 5) > 0.9);
  const bytes = { samples: new Uint8Array(320), sampleRate: 16_000, channels: 1 };
  const wrong = bytes as unknown as PcmChunk;
  assertThrows(() => vad.process(wrong), TypeError, "pcm: expected a PcmChunk, got an Object");
  assert(hear(0.2, 5) > 0.9);
});

Deno.test("a channel that is not read is bounded and counts what it drops", async () => {
  const channel = new Channel<number>({ capacity: 3 });
  for (const item of [1, 2, 3, 4, 5]) channel.push(item);
  assertEquals([channel.size, channel.dropped], [3, 2]);
  channel.fail(new Error("lost"));
  channel.push(6);
  const got: unknown[] = [];
  try {
    for await (const item of channel) got.push(item);
  } catch (error) {
    got.push((error as Error).message);
  }
  assertEquals(got, [3, 4, 5, "lost"]);
});

Deno.test("a gate that is told to wait for nothing opens and closes by speech alone", () => {
  const state = new VadStateMachine({ minSpeechMs: 0, silenceDurationMs: 0 });
  const changes = [0, 0, 1, 1, 0, 0].map((probability) => state.push(probability, 20));
  assertEquals(changes, [undefined, undefined, "started", undefined, "stopped", undefined]);
});

Deno.test("detectors and filters by loudness refuse figures that make no sense", () => {
  for (const value of [NaN, -200, 1e300, "12", null, {}]) {
    const db = value as number;
    assertThrows(() => energyVad({ aboveNoiseDb: db }), RangeError, "aboveNoiseDb: expected 0");
    assertThrows(() => energyVad({ floorDb: db }), RangeError, "floorDb: expected -100");
  }
  for (const value of [NaN, -1, "1", {}, true]) {
    const releaseMs = value as number;
    assertThrows(() => firstSpeakerWins({ releaseMs }), RangeError, "releaseMs: expected a number");
  }
});
