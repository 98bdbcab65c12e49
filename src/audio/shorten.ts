/** Shortens audio that waits in a queue: takes out its pauses, or its middle. @module */
import { TICK_MS } from "./grid.ts";
import { meanSquare } from "./level.ts";
import type { SampleFifo } from "./sample_fifo.ts";

/** The overlap of a cut's two sides. */
const FADE_MS = 5;
/** What stays of a pause at either end: words keep their first and last consonants. */
const EDGE_FRAMES = 4;
/** A pause is at least so long without its edges. */
const MIN_PAUSE_FRAMES = 4;
/** A frame is quiet this far below the loudest one (24 dB), within the two limits (-60, -40 dBFS). */
const QUIET_SHARE = 1 / 16;
const QUIET_AT_LEAST = 33;
const QUIET_AT_MOST = 330;
/** Where the part before a missing middle may end, in frames. */
const HEAD_FRAMES = { from: 20, to: 50 };

/** Takes up to `most` samples of pauses out, the oldest first. Returns how many it took. */
export function cutPauses(queue: SampleFifo, sampleRate: number, most: number): number {
  const frame = Math.round(sampleRate * TICK_MS / 1000);
  const levels = frameLevels(queue, frame);
  const loudest = levels.reduce((max, level) => Math.max(max, level), 0);
  const quiet = Math.max(QUIET_AT_LEAST, Math.min(QUIET_AT_MOST, loudest * QUIET_SHARE));
  let removed = 0;
  for (let start = 0; start < levels.length; start++) {
    let end = start;
    while (end < levels.length && levels[end]! < quiet) end++;
    const inner = end - start - 2 * EDGE_FRAMES;
    if (inner >= MIN_PAUSE_FRAMES && removed < most) {
      const count = Math.min(inner * frame, most - removed);
      cutAt(queue, sampleRate, (start + EDGE_FRAMES) * frame - removed, count);
      removed += count;
    }
    start = end;
  }
  return removed;
}

/**
 * Takes `count` samples out between what is heard next and what came last, where both sides are
 * quietest. Returns how many it took.
 */
export function cutMiddle(queue: SampleFifo, sampleRate: number, count: number): number {
  const frame = Math.round(sampleRate * TICK_MS / 1000);
  const levels = frameLevels(queue, frame);
  const cutFrames = Math.ceil(count / frame);
  let best = 0;
  let bestLevel = Infinity;
  const last = Math.min(HEAD_FRAMES.to, levels.length - cutFrames - 1);
  for (let at = Math.min(HEAD_FRAMES.from, last); at <= last; at++) {
    const level = levels[at]! + levels[at + cutFrames]!;
    if (level >= bestLevel) continue;
    best = at;
    bestLevel = level;
  }
  return cutAt(queue, sampleRate, best * frame, count);
}

/** Takes out `count` samples from `at` on, and fades one side into the other. */
export function cutAt(queue: SampleFifo, sampleRate: number, at: number, count: number): number {
  const fade = Math.round(sampleRate * FADE_MS / 1000);
  const before = new Int16Array(fade);
  const after = new Int16Array(fade);
  queue.peek(before, fade, at);
  const overlap = queue.peek(after, fade, at + count);
  for (let index = 0; index < overlap; index++) {
    const share = (index + 1) / (fade + 1);
    after[index] = Math.round(before[index]! * (1 - share) + after[index]! * share);
  }
  const removed = queue.remove(at, count);
  queue.replace(after.subarray(0, overlap), at);
  return removed;
}

/** Returns the level of each whole frame. */
function frameLevels(queue: SampleFifo, frame: number): Float64Array {
  const samples = new Int16Array(frame);
  return Float64Array.from({ length: Math.floor(queue.length / frame) }, (_, index) => {
    queue.peek(samples, frame, index * frame);
    return Math.sqrt(meanSquare(samples));
  });
}
