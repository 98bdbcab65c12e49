/** Checks of connections that are lost, and of the call's end. @module */
import type { CallConnection } from "../../src/edge/call_connection.ts";
import {
  type GetStreamEdge,
  type ReconnectStrategy,
  StreamCallEvent,
} from "../../src/edges/getstream/mod.ts";
import { ms, pause, soon, until } from "./check.ts";
import type { CheckedCall } from "./checked_call.ts";

/** The length of a frame: a longer silence counts as a gap. */
const FRAME_MS = 20;

/** Both agents reconnect by each strategy. */
export async function checkReconnects(
  { check, speaking, listening, listener, first, second }: CheckedCall,
): Promise<void> {
  const strategies: [string, CallConnection, GetStreamEdge][] = [
    ["the speaker", first, speaking],
    ["the listener", second, listening],
  ];
  for (const [who, connection, edge] of strategies) {
    for (const strategy of ["fast", "rejoin", "migrate"] satisfies ReconnectStrategy[]) {
      await check.do(`${strategy}: ${who} reconnects`, async () => {
        const from = performance.now();
        const signal = AbortSignal.timeout(30_000);
        const event = await edge.reconnect(connection, strategy, { signal });
        await pause(2500);
        const gap = Math.max(0, listener.gapSince(from) - FRAME_MS);
        if (gap > 2000) throw new Error(`silence of ${ms(gap)}`);
        const note = event.strategy === strategy ? "" : `, by ${event.strategy}`;
        return [true, `reconnected after ${ms(event.elapsedMs)}, silence of ${ms(gap)}${note}`];
      });
    }
  }
}

/** Leaving and the call's end arrive, and nothing is left. */
export async function checkEnds(
  { check, speaking, listening, speaker, first, second, call }: CheckedCall,
): Promise<void> {
  await check.do("an agent that leaves is seen to leave", async () => {
    await first.close();
    await until(() =>
      ![...second.participants.values()].some((one) => one.userId === speaker.user.id)
    );
    return [true];
  });
  await check.do("the call's end arrives", async () => {
    const from = performance.now();
    const events: string[] = [];
    using _subscription = listening.events.subscribe(
      StreamCallEvent,
      ({ data }) => void events.push(data.type),
    );
    await listening.endCall(call);
    const reason = await soon(second.closed);
    if (reason !== "call-ended") throw new Error(`expected call-ended, got ${reason}`);
    return [true, `${ms(performance.now() - from)}, ${events.join(", ") || "by the SFU alone"}`];
  });
  await check.do("no media process is left running", async () => {
    await second.close();
    await until(() => !speaking.mediaProcessId && !listening.mediaProcessId);
    return [true];
  });
}
