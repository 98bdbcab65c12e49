/**
 * Measures the hop between the agent's process and the media process, one way each, over the
 * project's own wire. By itself: `deno task bench hop [--participants N] [--seconds N] [--json]`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { PcmChunk } from "../src/audio/pcm_chunk.ts";
import { Call } from "../src/edge/call.ts";
import type { CallConnection } from "../src/edge/call_connection.ts";
import type { EdgeAgent } from "../src/edge/edge_agent.ts";
import { EdgeTransport } from "../src/edge/edge_transport.ts";
import { MediaConnection } from "../src/media/parent/media_connection.ts";
import { MediaProcess } from "../src/media/parent/media_process.ts";
import { sinceStamp, stamp } from "./hop_stamp.ts";
import { describeMachine } from "./lib/machine.ts";
import { progress } from "./lib/progress.ts";
import { summarize, type Summary } from "./lib/stats.ts";
import { formatTable } from "./lib/table.ts";

/** Rows that are not counted: the code is not warm yet. */
const WARM_UP_ROWS = 50;

/** An edge that is nothing but a hop. */
class HopEdge extends EdgeTransport {
  readonly #process = new MediaProcess({
    child: new URL("./hop_child.ts", import.meta.url),
    config: null,
  });
  readonly #participants: number;

  constructor(participants: number) {
    super();
    this.#participants = participants;
  }

  override authenticate(): Promise<void> {
    return Promise.resolve();
  }
  override createCall(callId: string): Promise<Call> {
    return Promise.resolve(new Call({ id: callId }));
  }
  override join(agent: EdgeAgent, call: Call): Promise<CallConnection> {
    const params = { participants: this.#participants };
    return MediaConnection.open(this, { agent, call, process: this.#process, params });
  }

  /** The times that the media process measured since it was asked last. */
  async takeHeard(): Promise<number[]> {
    const lease = await this.#process.acquire();
    try {
      return await lease.request("heard", null) as number[];
    } finally {
      await lease.release();
    }
  }
}

/** Measures both ways, in milliseconds, with a row of `participants` every 20 ms. */
export async function measureHop(
  options: { participants: number; seconds: number },
): Promise<{ toChild: Summary; toParent: Summary }> {
  const { participants, seconds } = options;
  await using edge = new HopEdge(participants);
  const toParent: number[] = [];
  const done = Promise.withResolvers<void>();
  const track = edge.createAudioTrack({ mode: "live" });
  const answer = new PcmChunk(new Int16Array(960), { sampleRate: 48_000 });
  const wanted = WARM_UP_ROWS + seconds * 50;
  const agent: EdgeAgent = {
    user: { id: "hop", name: "Hop" },
    audioSubscription: { sampleRate: 16_000, agents: false },
    receiveRow(row) {
      toParent.push(sinceStamp(row.entries[0]!.pcm.samples));
      stamp(answer.samples);
      track.write(answer).catch(done.reject);
      if (toParent.length === wanted) done.resolve();
    },
  };
  const connection = await edge.join(agent, await edge.createCall("hop"));
  await connection.publishTracks({ audio: track });
  await done.promise;
  const toChild = await edge.takeHeard();
  return {
    toChild: summarize(toChild.slice(WARM_UP_ROWS)),
    toParent: summarize(toParent.slice(WARM_UP_ROWS)),
  };
}

const HELP = `deno task bench hop [--json] [options]

Measures the way between the agent's process and the media process, one way each.

  --json             one JSON document on standard output instead of a table
  --participants N   participants whose audio makes up a row (100)
  --seconds N        how long, with a row each 20 ms (10)`;

function wholeNumber(name: string, given: string): number {
  const value = Number(given);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new TypeError(`--${name} expects a whole number from 1, got "${given}"`);
}

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
      participants: { type: "string", default: "100" },
      seconds: { type: "string", default: "10" },
    },
  });
  if (values.help) return console.log(HELP);
  const participants = wholeNumber("participants", values.participants);
  const seconds = wholeNumber("seconds", values.seconds);
  const machine = await describeMachine();
  progress(`hop with ${participants} participants for ${seconds} s`);
  const hop = await measureHop({ participants, seconds });
  if (values.json) return console.log(JSON.stringify({ machine, participants, ...hop }, null, 2));
  const rows = Object.entries(hop).map(([way, { count, p50, p95, p99, max }]) => [
    way,
    String(count),
    ...[p50, p95, p99, max].map((ms) => ms.toFixed(2)),
  ]);
  console.log(formatTable(["way", "rows", "p50 ms", "p95 ms", "p99 ms", "max ms"], rows));
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(`bench: ${error.message}\n\n${HELP}`);
    Deno.exitCode = 2;
  }
}
