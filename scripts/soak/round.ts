/**
 * One call of a soak, from its first participant to its last: the life of one media process.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { Agent, type Processor } from "@ringline/edge";
import type { LocalEdge } from "@ringline/edge/local";
import { Helper } from "../../bench/lib/helper.ts";
import { readProcess, readSelf, type Sample } from "./sample.ts";
import { speakUntil } from "./speaking.ts";

const SAMPLE_MS = 500;
const JOIN_LIMIT_MS = 60_000;

/** What happened in one call. */
export interface RoundFigures {
  joins: number;
  leaves: number;
  /** Cameras that were turned on, and off again. */
  pictures: number;
  /** Slots and frames that the agent got. */
  slots: number;
  frames: number;
  dropped: number;
}

/** Runs one call for `ms`, and hands out what both processes hold meanwhile. */
export async function runRound(
  edge: LocalEdge,
  options: { ms: number; people: number; onSample(sample: Omit<Sample, "atS" | "round">): void },
): Promise<RoundFigures> {
  let [slots, frames] = [0, 0];
  const counter: Processor = {
    name: "counter",
    processAudio: () => void slots++,
    processVideo: () => void frames++,
  };
  const agent = new Agent({
    edge,
    agentUser: { id: "soak", name: "Soak" },
    processors: [counter],
  });
  const call = await agent.createCall("default", crypto.randomUUID());
  await using _session = await agent.join(call, { participantWaitTimeoutMs: 0 });
  const connection = agent.connection!;
  await using crowd = new Helper(new URL("./crowd_process.ts", import.meta.url), [
    (await edge.callLink(call)).href,
    String(options.people),
  ]);
  const pid = edge.mediaProcessId!;
  const sampling = setInterval(() => {
    // Between two processes there is nothing to read.
    if (edge.mediaProcessId !== pid || connection.state === "closed") return;
    const people = connection.participants.size;
    options.onSample({ people, agent: readSelf(), media: readProcess(pid) });
  }, SAMPLE_MS);
  const stop = new AbortController();
  const speaking = speakUntil(agent, stop.signal);
  try {
    const { error } = await crowd.next("joined", JOIN_LIMIT_MS);
    if (error) throw new Error(`the crowd could not join: ${error}`);
    await delay(options.ms);
    const figures = await crowd.ask("figures");
    if (connection.state === "closed") {
      throw new Error(`the call ended by itself: ${await connection.closed}`);
    }
    return { ...figures, slots, frames, dropped: agent.droppedSlots };
  } finally {
    clearInterval(sampling);
    stop.abort();
    await speaking;
  }
}
