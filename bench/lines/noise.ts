/**
 * How many phrases a VAD finds in noise, and how often it takes noise for speech.
 *
 * @module
 */
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import type { InputFilter } from "../../src/agent/input_filter.ts";
import type { VAD } from "../../src/inference/contracts/vad.ts";
import { VadStateMachine } from "../../src/inference/vad/vad_state_machine.ts";
import { filtered } from "./filtered.ts";
import { RATE, SPEECH_RMS } from "./phrases.ts";
import { atLevel, lineNoises, mixAt, type Noise, streetOf } from "./sounds.ts";

const SLOT = RATE / 50;
/** The pause before each phrase, in slots: long enough for a segment to end, and to be another's. */
const PAUSE_SLOTS = 100;

/** What a VAD made of one noise. */
export interface NoiseResult {
  vad: string;
  noise: string;
  snrDb: number;
  found: number;
  phrases: number;
  /** Starts in the noise alone, and how long that was. */
  falseStarts: number;
  noiseMs: number;
}

/** What a VAD is measured with. */
export interface NoiseOptions {
  /** The phrases to find. */
  phrases: readonly Int16Array[];
  /** Those of the people in the street. */
  talkers: readonly Int16Array[];
  /** How far the noise is below the speech, in dB. */
  snrsDb: readonly number[];
  /** How long each noise alone is. */
  noiseMs: number;
  /** Changes what the VAD hears. */
  filter?: InputFilter;
}

/** Measures a VAD in all noises. */
export async function measureNoise(vad: VAD, options: NoiseOptions): Promise<NoiseResult[]> {
  const { phrases, talkers, snrsDb, noiseMs, filter } = options;
  const name = filter ? `${vad.name} behind ${filter.name}` : vad.name;
  const noises: Record<string, Noise> = { ...lineNoises, street: streetOf(talkers) };
  const { speech, marks } = inARow(phrases);
  const results: NoiseResult[] = [];
  for (const [noise, make] of Object.entries(noises)) {
    const under = make(speech.length, RATE, 1);
    const alone = make(noiseMs * RATE / 1000, RATE, 2);
    for (const snrDb of snrsDb) {
      const found = await startsOf(vad, filtered(filter, mixAt(speech, under, snrDb)));
      const noiseAlone = atLevel(alone, SPEECH_RMS / 10 ** (snrDb / 20));
      const falsely = await startsOf(vad, filtered(filter, noiseAlone));
      results.push({
        vad: name,
        noise,
        snrDb,
        found: marks.filter(([from, to]) =>
          found.some((slot) => slot >= from && slot <= to)
        ).length,
        phrases: phrases.length,
        falseStarts: falsely.length,
        noiseMs,
      });
    }
  }
  return results;
}

/** Returns all phrases with pauses, and in which slots each may be found. */
function inARow(phrases: readonly Int16Array[]): { speech: Int16Array; marks: [number, number][] } {
  const slots = phrases.map((phrase) => Math.ceil(phrase.length / SLOT));
  const total = slots.reduce((sum, count) => sum + count + PAUSE_SLOTS, PAUSE_SLOTS);
  const speech = new Int16Array(total * SLOT);
  const marks: [number, number][] = [];
  let at = PAUSE_SLOTS;
  for (const [index, phrase] of phrases.entries()) {
    speech.set(phrase, at * SLOT);
    // A start a little before it, or after its end, is that of its first or last sound.
    marks.push([at - 10, at + slots[index]! + 10]);
    at += slots[index]! + PAUSE_SLOTS;
  }
  return { speech, marks };
}

/** Returns the slots in which speech starts, with the thresholds that an agent has by default. */
async function startsOf(vad: VAD, samples: Int16Array): Promise<number[]> {
  using stream = vad.open({ sampleRate: RATE });
  const state = new VadStateMachine();
  const starts: number[] = [];
  for (let n = 0; (n + 1) * SLOT <= samples.length; n++) {
    const pcm = new PcmChunk(samples.subarray(n * SLOT, (n + 1) * SLOT), { sampleRate: RATE });
    const result = stream.process(pcm);
    const probability = typeof result === "number" ? result : await result;
    if (state.push(probability, 20) === "started") starts.push(n);
  }
  return starts;
}
