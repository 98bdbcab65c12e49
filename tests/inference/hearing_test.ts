import { assert, assertEquals } from "@std/assert";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { EchoGuard, OwnVoice } from "../../src/inference/hearing/echo_guard.ts";
import { energyVad } from "../../src/inference/hearing/energy_vad.ts";
import { PreRoll } from "../../src/inference/hearing/pre_roll.ts";
import { SpeechGate } from "../../src/inference/hearing/speech_gate.ts";
import { Feed } from "../../src/inference/feed.ts";

/** Loudness over time as of somebody who speaks: syllables of 100 to 300 ms, and pauses. */
function syllables(seed: number, slots: number): number[] {
  const random = () => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) / 0x7fffffff;
  const levels: number[] = [];
  while (levels.length < slots) {
    const length = 5 + Math.floor(random() * 10);
    const peak = 0.03 + random() * 0.2;
    for (let n = 0; n < length; n++) levels.push(peak * Math.sin(Math.PI * (n + 0.5) / length));
    if (random() < 0.3) { for (let n = 0; n < random() * 9; n++) levels.push(0.001); }
  }
  return levels;
}

function slot(level: number, samples: number): Int16Array {
  return Int16Array.from({ length: samples }, (_, n) => level * 32_767 * (n % 2 ? 1 : -1));
}

/** The agent speaks from 1 s on; gives after how much speech the guard lets a voice pass. */
function passes(
  options: { seed: number; echoMs?: number; personAtMs?: number; reportMs?: number },
): number {
  const { seed, echoMs, personAtMs = Infinity, reportMs = 20 } = options;
  const own = new OwnVoice();
  const guard = new EchoGuard(own);
  const said = syllables(seed, 400);
  const person = syllables(seed + 1000, 400);
  let open = 0;
  for (let at = 0; at < 380; at++) {
    const playing = at - 50;
    // Written 600 ms ahead.
    const from = playing < 0 ? [] : playing === 0 ? said.slice(0, 30) : [said[playing + 29]!];
    from.forEach((level, index) => {
      const block = playing === 0 ? index : playing + 29;
      own.wrote(slot(level, 480), 24_000, block * 20);
    });
    const playedMs = Math.max(0, Math.floor(playing * 20 / reportMs) * reportMs);
    own.update(1000 + at * 20, playedMs, playing >= 0);
    const echo = echoMs === undefined ? 0 : 0.1 * (said[playing - echoMs / 20] ?? 0);
    const speaking = at - 50 - personAtMs / 20;
    const level = 0.0003 + echo + (speaking >= 0 ? 0.6 * person[speaking]! : 0);
    const isVoice = level > 0.003;
    const isEcho = guard.push(slot(level, 320), isVoice, { row: at, nowMs: 1000 + at * 20 });
    open = isVoice && !isEcho ? open + 1 : Math.max(0, open - 0.5);
    if (open >= 8) return personAtMs === Infinity ? at * 20 : (speaking + 1) * 20;
  }
  return Infinity;
}

Deno.test("the agent's own voice is known by its ups and downs, however late it comes back", () => {
  for (const echoMs of [40, 160, 300, 480]) {
    for (const reportMs of [20, 100]) {
      for (let seed = 1; seed <= 8; seed++) {
        assertEquals(passes({ seed, echoMs, reportMs }), Infinity, `${echoMs} ms, seed ${seed}`);
      }
    }
  }
});

Deno.test("a person who speaks over the agent is a person within a word", () => {
  for (const echoMs of [undefined, 160]) {
    const times = Array.from(
      { length: 50 },
      (_, seed) => passes({ seed: seed + 1, echoMs, personAtMs: 3000, reportMs: 100 }),
    ).sort((a, b) => a - b);
    assert(times[25]! <= 260, `median ${times[25]} ms`);
    assert(times[45]! <= 500, `p90 ${times[45]} ms`);
  }
});

Deno.test("the gate opens after enough speech and closes after a pause", () => {
  const gate = new SpeechGate({ minSpeechMs: 100, pauseMs: 200 });
  const changes = (probabilities: number[]) =>
    probabilities.flatMap((one, index) => {
      const change = gate.push(one, 20);
      return change ? [`${change} ${index}`] : [];
    });
  assertEquals(changes([1, 1, 1, 0, 0, 0, 0, 0, 0, 0]), []);
  assertEquals(changes([1, 1, 0, 1, 1, 1, 1]), ["opened 6"]);
  assertEquals(gate.sinceFirstMs, 140);
  assertEquals(changes([0, 0, 0, 0, 0, 0, 1, ...Array(10).fill(0)]), ["closed 16"]);
  assertEquals(gate.silenceMs, 200);
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
});

Deno.test("what was kept from before the first sound comes out in order, once", () => {
  const preRoll = new PreRoll({ sampleRate: 1000, lengthMs: 5 });
  preRoll.push(Int16Array.of(1, 2, 3));
  preRoll.push(Int16Array.of(4, 5, 6, 7));
  assertEquals([...preRoll.take().samples], [3, 4, 5, 6, 7]);
  assertEquals(preRoll.take().frames, 0);
  preRoll.push(Int16Array.of(8, 9));
  assertEquals([...preRoll.take().samples], [8, 9]);
});

Deno.test("a feed that nobody reads is bounded and counts what it drops", async () => {
  const feed = new Feed<number>({ capacity: 3 });
  for (const item of [1, 2, 3, 4, 5]) feed.push(item);
  assertEquals([feed.size, feed.dropped], [3, 2]);
  feed.fail(new Error("lost"));
  feed.push(6);
  const got: unknown[] = [];
  try {
    for await (const item of feed) got.push(item);
  } catch (error) {
    got.push((error as Error).message);
  }
  assertEquals(got, [3, 4, 5, "lost"]);
});
