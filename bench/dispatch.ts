/**
 * `deno task bench dispatch`: how long a caller in a room of LiveKit's own server waits for the agent:
 * from the request that dispatches it to the first sound that the caller hears, with 1, 4 and 16 worker
 * programs. The caller is LiveKit's own client for Node.
 *
 * Rooms come at a rate that leaves the machine's processors time, and each ends soon after its first
 * sound: the way is measured, not the machine. How busy that was is among the figures.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { delay } from "@std/async/delay";
import { AccessToken, AgentDispatchClient } from "livekit-server-sdk";
import { describeError } from "../src/events/error_text.ts";
import { API_KEY, API_SECRET, LiveKitServer, program } from "../tests/world/livekit/_server.ts";
import { type Benchmark, COMMON_OPTIONS, runBenchmark } from "./lib/command.ts";
import { Helper } from "./lib/helper.ts";
import { describeMachine, type Machine } from "./lib/machine.ts";
import { childrenOf, cpuMs } from "./lib/process_cpu.ts";
import { progress } from "./lib/progress.ts";
import { percentile, rounded } from "./lib/stats.ts";
import { formatTable } from "./lib/table.ts";

const HELP = `deno task bench dispatch [--json] [--quick] [options]

Measures dispatch to first sound on LiveKit's own server, with one or more workers.

  --json        one JSON document on standard output instead of a table
  --quick       20 rooms, with 1 and 4 workers
  --rooms N     rooms with each number of workers (100)
  --workers N   numbers of workers, as 1,4,16
  --rate N      rooms a second (1)
  --stay N      seconds that a room stays after its first sound (0.5): so more are open at a time`;

/** The name that the agent is asked for by. */
const AGENT = "bench";
/** How many calls a worker takes. */
const CALLS = 25;
/** How long a room waits for its sound, before it counts as one without. */
const SOUND_MS = 20_000;
/** How long a program may take to be ready, while others start. */
const START_MS = 120_000;
/** How long the machine has to become quiet after programs have started. */
const SETTLE_MS = 3000;

interface Options {
  json: boolean;
  help: boolean;
  rooms: number;
  workers: number[];
  rate: number;
  stayMs: number;
}

/** What became of a room, in milliseconds since 1970. */
interface RoomTimes {
  dispatchedAt: number;
  assignedAt?: number;
  joinedAt?: number;
  heardAt?: number;
  error?: string;
}

/** What a program says of a room. */
type RoomEvent = Partial<RoomTimes> & { room: string };

interface Series {
  workers: number;
  rooms: RoomTimes[];
  /** Workers that had at least one of the rooms. */
  used: number;
  /** The most rooms at a time. */
  concurrent: number;
  /** Of all processors, 0 to 1, while rooms came; `undefined` where it cannot be measured. */
  busy: number | undefined;
  /** Of all processors, what the server, the callers, the workers and this program have used. */
  own: number;
}

interface Results {
  machine: Machine;
  rate: number;
  series: Series[];
}

function parse(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      json: COMMON_OPTIONS.json,
      quick: COMMON_OPTIONS.quick,
      help: COMMON_OPTIONS.help,
      rooms: { type: "string" },
      workers: { type: "string" },
      rate: { type: "string", default: "1" },
      stay: { type: "string", default: "0.5" },
    },
  });
  const { json, help, quick, rooms = quick ? "20" : "100" } = values;
  const { workers = quick ? "1,4" : "1,4,16" } = values;
  const positive = (name: string, text: string, isWhole: boolean): number => {
    const value = Number(text);
    if (value > 0 && value < 1e4 && (!isWhole || Number.isInteger(value))) return value;
    throw new TypeError(`--${name} expects a ${isWhole ? "whole " : ""}number, got "${text}"`);
  };
  return {
    json,
    help,
    rooms: positive("rooms", rooms, true),
    workers: workers.split(",").map((one) => positive("workers", one, true)),
    rate: positive("rate", values.rate, false),
    stayMs: 1000 * positive("stay", values.stay, false),
  };
}

