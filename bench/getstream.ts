/**
 * `deno task bench getstream`: joining, the round trip and what each reconnection costs, over
 * GetStreamEdge and a double of Stream's services on this machine. The double's person lives in its
 * SFU, so that one jitter buffer less lies on the way than between two clients.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { StreamDouble } from "../tests/edges/getstream/double/stream_double.ts";
import { Fixture, type Reconnection } from "./getstream/fixture.ts";
import { withCleanUp } from "./lib/interrupt.ts";
import { describeMachine, type Machine } from "./lib/machine.ts";
import { progress } from "./lib/progress.ts";
import { median, medianOfMedians, percentile, rounded } from "./lib/stats.ts";
import { formatTable } from "./lib/table.ts";
import { isMet, type Target } from "./lib/target.ts";

const HELP = `deno task bench getstream [--json] [options]

Measures GetStreamEdge against a double of Stream's services on this machine.

  --json           one JSON document on standard output instead of tables
  --runs N         reconnections of each kind (5)
  --connections N  connections of the round trip (6), with 12 clicks each
  --local          measures LocalEdge's round trip too, beside it (minutes; needs Chromium)`;

/** The ways in which a call is lost, and what the gap may be at most. */
const LOSSES = [
  { name: "socket lost (FAST)", command: "dropSocket", params: {}, limit: 300 },
  { name: "SFU orders REJOIN", command: "error", params: { strategy: 3 }, limit: 1500 },
  { name: "SFU forgets us (REJOIN)", command: "forget", params: {}, limit: 1500 },
  { name: "SFU goes away (MIGRATE)", command: "goAway", params: {}, limit: 100 },
] as const;
/** The ways that take time to be noticed: seldom enough, since each takes that time. */
const SLOW_LOSSES = [
  { name: "socket falls silent (FAST)", command: "silence", limit: 300 },
  { name: "media falls silent (REJOIN)", command: "closePeers", limit: 1500 },
] as const;

interface Loss {
  name: string;
  limit: number;
  runs: Reconnection[];
}

interface Results {
  machine: Machine;
  coldJoinsMs: number[];
  tripsMs: number[][];
  losses: Loss[];
  /** LocalEdge's, when it was asked for. */
  local?: { tripsMs: number[][]; joinsMs: number[] };
}

async function measureLocal(): Promise<Results["local"]> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      new URL("./call.ts", import.meta.url).href,
      "--json",
      "--only",
      "round-trip",
      "--connections",
      "6",
    ],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("bench call failed");
  const { roundTrip } = JSON.parse(new TextDecoder().decode(stdout)) as {
    roundTrip: { own: { tripsMs: number[]; agentJoinMs: number }[] };
  };
  return {
    tripsMs: roundTrip.own.map(({ tripsMs }) => tripsMs),
    joinsMs: roundTrip.own.map(({ agentJoinMs }) => agentJoinMs),
  };
}

async function measure(
  options: { runs: number; connections: number; local: boolean },
  stack: AsyncDisposableStack,
): Promise<Results> {
  const double = stack.use(await StreamDouble.start());
  const results: Results = {
    machine: await describeMachine(),
    coldJoinsMs: [],
    tripsMs: [],
    losses: [],
  };
  for (let index = 0; index < options.connections; index++) {
    progress(`round trip, connection ${index + 1} of ${options.connections}`);
    await using fixture = await Fixture.open(double);
    results.coldJoinsMs.push(fixture.joinMs);
    results.tripsMs.push(await fixture.roundTrips(12));
  }
  for (const { name, command, params, limit } of LOSSES) {
    progress(name);
    await using fixture = await Fixture.open(double);
    await fixture.speak();
    const runs: Reconnection[] = [];
    for (let run = 0; run < options.runs; run++) runs.push(await fixture.lose(command, params));
    results.losses.push({ name, limit, runs });
  }
  for (const { name, command, limit } of SLOW_LOSSES) {
    progress(name);
    const runs: Reconnection[] = [];
    for (let run = 0; run < Math.min(2, options.runs); run++) {
      await using fixture = await Fixture.open(double);
      await fixture.speak();
      runs.push(await fixture.lose(command));
    }
    results.losses.push({ name, limit, runs });
  }
  if (options.local) {
    progress("LocalEdge, for comparison");
    const local = await measureLocal();
    if (local) results.local = local;
  }
  return results;
}

/** The worse of the two directions, of the worst run. */
function worst(loss: Loss): number {
  return Math.max(...loss.runs.map((run) => Math.max(run.hearsGapMs, run.isHeardGapMs)));
}

function targets({ losses }: Results): Target[] {
  return losses.map((loss) => ({
    name: `longest silence after it is noticed: ${loss.name}`,
    unit: "ms",
    limit: loss.limit,
    measured: worst(loss),
  }));
}

function report(results: Results): string {
  const { machine, coldJoinsMs, tripsMs, losses, local } = results;
  const figure = (value: number) => String(rounded(value, 0) ?? "-");
  const rows = [[
    "GetStreamEdge through the double",
    figure(median(coldJoinsMs)),
    figure(medianOfMedians(tripsMs)),
    figure(percentile(tripsMs.flat(), 0.95)),
  ]];
  if (local) {
    rows.push([
      "LocalEdge and Chromium, this run",
      figure(median(local.joinsMs)),
      figure(medianOfMedians(local.tripsMs)),
      figure(percentile(local.tripsMs.flat(), 0.95)),
    ]);
  }
  rows.push(["LocalEdge: what is wanted of it", "300", "100", "-"]);
  const trips = formatTable(["", "join ms", "round trip p50", "p95"], rows);
  const middle = (loss: Loss, key: keyof Reconnection) =>
    figure(median(loss.runs.map((run) => run[key] as number)));
  const gaps = formatTable(
    [
      "how the call is lost",
      "found by",
      "noticed after",
      "back after",
      "agent hears nothing",
      "agent is not heard",
      "worst",
      "wanted",
      "met",
    ],
    losses.map((loss) => [
      loss.name,
      [...new Set(loss.runs.map(({ strategy }) => strategy))].join("/"),
      middle(loss, "detectedMs"),
      middle(loss, "backMs"),
      middle(loss, "hearsGapMs"),
      middle(loss, "isHeardGapMs"),
      figure(worst(loss)),
      String(loss.limit),
      worst(loss) <= loss.limit ? "yes" : "NO",
    ]),
  );
  const { os, cores, cpu, deno, date } = machine;
  return [
    `${cpu}, ${cores} cores, ${os}, Deno ${deno}, ${date}`,
    trips,
    gaps,
    "Milliseconds; medians, but for the worst. Silences are counted from the moment when the loss\n" +
    "was noticed. Two sounds lie 10 ms (SFU) or 20 ms (agent) apart where nothing is lost.",
  ].join("\n\n");
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
      runs: { type: "string", default: "5" },
      connections: { type: "string", default: "6" },
      local: { type: "boolean", default: false },
    },
  });
  if (values.help) console.log(HELP);
  else {
    Deno.exitCode = await withCleanUp(async (stack) => {
      const results = await measure({
        runs: Number(values.runs),
        connections: Number(values.connections),
        local: values.local,
      }, stack);
      const list = targets(results).map((target) => ({ ...target, met: isMet(target) }));
      console.log(
        values.json ? JSON.stringify({ ...results, targets: list }, null, 2) : report(results),
      );
      return 0;
    });
  }
}
