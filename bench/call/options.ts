/**
 * The command line of `deno task bench call`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { chooseParts, COMMON_OPTIONS, parseCount } from "../lib/command.ts";

/** The parts that can be measured by themselves. */
export const PARTS = ["round-trip", "stall", "hop", "crowd", "camera"] as const;
/** Longer ones, which are measured only where they are named. */
export const LONG_PARTS = ["loss", "drift"] as const;

/** One of {@linkcode PARTS} or {@linkcode LONG_PARTS}. */
export type Part = typeof PARTS[number] | typeof LONG_PARTS[number];

/** How much is measured. */
export interface CallOptions {
  json: boolean;
  help: boolean;
  parts: Part[];
  /** Connections of our own, and as many to the baseline between them. */
  connections: number;
  /** Clicks a connection. */
  clicks: number;
  /** How long a tone is listened to while the agent's main thread is stalled. */
  stallSeconds: number;
  /** Live tracks that are stalled, and followed until they are back to normal. */
  recoveries: number;
  hopSeconds: number;
  people: number;
  crowdSeconds: number;
  /** How long a call is listened to without a camera, and as long with one. */
  cameraSeconds: number;
  /** How long each line with losses is listened to. */
  lossSeconds: number;
  driftMinutes: number;
}

const FULL = {
  connections: 12,
  clicks: 15,
  stallSeconds: 20,
  recoveries: 2,
  hopSeconds: 5,
  people: 16,
  crowdSeconds: 15,
  cameraSeconds: 20,
  lossSeconds: 30,
  driftMinutes: 10,
};
const QUICK = {
  connections: 4,
  clicks: 10,
  stallSeconds: 8,
  recoveries: 1,
  hopSeconds: 2,
  people: 16,
  crowdSeconds: 5,
  cameraSeconds: 5,
  lossSeconds: 12,
  driftMinutes: 1,
};

/** The text of `--help`. */
export const HELP = `deno task bench call [--json] [options]

Measures a conversation over real media: headless Chromium, LocalEdge, an agent.

  --json             one JSON document on standard output instead of tables
  --quick            under two minutes; shows the way, proves nothing
  --only PARTS       some of ${[...PARTS, ...LONG_PARTS].join(", ")}, comma-separated;
                     by default all but ${LONG_PARTS.join(" and ")}
  --connections N    connections of the round trip, and as many to the baseline (${FULL.connections})
  --people N         people of the crowd (${FULL.people})
  --minutes N        minutes of a call with people whose clocks are off (${FULL.driftMinutes})

The round trip's median is the median of the connections' medians: clock phases are drawn anew
with each connection. Ctrl-C ends it and leaves nothing behind.`;

/** Reads the command line. Throws a `TypeError` that says what is wrong with it. */
export function parseCallOptions(args: string[]): CallOptions {
  const { values } = parseArgs({
    args,
    options: {
      ...COMMON_OPTIONS,
      connections: { type: "string" },
      people: { type: "string" },
      minutes: { type: "string" },
    },
  });
  const options = { ...(values.quick ? QUICK : FULL) };
  return {
    ...options,
    json: values.json,
    help: values.help,
    parts: values.only === undefined
      ? [...PARTS]
      : chooseParts(values.only, [...PARTS, ...LONG_PARTS]),
    connections: parseCount("connections", values.connections, options.connections),
    people: parseCount("people", values.people, options.people),
    driftMinutes: parseCount("minutes", values.minutes, options.driftMinutes),
  };
}
