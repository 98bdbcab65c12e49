/** The check of what an agent is to say, or to reply to. @module */
import type { SayOptions } from "../inference/pipelines/pipeline.ts";
import { checkMethods, checkObject, shown } from "../events/checks.ts";
import { checkDuration } from "../events/waiting.ts";

/** Throws unless this is a text, with options that can be used: a TypeError, or a RangeError. */
export function checkText(name: string, text: unknown, options: object = {}): void {
  if (typeof text !== "string") {
    throw new TypeError(`${name}: expected a text, got ${shown(text)}`);
  }
  checkObject(options, `the options of ${name}`);
  const { interrupt, allowInterruptions, discardUserTurns, staleAfterMs = 0, track }: SayOptions =
    options;
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
