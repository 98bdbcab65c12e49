/**
 * The command line of `deno task bench livekit`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { chooseParts, COMMON_OPTIONS, parseCount } from "../lib/command.ts";

/** The parts that can be measured by themselves. */
export const PARTS = ["round-trip", "flush", "stall", "joins"] as const;

/** One of {@linkcode PARTS}. */
export type Part = typeof PARTS[number];

/** How much is measured, of each contender. */
export interface LiveKitOptions {
  json: boolean;
  help: boolean;
  parts: Part[];
  /** Connections of the round trip, and the clicks in each. */
  connections: number;
  clicks: number;
  /** Connections in which a tone is flushed, and how often in each. */
  flushConnections: number;
  flushes: number;
  /** Connections in which the main thread stands still, as often with an echo as with speech; how long. */
  blocks: number;
  blocksMs: number[];
  /** Joins, one after the other. */
  joins: number;
}

const FULL = {
  connections: 8,
  clicks: 15,
  flushConnections: 5,
  flushes: 10,
  blocks: 3,
  blocksMs: [300, 1000],
  joins: 100,
};
const QUICK = {
  connections: 1,
  clicks: 8,
  flushConnections: 1,
  flushes: 4,
  blocks: 1,
  blocksMs: [1000],
  joins: 10,
};

/** The text of `--help`. */
export const HELP = `deno task bench livekit [--json] [options]

Compares LiveKitEdge with @livekit/rtc-node (fetched from npm) on LiveKit's own server, heard in headless
Chromium by LiveKit's own client. The two take turns.

  --json           one JSON document on standard output instead of a table
  --quick          under two minutes; shows the way, proves nothing
  --only PARTS     some of ${PARTS.join(", ")}, comma-separated
  --connections N  connections of the round trip, of each (${FULL.connections})
  --flushes N      connections in which a tone is flushed ${FULL.flushes} times, of each (${FULL.flushConnections})
  --stalls N       connections in which the program stands still, of each (${FULL.blocks})
  --joins N        joins of each, for times and memory (${FULL.joins})

Ctrl-C ends it and leaves nothing behind.`;

/** Reads the command line. Throws a `TypeError` that says what is wrong with it. */
export function parseLiveKitOptions(args: string[]): LiveKitOptions {
  const { values } = parseArgs({
    args,
    options: {
      ...COMMON_OPTIONS,
      connections: { type: "string" },
      flushes: { type: "string" },
      stalls: { type: "string" },
      joins: { type: "string" },
    },
  });
  const options = values.quick ? QUICK : FULL;
  return {
    ...options,
    json: values.json,
    help: values.help,
    parts: chooseParts(values.only, PARTS),
    connections: parseCount("connections", values.connections, options.connections),
    flushConnections: parseCount("flushes", values.flushes, options.flushConnections),
    blocks: parseCount("stalls", values.stalls, options.blocks),
    joins: parseCount("joins", values.joins, options.joins),
  };
}
