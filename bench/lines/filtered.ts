/** What an input filter makes of a recording. @module */
import type { InputFilter } from "../../src/agent/input_filter.ts";
import { RATE } from "./phrases.ts";

const SLOT = RATE / 50;

const participant = {
  original: undefined,
  userId: "speaker",
  id: "speaker",
  name: "speaker",
  kind: "person",
} as const;

/** Returns the samples as a filter leaves them, 20 ms at a time; without one as they are. */
export function filtered(filter: InputFilter | undefined, samples: Int16Array): Int16Array {
  if (!filter) return samples;
  const changed = samples.slice();
  using stream = filter.open({ sampleRate: RATE, participant });
  for (let at = 0; at + SLOT <= changed.length; at += SLOT) {
    stream.process(changed.subarray(at, at + SLOT));
  }
  return changed;
}
