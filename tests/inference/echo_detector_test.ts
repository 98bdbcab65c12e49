/** The agent's own voice, out of a loudspeaker, against a person's. */
import { assert, assertEquals } from "@std/assert";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { EchoDetector } from "../../src/inference/echo/echo_detector.ts";
import { PlaybackReference } from "../../src/inference/echo/playback_reference.ts";
import { speechLike } from "../../src/testing/sounds.ts";

const RATE = 16_000;
const ROW = RATE / 50;
const ROWS = 200;
/** The agent speaks from this row on. */
const BEGIN = 50;

/** What a microphone hears of a quiet room. */
const HUM = Float64Array.from({ length: ROWS * ROW }, (_, at) => 6 * Math.sin(at * 1.7));
const voices = new Map<number, Int16Array>();

/** Three seconds of a voice. */
function voice(seed: number): Int16Array {
  let samples = voices.get(seed);
  if (!samples) {
    const pcm = speechLike(20 * (ROWS - BEGIN), { seed, sampleRate: RATE });
    voices.set(seed, samples = pcm.samples);
  }
  return samples;
}

interface EchoCase {
  seed: number;
  /** How much later the agent's voice comes back, and how loud. */
  echo?: { ms: number; gain: number };
  /** A person speaks from so long after the agent's beginning on. */
  personAtMs?: number;
  /** How often it is told how much was played. */
  reportMs?: number;
  /** Rows that are handed over together, as after a stall of the program. */
  stallRows?: number;
}

/** Returns for each row from the agent's beginning on whether it counts as a person's voice. */
function persons(options: EchoCase): boolean[] {
  const { seed, echo, personAtMs = Infinity, reportMs = 20, stallRows = 1 } = options;
  const own = new PlaybackReference();
  const guard = new EchoDetector(own);
  const said = voice(seed);
  const person = voice(seed + 1000);
  const saidFrom = BEGIN * ROW;
  const echoFrom = saidFrom + (echo?.ms ?? 0) * RATE / 1000;
  const personFrom = saidFrom + personAtMs * RATE / 1000;
  const found: boolean[] = [];
  let written = 0;
  for (let first = 0; first < ROWS; first += stallRows) {
    for (let row = first; row < Math.min(first + stallRows, ROWS); row++) {
      // Written 600 ms ahead, and more when the program was stalled.
      while (row >= BEGIN && written < Math.min(said.length, (row - BEGIN + 30) * ROW)) {
        const pcm = new PcmChunk(said.subarray(written, written + ROW), { sampleRate: RATE });
        own.write(pcm, written * 1000 / RATE);
        written += ROW;
      }
    }
    for (let row = first; row < Math.min(first + stallRows, ROWS); row++) {
      const playedMs = Math.max(0, (row + 1 - BEGIN) * 20);
      own.update(row, Math.floor(playedMs / reportMs) * reportMs);
      const heard = new Int16Array(ROW);
      let power = 0;
      for (let n = 0; n < ROW; n++) {
        const at = row * ROW + n;
        const back = echo ? (said[at - echoFrom] ?? 0) * echo.gain : 0;
        heard[n] = back + (person[at - personFrom] ?? 0) + HUM[at]!;
        power += heard[n]! ** 2;
      }
      const isVoice = Math.sqrt(power / ROW) > 60;
      const isEcho = guard.push(new PcmChunk(heard, { sampleRate: RATE }), isVoice, row);
      if (row >= BEGIN) found.push(isVoice && !isEcho);
    }
  }
  return found;
}

/** After how many milliseconds of a beginning voice it has been a person's for 160 ms. */
function recognisedMs(rows: boolean[], fromMs: number): number {
  let speech = 0;
  for (let row = fromMs / 20; row < rows.length; row++) {
    speech = rows[row] ? speech + 1 : Math.max(0, speech - 0.5);
    if (speech >= 8) return (row + 1) * 20 - fromMs;
  }
  return Infinity;
}

for (const ms of [20, 150, 310, 480, 640]) {
  Deno.test(`the agent's own voice is known again ${ms} ms later`, () => {
    for (let seed = 1; seed <= 3; seed++) {
      for (const gain of [0.1, 0.7, -0.3]) {
        const rows = persons({ seed, echo: { ms, gain } });
        assertEquals(recognisedMs(rows, 0), Infinity, `seed ${seed}, gain ${gain}`);
      }
    }
  });
}

Deno.test("it is known where it is told seldom, or late, how much was played", () => {
  for (let seed = 1; seed <= 3; seed++) {
    for (const timing of [{ reportMs: 100 }, { stallRows: 45 }]) {
      const rows = persons({ seed, echo: { ms: 160, gain: 0.1 }, ...timing });
      assertEquals(recognisedMs(rows, 0), Infinity, `seed ${seed}, ${JSON.stringify(timing)}`);
    }
  }
});

for (
  const [where, echo] of [
    ["into headphones", undefined],
    ["out of a loudspeaker", { ms: 160, gain: 0.1 }],
  ] as const
) {
  for (const personAtMs of [100, 400, 2000]) {
    Deno.test(`a person is heard over the agent ${where}, ${personAtMs} ms after it began`, () => {
      const times = Array.from(
        { length: 12 },
        (_, seed) => recognisedMs(persons({ seed: seed + 1, echo, personAtMs }), personAtMs),
      ).sort((a, b) => a - b);
      assert(times[6]! <= 240, `median ${times[6]} ms`);
      assert(times[10]! <= 440, `p90 ${times[10]} ms`);
    });
  }
}

Deno.test("when the agent has ended, nothing that follows is its voice", () => {
  const own = new PlaybackReference();
  const guard = new EchoDetector(own);
  const said = speechLike(1000, { seed: 1, sampleRate: RATE });
  own.write(said, 0);
  for (let row = 0; row < 50; row++) own.update(row, (row + 1) * 20);
  const again = (row: number) => {
    own.update(row, 1000);
    const samples = said.samples.subarray((row % 50) * ROW, (row % 50 + 1) * ROW);
    return guard.push(new PcmChunk(samples, { sampleRate: RATE }), true, row);
  };
  for (let row = 50; row < 150; row++) again(row);
  for (let row = 150; row < 200; row++) assertEquals(again(row), false);
});
