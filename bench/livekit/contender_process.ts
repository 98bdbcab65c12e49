/**
 * What the programs that are compared have in common: they join LiveKit's rooms as an agent when they
 * are asked to, return what they hear or play a tone, and end with their input.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { respondToAll } from "../lib/lines.ts";
import { stall } from "../lib/stall.ts";
import { clockOffset, wallClock } from "../lib/wall_clock.ts";
import { toneSamples } from "../probe/tone.ts";

/** How far ahead of what is played the tone is written. */
const AHEAD_MS = 1500;
/** What one write of the tone holds. */
const PIECE_MS = 50;
const LOOK_EVERY_MS = 10;

/** What an agent does in its room. */
export type Task = "echo" | "speak";

/** Where to join, and what for. */
export interface Join {
  url: string;
  room: string;
  token: string;
  task: Task;
}

/** What an agent plays, 48 kHz and mono, as its library offers it to one who writes ahead. */
export interface Voice {
  /** What was written and is not played yet. */
  readonly queuedMs: number;
  write(samples: Int16Array<ArrayBuffer>): Promise<void>;
  /** Ends it immediately. */
  clear(): void;
}

/** An agent that has joined and published its sound. */
export interface Joined {
  /** Only of one who speaks. */
  voice?: Voice;
  leave(): Promise<void>;
}

/** Plays the tone until the signal. */
async function playTone(voice: Voice, signal: AbortSignal): Promise<void> {
  const piece = toneSamples(48 * PIECE_MS);
  while (!signal.aborted) {
    while (voice.queuedMs < AHEAD_MS && !signal.aborted) await voice.write(piece);
    await delay(LOOK_EVERY_MS);
  }
}

/** Does what it is asked; ends the process when the input ends. */
export async function contend(join: (where: Join) => Promise<Joined>): Promise<never> {
  // Ctrl-C reaches the whole group; the end of the input is the order.
  Deno.addSignalListener("SIGINT", () => {});
  const calls: Joined[] = [];
  let playing = new AbortController();
  let offset = 0;
  const newest = () => calls.at(-1)!;
  await respondToAll(async ({ ask, ...message }) => {
    switch (ask) {
      case "join": {
        const start = performance.now();
        calls.push(await join(message as Join));
        return { joinMs: performance.now() - start };
      }
      case "say":
        offset = clockOffset(); // it blocks the thread: not where a flush is measured
        playing = new AbortController();
        playTone(newest().voice!, playing.signal).catch((error) => console.error(error));
        return {};
      case "flush": {
        const at = wallClock(offset);
        playing.abort();
        newest().voice!.clear();
        return { at };
      }
      case "block":
        return stall(message.ms, offset);
      case "leave":
        playing.abort();
        await calls.pop()!.leave();
        return {};
      default:
        throw new Error(`unknown request "${ask}"`);
    }
  });
  playing.abort();
  for (const call of calls.reverse()) await call.leave();
  Deno.exit(); // a library's threads do not end by themselves
}
