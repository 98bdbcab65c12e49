/** Recorded phrases with a pause inside: a phrase is cut between two words, and the gap made longer. */
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { rms } from "../../src/audio/level.ts";
import { Random } from "../../src/testing/random.ts";
import { RATE, readPhrases } from "../lines/phrases.ts";

/** A phrase that a person goes on with after a pause. */
export interface PausedPhrase {
  pcm: PcmChunk;
  /** From the last sound before the pause to the first after it. */
  silenceMs: number;
  /** When that first sound comes, since the beginning. */
  resumesAtMs: number;
}

/** The pauses, which the phrases get in turn. */
export const PAUSES_MS = [200, 300, 400, 500, 600, 700, 800, 900, 1000];

const FRAME = RATE / 100;
/** Below this share of the loudest frame there is no voice. */
const QUIET = 0.03;
/** The noise of the line, in samples. */
const LINE_NOISE = 5;
/** How many phrases are read for each that has a gap to cut it at. */
const READ_FOR_EACH = 3;

/**
 * Returns so many phrases, the same for the same folder. Each is cut at a gap of 40 to 120 ms, which is
 * no end of a sentence, 0.6 s after its beginning or later, and 0.4 s before its end or earlier.
 */
export async function pausedPhrases(folder: string, count: number): Promise<PausedPhrase[]> {
  const found: PausedPhrase[] = [];
  for (const phrase of await readPhrases(folder, count * READ_FOR_EACH)) {
    if (found.length === count) break;
    const cut = gapOf(phrase);
    if (cut !== undefined) found.push(paused(phrase, cut, found.length));
  }
  if (found.length === count) return found;
  throw new TypeError(`${folder}: expected ${count} phrases with a gap, got ${found.length}`);
}

/** Returns where the middle one of the gaps between words begins and ends, in samples. */
function gapOf(phrase: Int16Array): [number, number] | undefined {
  const frames = Array.from(
    { length: Math.floor(phrase.length / FRAME) },
    (_, n) => rms(phrase.subarray(n * FRAME, (n + 1) * FRAME)),
  );
  const least = QUIET * Math.max(...frames);
  const gaps: [number, number][] = [];
  for (let from = 60; from < frames.length - 40; from++) {
    if (frames[from]! > least || frames[from - 1]! <= least) continue;
    const length = frames.slice(from).findIndex((level) => level > least);
    if (length < 4 || length >= 12 || from + length > frames.length - 40) continue;
    gaps.push([from * FRAME, (from + length) * FRAME]);
  }
  return gaps[Math.floor(gaps.length / 2)];
}

function paused(phrase: Int16Array, [from, until]: [number, number], index: number): PausedPhrase {
  const silenceMs = PAUSES_MS[index % PAUSES_MS.length]!;
  const resumesAt = from + silenceMs * RATE / 1000;
  const samples = new Int16Array(resumesAt + phrase.length - until);
  samples.set(phrase.subarray(0, from));
  samples.set(phrase.subarray(until), resumesAt);
  const random = new Random(index);
  for (let n = 0; n < samples.length; n++) samples[n]! += random.between(-LINE_NOISE, LINE_NOISE);
  return {
    pcm: new PcmChunk(samples, { sampleRate: RATE }),
    silenceMs,
    resumesAtMs: resumesAt * 1000 / RATE,
  };
}