/** Returns the processors' time in use and in all, in ticks; `undefined` where it cannot be read. */
async function processorTicks(): Promise<{ used: number; all: number } | undefined> {
  try {
    const [line] = (await Deno.readTextFile("/proc/stat")).split("\n");
    const ticks = line!.split(/\s+/).slice(1, 9).map(Number);
    const all = ticks.reduce((sum, one) => sum + one, 0);
    return { used: all - ticks[3]! - ticks[4]!, all };
  } catch {
    return undefined;
  }
}

/** Returns what this program and all that it has started have used of the processors, in milliseconds. */
async function ownCpuMs(pid = Deno.pid): Promise<number> {
  const children = await Promise.all((await childrenOf(pid)).map((child) => ownCpuMs(child)));
  return children.reduce((sum, one) => sum + one, await cpuMs(pid) ?? 0);
}

/** Rooms that ask for an agent, one number of workers after the other. */
class Rooms {
  readonly #workers: Helper[] = [];
  readonly #times = new Map<string, RoomTimes>();
  readonly #used = new Set<number>();
  readonly #dispatches: AgentDispatchClient;
  #open = 0;
  #concurrent = 0;

  private constructor(readonly server: LiveKitServer, readonly callers: Helper) {
    const address = `http://127.0.0.1:${server.port}`;
    this.#dispatches = new AgentDispatchClient(address, API_KEY, API_SECRET);
  }

  static async open(stack: AsyncDisposableStack): Promise<Rooms> {
    const server = stack.use(await LiveKitServer.start());
    const callers = new Helper(new URL("dispatch/callers_process.ts", import.meta.url), [], {
      flags: ["--no-config", "--no-lock"],
      onEvent: (event) => rooms.#onEvent(event),
    });
    const rooms = new Rooms(server, stack.use(callers));
    await callers.next("ready", START_MS);
    return rooms;
  }

  /** Starts a worker program; resolves when it takes jobs. */
  async addWorker(stack: AsyncDisposableStack): Promise<void> {
    const index = this.#workers.length;
    const service = { url: this.server.url, apiKey: API_KEY, apiSecret: API_SECRET };
    const where = JSON.stringify({ ...service, agentName: AGENT, calls: CALLS });
    const onEvent = (event: RoomEvent) => {
      this.#used.add(index);
      this.#onEvent(event);
    };
    const script = new URL("dispatch/worker_process.ts", import.meta.url);
    const worker = stack.use(new Helper(script, [where], { onEvent }));
    this.#workers.push(worker);
    await worker.next("ready", START_MS);
  }

