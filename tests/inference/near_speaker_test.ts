/** A second voice in the room of a participant, while the agent speaks. */
import { assert, assertEquals, assertGreater, assertLess, assertThrows } from "@std/assert";
import type { VAD } from "../../src/inference/contracts/vad.ts";
import { neuralVad } from "../../src/inference/vad/neural_vad.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { checkTurnHandling } from "../../src/inference/pipelines/check_turn_handling.ts";
import { NearSpeaker } from "../../src/inference/turns/near_speaker.ts";
import { energyVad } from "../../src/inference/vad/energy_vad.ts";
import {
  BargeInEvent,
  FalseInterruptionEvent,
  OverlappingSpeechEvent,
} from "../../src/inference/contracts/events.ts";
import { FakeLLM } from "../../src/testing/fake_llm.ts";
import { FakeSTT } from "../../src/testing/fake_stt.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { simulateCall } from "../../src/testing/simulator/simulate_call.ts";
import { speechLike } from "../../src/testing/sounds.ts";
import { speech, SPEECH_RATE } from "../fixtures/speech.ts";

const LOUD = 9000;
const recorded = await speech();

/** A voice at this level, in dB of the participant's own. */
type Voice = (ms: number, db: number) => PcmChunk;

const synthetic: Voice = (ms, db) => speechLike(ms, { seed: 4, amplitude: LOUD * 10 ** (db / 20) });
const real: Voice = (ms, db) => {
  const gain = 10 ** (db / 20) / 2;
  const samples = Int16Array.from(
    { length: ms * SPEECH_RATE / 1000 },
    (_, at) => Math.round(recorded[at % recorded.length]! * gain),
  );
  return new PcmChunk(samples, { sampleRate: SPEECH_RATE });
};
const voices: [string, Voice, () => VAD][] = [
  ["noise like speech, energy", synthetic, energyVad],
  ["recorded speech, neural", real, () => neuralVad()],
];

/** The agent replies from 4 s on, and a second voice speaks over it. */
async function overlap(
  [, voice, vad]: typeof voices[number],
  { db, nearSpeakerOnly }: { db: number; nearSpeakerOnly: boolean },
) {
  const seen = { overlaps: 0, bargeIns: 0, pausedMs: 0, firstMs: Infinity };
  await simulateCall({
    seed: 1,
    people: [{
      userId: "anna",
      says: [{ atMs: 500, pcm: voice(2000, 0) }, { atMs: 6000, pcm: voice(4000, db) }],
    }],
    agent: ({ clock }) => ({
      vad: vad(),
      llm: new FakeLLM(clock, ["This is a long story about a river and a town. ".repeat(8)]),
      stt: new FakeSTT(clock, ["Tell me a story.", ""]),
      tts: new FakeTTS(clock),
      turnHandling: { interruption: { nearSpeakerOnly } },
    }),
    onJoined: ({ agent, clock }) => {
      agent.events.subscribe(
        [OverlappingSpeechEvent, BargeInEvent, FalseInterruptionEvent],
        (event) => {
          if (event.type === "overlapping-speech") {
            seen.overlaps++;
            seen.firstMs = Math.min(seen.firstMs, clock.now());
          } else if (event.type === "barge-in") seen.bargeIns++;
          else seen.pausedMs += event.pausedMs;
        },
      );
    },
    endsAtMs: 11_000,
  });
  return seen;
}

for (const one of voices) {
  Deno.test(`a voice 15 dB below does not stop an agent for near speakers only (${one[0]})`, async () => {
    const off = await overlap(one, { db: -15, nearSpeakerOnly: false });
    const on = await overlap(one, { db: -15, nearSpeakerOnly: true });
    assert(off.overlaps > 0, "it does by default");
    assertEquals([on.overlaps, on.bargeIns], [0, 0]);
  });

  Deno.test(`the participant stops it, also when they speak 4 dB quieter (${one[0]})`, async () => {
    const usual = await overlap(one, { db: 0, nearSpeakerOnly: false });
    for (const db of [0, -4]) {
      const { overlaps, firstMs } = await overlap(one, { db, nearSpeakerOnly: true });
      assertGreater(overlaps, 0, `${db} dB`);
      assertLess(firstMs, usual.firstMs + 61, "hardly later");
    }
  });
}

Deno.test("NearSpeaker knows no distance before half a second, and follows a new speaker", () => {
  const near = new NearSpeaker();
  const at = (level: number) =>
    new PcmChunk(new Int16Array(320).fill(level), { sampleRate: 16_000 });
  for (let slot = 0; slot < 20; slot++) assertEquals(near.push(at(8000), true), false);
  for (let slot = 0; slot < 8; slot++) assertEquals(near.push(at(800), false), false);
  for (let slot = 0; slot < 20; slot++) near.push(at(8000), true);
  let far = 0;
  // The telephone is handed over to a person who speaks 14 dB lower.
  for (let slot = 0; slot < 60 * 50; slot++) if (near.push(at(1600), true)) far++;
  assert(far > 100);
  assertLess(far, 30 * 50);
});

Deno.test("after a shout or a laugh a person's usual voice is near", () => {
  for (const ms of [300, 500, 1000]) {
    const near = new NearSpeaker();
    const at = (db: number) =>
      new PcmChunk(new Int16Array(320).fill(3000 * 10 ** (db / 20)), { sampleRate: 16_000 });
    for (let slot = 0; slot < 150; slot++) near.push(at(0), true);
    for (let slot = 0; slot < ms / 20; slot++) near.push(at(15), true);
    for (let slot = 0; slot < 10; slot++) near.push(at(-60), false);
    assertEquals(near.push(at(0), false), false, `after ${ms} ms`);
    // A louder voice that lasts is the usual one.
    for (let slot = 0; slot < 250; slot++) near.push(at(15), true);
    for (let slot = 0; slot < 10; slot++) near.push(at(-60), false);
    assertEquals(near.push(at(0), false), true);
  }
});

Deno.test("nearSpeakerOnly is a boolean", () => {
  const interruption = { nearSpeakerOnly: 10 as unknown as boolean };
  const message = "turnHandling.interruption.nearSpeakerOnly: expected a boolean, got";
  assertThrows(() => checkTurnHandling({ interruption }), TypeError, message);
});
