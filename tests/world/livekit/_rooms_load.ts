/** Many rooms at a time: a caller of LiveKit's Python SDK in each, and an agent of one of several workers. */
import { RoomAgentDispatch, RoomConfiguration } from "@livekit/protocol";
import { AccessToken } from "livekit-server-sdk";
import { delay } from "@std/async/delay";
import { childrenOf, cpuMs } from "../../../bench/lib/process_cpu.ts";
import { until } from "../../fixtures/until.ts";
import { type Caller, Callers, type Heard } from "../../programs/_livekit_callers.ts";
import { API_KEY, API_SECRET, LiveKitServer } from "./_server.ts";
import { WorkerProgram } from "../leases/_workers.ts";

const PROGRAM = new URL("./_tone_worker_program.ts", import.meta.url);

const AGENT_NAME = "teller";
/** The tones are this far from each other, and from the callers' own. */
const STEP_HZ = 50;
const FIRST_HZ = 400;
const CALLER_HZ = 200;
const LIMIT_MS = 90_000;

/** How many, and for how long all of them talk. */
export interface RoomsLoadOptions {
  rooms: number;
  workers: number;
  seconds: number;
}

/** What one caller heard while all talked. */
export interface RoomHeard {
  room: string;
  /** The frequency of its agent's tone. */
  hz: number;
  /** The frequencies that were heard. */
  tones: number[];
  missingMs: number;
  longestGapMs: number;
  wallMs: number;
  purity: number;
}

/** What came of it. */
export interface RoomsLoadFigures {
  heard: RoomHeard[];
  /** From joining to the agent's first sound, a room each, in milliseconds. */
  firstSoundMs: number[];
  /** Jobs of each worker. */
  jobs: number[];
  /** Of a core, while all talked. */
  cpuPercent: { workers: number; callers: number; server: number };
  /** What the workers report: errors, and calls that were reconnected. */
  troubles: string[];
  /** Outcomes of the jobs. */
  outcomes: string[];
  /** The workers' exit codes. */
  exits: number[];
  /** Processes that outlived their parents. */
  left: number[];
}

/** Returns the token of a caller, which asks for an agent with a tone. */
async function tokenFor(room: string, hz: number): Promise<string> {
  const token = new AccessToken(API_KEY, API_SECRET, { identity: `caller-${room}` });
  token.addGrant({ room, roomJoin: true });
  const metadata = JSON.stringify({ hz });
  token.roomConfig = new RoomConfiguration({
    agents: [new RoomAgentDispatch({ agentName: AGENT_NAME, metadata })],
  });
  return await token.toJwt();
}

/** The CPU that these processes and their children have used. */
async function usedMs(pids: readonly number[]): Promise<number> {
  const families = await Promise.all(pids.map(async (pid) => [pid, ...await childrenOf(pid)]));
  const all = await Promise.all(families.flat().map(cpuMs));
  return all.reduce<number>((sum, one) => sum + (one ?? 0), 0);
}

/** The only one whom a caller hears. */
async function heardOf(caller: Caller): Promise<Heard | undefined> {
  const all = Object.values(await caller.run<Record<string, Heard>>("heard"));
  return all.length === 1 ? all[0] : undefined;
}

function read(room: string, hz: number, { gaps, tones, wallMs, purity }: Heard): RoomHeard {
  // The last gap ends now: that is what was still under way.
  const over = gaps.filter(([at, ms]) => at + ms < wallMs - 5);
  return {
    room,
    hz,
    wallMs,
    purity,
    tones: Object.keys(tones).map(Number),
    missingMs: over.reduce((sum, [, ms]) => sum + ms, 0),
    longestGapMs: Math.max(0, ...over.map(([, ms]) => ms)),
  };
}

/** Runs it. */
export async function runRoomsLoad(
  { rooms, workers: count, seconds }: RoomsLoadOptions,
): Promise<RoomsLoadFigures> {
  await using server = await LiveKitServer.start();
  await using callers = await Callers.start();
  await using ending = new AsyncDisposableStack();
  const options = {
    agentName: AGENT_NAME,
    url: server.url,
    apiKey: API_KEY,
    apiSecret: API_SECRET,
  };
  const workers = Array.from({ length: count }, (_, index) => {
    const name = `worker-${index + 1}`;
    return ending.use(new WorkerProgram(name, PROGRAM, options));
  });
  await Promise.all(workers.map((worker) => worker.ready()));

  const firstSoundMs: number[] = [];
  const all = await Promise.all(Array.from({ length: rooms }, async (_, index) => {
    const [room, hz] = [`room-${index + 1}`, FIRST_HZ + index * STEP_HZ];
    // As people come: not all in the same instant.
    await delay(index * 150);
    const begun = performance.now();
    const caller = await callers.caller(room).join(server.url, await tokenFor(room, hz), CALLER_HZ);
    await until(`${room} hears its agent`, async () => {
      return (await heardOf(caller))?.audibleMs;
    }, LIMIT_MS);
    firstSoundMs.push(performance.now() - begun);
    return { room, hz, caller };
  }));

  const groups = {
    workers: workers.map(({ pid }) => pid),
    callers: [callers.pid],
    server: [server.pid],
  };
  const names = Object.keys(groups) as (keyof typeof groups)[];
  const used = () => Promise.all(names.map((name) => usedMs(groups[name])));
  const before = await used();
  const begun = performance.now();
  await Promise.all(all.map(({ caller }) => caller.listenAnew()));
  await delay(seconds * 1000);
  const heard = await Promise.all(all.map(async ({ room, hz, caller }) => {
    const found = await heardOf(caller);
    if (!found) throw new Error(`${room} hears none, or several`);
    return read(room, hz, found);
  }));
  const after = await used();
  const ms = performance.now() - begun;
  const percent = names.map((name, index) => [name, 100 * (after[index]! - before[index]!) / ms]);

  // Half of the callers hang up, and the rooms of the others are deleted.
  const children = (await Promise.all(workers.map(({ pid }) => childrenOf(pid)))).flat();
  await Promise.all(
    all.map(({ room, caller }, index) =>
      index % 2 === 0 ? caller.run("leave") : server.rooms.deleteRoom(room)
    ),
  );
  const endings = () => workers.flatMap(({ lines }) => lines.filter((one) => /^ended /.test(one)));
  await until("all jobs have ended", () => endings().length === rooms, LIMIT_MS);
  const exits = await Promise.all(workers.map((worker) => worker.end()));
  const left: number[] = [];
  for (const pid of children) if (await cpuMs(pid) !== undefined) left.push(pid);
  return {
    heard,
    firstSoundMs,
    exits,
    left,
    jobs: workers.map(({ jobs }) => jobs.length),
    cpuPercent: Object.fromEntries(percent),
    troubles: workers.flatMap(({ lines }) =>
      lines.filter((one) => /^(error|reconnected) /.test(one))
    ),
    outcomes: endings().map((line) => line.split(" ")[2]!),
  };
}
