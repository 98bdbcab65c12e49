/** Which messages are given up when the history is full. @module */
import type { ChatMessage } from "../contracts/messages.ts";

/** How many messages at most are kept of the beginning of a conversation: who called, and why. */
const FIRST = 2;

/** A range of messages: from, and up to, but without. */
export interface MessageRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Returns which messages to give up so that at most `limit` are left: neither the first nor the latest,
 * and no call without its results. Where the latest belong together and are more than that, they stay.
 */
export function excessOf(messages: readonly ChatMessage[], limit: number): MessageRange {
  const from = startOf(messages, Math.min(FIRST, Math.trunc((limit - 1) / 2)));
  const latest = startOf(messages, messages.length - 1);
  let to = from + Math.max(0, messages.length - limit);
  while (messages[to]?.role === "tool") to++;
  return { from, to: Math.max(from, Math.min(to, latest)) };
}

/** Returns where the messages begin that must not be separated from the one at `index`. */
export function startOf(messages: readonly ChatMessage[], index: number): number {
  let start = index;
  while (start > 0 && messages[start]?.role === "tool") start--;
  return start;
}