  async measure({ rooms, rate, stayMs }: Options): Promise<Series> {
    this.#times.clear();
    this.#used.clear();
    this.#concurrent = 0;
    const workers = this.#workers.length;
    const [before, ownBefore] = [await processorTicks(), await ownCpuMs()];
    const start = performance.now();
    const calls: Promise<void>[] = [];
    for (let count = 0; count < rooms; count++) {
      // Not evenly, or each room would meet the one before at the same point of its way.
      const at = start + 1000 * (count + Math.random()) / rate;
      await delay(Math.max(0, at - performance.now()));
      calls.push(this.#call(`room-${workers}-${count}`, stayMs));
      if (count % 20 === 19) progress(`${workers} workers: ${count + 1} of ${rooms} rooms`);
    }
    await Promise.all(calls);
    const after = await processorTicks();
    const ownMs = await ownCpuMs() - ownBefore;
    return {
      workers,
      rooms: [...this.#times.values()],
      used: this.#used.size,
      concurrent: this.#concurrent,
      busy: before && after && (after.used - before.used) / (after.all - before.all),
      own: ownMs / (performance.now() - start) / navigator.hardwareConcurrency,
    };
  }

  async #call(room: string, stayMs: number): Promise<void> {
    this.#concurrent = Math.max(this.#concurrent, ++this.#open);
    const times: RoomTimes = { dispatchedAt: NaN };
    this.#times.set(room, times);
    try {
      const token = new AccessToken(API_KEY, API_SECRET, { identity: "caller" });
      token.addGrant({ room, roomJoin: true });
      const jwt = await token.toJwt();
      await this.callers.ask("join", { room, url: this.server.url, token: jwt });
      times.dispatchedAt = Date.now();
      await this.#dispatches.createDispatch(room, AGENT);
      const end = performance.now() + SOUND_MS;
      while (times.heardAt === undefined && performance.now() < end) await delay(50);
      await delay(stayMs);
      await this.callers.ask("leave", { room });
      await this.server.rooms.deleteRoom(room);
    } catch (error) {
      times.error ??= describeError(error);
    } finally {
      this.#open--;
    }
  }

  #onEvent({ room, ...times }: RoomEvent): void {
    Object.assign(this.#times.get(room) ?? {}, times);
  }
}

async function measure(options: Options, stack: AsyncDisposableStack): Promise<Results> {
  const machine = await describeMachine();
  const rooms = await Rooms.open(stack);
  const series: Series[] = [];
  let workers = 0;
  for (const count of [...options.workers].sort((a, b) => a - b)) {
    for (; workers < count; workers++) {
      progress(`starting worker ${workers + 1} of ${count}`);
      await rooms.addWorker(stack);
    }
    // The start of the programs is not measured.
    await delay(SETTLE_MS);
    series.push(await rooms.measure(options));
  }
  return { machine, rate: options.rate, series };
}

/** The figures of a series; times count from the dispatch. */
function figuresOf({ workers, rooms, used, concurrent, busy, own }: Series) {
  const since = (name: "assignedAt" | "joinedAt" | "heardAt", p: number) =>
    rounded(percentile(
      rooms.map((room) => (room[name] ?? NaN) - room.dispatchedAt).filter((ms) => !isNaN(ms)),
      p,
    ));
  return {
    workers,
    workersUsed: used,
    rooms: rooms.length,
    heard: rooms.filter(({ heardAt }) => heardAt !== undefined).length,
    errors: [...new Set(rooms.flatMap(({ error }) => error ?? []))],
    concurrentRooms: concurrent,
    busyPercent: rounded(busy === undefined ? undefined : 100 * busy),
    ownPercent: rounded(100 * own),
    assignedP50Ms: since("assignedAt", 0.5),
    joinedP50Ms: since("joinedAt", 0.5),
    soundP50Ms: since("heardAt", 0.5),
    soundP95Ms: since("heardAt", 0.95),
    soundMaxMs: since("heardAt", 1),
  };
}

function formatReport({ machine, rate, series }: Results): string {
  const all = series.map(figuresOf);
  const row = (name: string, field: keyof typeof all[number]) => [
    name,
    ...all.map((figures) => `${figures[field] ?? "-"}`),
  ];
  const errors = all.flatMap(({ workers, errors }) =>
    errors.map((error) => `${workers} workers: ${error}`)
  );
  return [
    `${machine.cpu}, ${machine.cores} cores, load ${
      machine.load.toFixed(1)
    }; ${rate} rooms a second`,
    "",
    formatTable(["workers", ...all.map(({ workers }) => `${workers}`)], [
      row("rooms", "rooms"),
      row("rooms that heard their agent", "heard"),
      row("workers that had a room", "workersUsed"),
      row("most rooms at a time", "concurrentRooms"),
      row("processors in use, %", "busyPercent"),
      row("of that by these programs, %", "ownPercent"),
      row("dispatch to the worker's assignment p50, ms", "assignedP50Ms"),
      row("dispatch to the agent's join p50, ms", "joinedP50Ms"),
      row("dispatch to first sound p50, ms", "soundP50Ms"),
      row("dispatch to first sound p95, ms", "soundP95Ms"),
      row("dispatch to first sound, the longest, ms", "soundMaxMs"),
    ]),
    ...errors,
  ].join("\n");
}

const BENCHMARK: Benchmark<Options, Results> = {
  help: HELP,
  parse,
  measure,
  formatReport,
  jsonReport: ({ machine, rate, series }) =>
    JSON.stringify({ machine, rate, series: series.map(figuresOf) }, null, 2),
};

if (import.meta.main) {
  if (program === undefined && !Deno.args.includes("--help")) {
    console.error("bench dispatch: LiveKit's server cannot be built, since Go is missing");
    Deno.exit(1);
  }
  Deno.exitCode = await runBenchmark(Deno.args, BENCHMARK);
}
