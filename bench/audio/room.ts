/** Measures a hundred people in a real 20 ms loop: ring, resampling and mix-minus. @module */

import { delay } from "@std/async/delay";
import { type AudioKernel, Mixer, PcmChunk, RingBuffer } from "../../src/audio/mod.ts";
import { progress } from "../lib/progress.ts";
import { summarize, type Summary } from "../lib/stats.ts";
import { testSignal } from "./contender.ts";

/** Milliseconds of work in a tick. */
export interface RoomRow {
  kernel: string;
  people: number;
  speaking: number;
  workMs: Summary;
}

const PEOPLE = 100;

/** Runs the loop for some seconds. All participants send; `speaking` of them are mixed. */
export async function measureRoom(
  kernel: AudioKernel,
  options: { seconds: number; speaking: number },
): Promise<RoomRow> {
  const { seconds, speaking } = options;
  progress(`${PEOPLE} people, ${speaking} of them mixed, ${seconds} s in real time`);
  const rings = Array.from(
    { length: PEOPLE },
    () => new RingBuffer({ sampleRate: 16_000, kernel }),
  );
  const mixer = new Mixer(kernel, { frameSamples: 320, rows: PEOPLE });
  const chunk = new PcmChunk(testSignal(960), { sampleRate: 48_000 });
  const tick = (): void => {
    mixer.clear();
    rings.forEach((ring, person) => {
      ring.write(chunk);
      const slot = ring.read();
      if (slot !== undefined && person < speaking) mixer.add(slot.samples);
    });
    mixer.mixMinus();
  };
  const times: number[] = [];
  const begin = performance.now();
  for (let n = 0; n < seconds * 50; n++) {
    const wait = begin + n * 20 - performance.now();
    if (wait > 0) await delay(wait);
    const start = performance.now();
    tick();
    times.push(performance.now() - start);
  }
  for (const ring of rings) ring[Symbol.dispose]();
  // The first second compiles and fills the caches.
  return { kernel: kernel.name, people: PEOPLE, speaking, workMs: summarize(times.slice(50)) };
}
