/** The check of what an agent is to say, or to reply to. @module */
import type { SayOptions } from "../inference/pipelines/pipeline.ts";
import { checkMethods, shown } from "../events/checks.ts";
import { checkDuration } from "../events/waiting.ts";

/** The names of {@linkcode SayOptions}. */
export const SAY_OPTIONS: Readonly<Record<keyof SayOptions, true>> = {
  interrupt: true,
  allowInterruptions: true,
  discardUserTurns: true,
  staleAfterMs: true,
  track: true,
};

/** Throws unless this is a text, with options that can be used: a TypeError, or a RangeError. */
export function checkText(name: string, text: unknown, options: SayOptions): void {
  if (typeof text !== "string") {
    throw new TypeError(`${name}: expected a text, got ${shown(text)}`);
  }
  const { interrupt, allowInterruptions, discardUserTurns, staleAfterMs = 0, track } = options;
  for (
    const [option, value] of Object.entries({ interrupt, allowInterruptions, discardUserTurns })
  ) {
    if (value === undefined || typeof value === "boolean") continue;
    throw new TypeError(`${name}: ${option}: expected true or false, got ${shown(value)}`);
  }
  checkDuration("staleAfterMs", staleAfterMs);
  if (track === undefined) return;
  checkMethods(track, `${name}: track`, "a track of agent.createAudioTrack({ to })", ["write"]);
  if (!track.to) {
    throw new TypeError(`${name}: track: expected a track of agent.createAudioTrack({ to })`);
  }
}
