/**
 * Hears the clicks of each person, as an agent gets them.
 *
 * @module
 */
import type { ParticipantAudio } from "../../src/edge/participant_audio.ts";
import { wallClock } from "../lib/wall_clock.ts";
import type { Click } from "./agent.ts";

/** Far above the noise between clicks, and below what a codec leaves of one. */
const ONSET = 4000;
/** A click's own ringing is not the next click. */
const APART_MS = 500;

/** Notes when each click was heard: the moment at which its first sample would have been played. */
export class ClickEar {
  readonly heard: Click[] = [];
  readonly #last = new Map<string, number>();

  /** @param offset how far the clock is ahead of the wall clock */
  constructor(private readonly offset: number) {}

  hear({ participant: { name }, pcm: { samples, sampleRate } }: ParticipantAudio): void {
    const onset = samples.findIndex((sample) => Math.abs(sample) > ONSET);
    if (onset < 0) return;
    const at = wallClock(this.offset) - (samples.length - onset) / sampleRate * 1000;
    if (at - (this.#last.get(name) ?? -Infinity) < APART_MS) return;
    this.#last.set(name, at);
    this.heard.push({ name, at });
  }
}
