/** A VAD that computes in real time, in a call whose time is virtual. @module */
import { setImmediate } from "node:timers/promises";
import type { VAD, VadStream } from "../../inference/contracts/vad.ts";
import { promiseIn } from "../../events/user_code.ts";
import type { VirtualClock } from "../virtual_clock.ts";

/**
 * How many turns of the event loop the clock is held for a result. A model that computes in the
 * program needs one or two; a detector that sleeps in the call's time gets none by waiting.
 */
const TURNS = 20;

/**
 * Returns a VAD that holds the clock while it computes. A model gives the event loop a turn with every
 * result: with several speakers, the call would be over before it had heard its beginning.
 */
export function heldVad(vad: VAD, clock: VirtualClock): VAD {
  return {
    name: vad.name,
    start: (context) => vad.start?.(context),
    close: () => vad.close?.(),
    metrics: () => vad.metrics?.() ?? {},
    open: (options) => {
      const stream: VadStream = vad.open(options);
      return {
        process: (pcm) => {
          const result = stream.process(pcm);
          const computing = promiseIn<number>(result);
          if (!computing) return result;
          const held = Promise.race([computing, pass(TURNS)]);
          clock.real(held, { timeoutMs: Infinity }).catch(() => {});
          return computing;
        },
        [Symbol.dispose]: () => stream[Symbol.dispose]?.(),
      };
    },
  };
}

async function pass(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await setImmediate();
}
