/** The options for when a model fails. @module */

import { PcmChunk } from "../../audio/pcm_chunk.ts";
import { shown } from "../../events/checks.ts";

/** Options for what an agent does when a turn gets no reply because a model failed. */
export interface FailureOptions {
  /**
   * What it says, e.g. `"One moment, please."`. The voice speaks it in advance, so that it can be heard
   * when the voice itself is down.
   */
  say?: string;
  /** The same as audio, for a voice that may be down from the beginning. */
  pcm?: PcmChunk;
  /** After so many failures in succession `onMaxFailures` is called. Default 3. */
  maxFailures?: number;
  /** Called then, once: the place to transfer the call, or to hang up. */
  onMaxFailures?: (
    failure: { readonly error: unknown; readonly failures: number },
  ) => void | Promise<void>;
}

/** Returns the options of `onFailure`, which may be a text only. */
export function failureOptions(value: string | FailureOptions | undefined): FailureOptions {
  return typeof value === "string" ? { say: value } : value ?? {};
}

/** Throws unless `onFailure` can be used: a TypeError or, for a number, a RangeError. */
export function checkFailureOptions(value: unknown): void {
  if (value === undefined || typeof value === "string") return;
  if (typeof value !== "object" || value === null) {
    throw new TypeError(
      `onFailure: expected a text or an object like { say }, got ${shown(value)}`,
    );
  }
  const { say, pcm, maxFailures, onMaxFailures } = value as FailureOptions;
  if (say !== undefined && typeof say !== "string") {
    throw new TypeError(`onFailure.say: expected a text, got ${shown(say)}`);
  }
  if (pcm !== undefined && !(pcm instanceof PcmChunk)) {
    throw new TypeError(`onFailure.pcm: expected a PcmChunk, got ${shown(pcm)}`);
  }
  if (onMaxFailures !== undefined && typeof onMaxFailures !== "function") {
    throw new TypeError(
      `onFailure.onMaxFailures: expected a function, got ${shown(onMaxFailures)}`,
    );
  }
  if (maxFailures === undefined || (Number.isInteger(maxFailures) && maxFailures >= 1)) return;
  throw new RangeError(
    `onFailure.maxFailures: expected an integer >= 1, got ${shown(maxFailures)}`,
  );
}
