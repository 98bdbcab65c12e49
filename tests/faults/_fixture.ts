/** The fixture of the fault tests: it counts what each side hears, and checks that nothing is left over. */
import { assert } from "@std/assert";
import type { AgentOptions, ParticipantAudio } from "@ringline/edge";
import { type AgentFixture, Ears, openAgentFixture, tone } from "../e2e/_agents.ts";
import { Guest, until } from "../e2e/_fixture.ts";
import { levelDb, toFloats } from "../e2e/_signal.ts";
import type { UdpRelay } from "../fixtures/udp_relay.ts";
import type { Browser } from "../../scripts/lib/browser.ts";

const DETOUR = await Deno.readTextFile(new URL("../fixtures/detour.js", import.meta.url));
/** Below this no participant speaks. The tones of these tests are at -15 dB. */
const QUIET_DB = -40;

/** What an agent heard of one participant. */
export interface Heard {
  /** Slots of 20 ms that came. */
  slots: number;
  /** Slots that did not: holes in the room's numbers. */
  missing: number;
  /** Slots that came with nothing in them. */
  quiet: number;
}

/** Counts what an agent hears of each participant. */
export class SlotCounter {
  readonly name = "slot counter";
  readonly #heard = new Map<string, Heard & { lastRow: number }>();

  processAudio({ participant, pcm, row }: ParticipantAudio): void {
    const of = this.#of(participant.name);
    of.slots++;
    if (of.lastRow >= 0) of.missing += row - of.lastRow - 1;
    of.lastRow = row;
    if (levelDb(toFloats(pcm.samples)) < QUIET_DB) of.quiet++;
  }

  /** What was heard so far. */
  count(name: string): Heard {
    const { slots, missing, quiet } = this.#of(name);
    return { slots, missing, quiet };
  }

  #of(name: string) {
    const none = { slots: 0, missing: 0, quiet: 0, lastRow: -1 };
    return this.#heard.getOrInsertComputed(name, () => none);
  }
}

/** What came out of a page's jitter buffer. */
export interface Reception {
  /** Packets that came, and that never did. */
  packets: number;
  lost: number;
  /** Samples at 48 kHz, and those of them that had to be invented. */
  samples: number;
  concealed: number;
  /** Milliseconds with sound in them. */
  audibleMs: number;
}

/** A page's reception since it joined. */
export async function reception(guest: Guest): Promise<Reception> {
  const text = await guest.page.evaluate(`(async () => {
    const stats = [...(await guest.client.connection.getStats()).values()];
    const sound = stats.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio") ?? {};
    return JSON.stringify({
      packets: sound.packetsReceived ?? 0,
      lost: sound.packetsLost ?? 0,
      samples: sound.totalSamplesReceived ?? 0,
      concealed: sound.concealedSamples ?? 0,
      audibleMs: guest.audibleMs,
    });
  })()`) as string;
  return JSON.parse(text);
}

/** Returns the difference of two counts. */
export function since<T extends { [K in keyof T]: number }>(before: T, now: T): T {
  const names = Object.keys(now) as (keyof T)[];
  return Object.fromEntries(names.map((name) => [name, now[name] - before[name]])) as T;
}

/** The share of what a page heard that had to be invented. */
export function concealedShare({ samples, concealed }: Reception): number {
  return concealed / Math.max(1, samples);
}

/** Returns a share as people read it. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Prints the figures of a test, on a line of its own. */
export function report(what: string, figures: Record<string, string | number>): void {
  const list = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
  console.log(`${what}: ${list.join(", ")}`);
}

/** Joins by way of a relay. */
export async function joinThrough(
  relay: UdpRelay,
  browser: Browser,
  link: URL,
  name: string,
): Promise<Guest> {
  return await Guest.join(browser, link, {
    name,
    prepare: async (page) => {
      await page.exposeFunction("relayPort", (port: number) => relay.route(port));
      await page.evaluate(DETOUR);
    },
  });
}

/** A call with an agent that counts what it hears. */
export interface CountingFixture extends AgentFixture {
  counter: SlotCounter;
}

/**
 * Runs a test with an agent in a call, and checks that it left nothing open: the media process and
 * every file descriptor of this process must be gone.
 */
export async function withFixture(
  options: Partial<AgentOptions>,
  body: (fixture: CountingFixture) => Promise<void>,
): Promise<void> {
  const before = openFiles();
  const pids = new Set<number>();
  {
    const counter = new SlotCounter();
    const ears = new Ears();
    await using fixture = await openAgentFixture({ ...options, processors: [counter, ears] });
    pids.add(fixture.edge.mediaProcessId!);
    await body({ ...fixture, ears, counter });
    pids.add(fixture.edge.mediaProcessId ?? 0);
  }
  pids.delete(0);
  await gone([...pids]);
  await until("no file is left open", () => openFiles() <= before);
}

/** Waits until these processes are gone. */
export async function gone(pids: number[]): Promise<void> {
  for (const pid of pids) await until(`process ${pid} is gone`, () => !isAlive(pid));
}

/** Whether a process exists; true on systems without /proc would be a lie, so there it is false. */
function isAlive(pid: number): boolean {
  try {
    // A zombie is dead, only unburied.
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

function openFiles(): number {
  if (Deno.build.os !== "linux") return 0;
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** Asserts with the figures in the message. */
export function holds(condition: boolean, what: string, figures: unknown): void {
  assert(condition, `${what}: ${JSON.stringify(figures)}`);
}

/** Has an agent say a tone until disposed; written as it is played. */
export function speakOn(fixture: AgentFixture, hz: number): AsyncDisposable {
  const stop = new AbortController();
  const speaking = (async () => {
    const second = tone(hz, 1000);
    for (;;) await fixture.agent.audio.write(second, { signal: stop.signal });
  })().catch(() => {}); // stopped, or the call is over
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await speaking;
    },
  };
}

/** Starts a program of the fixtures: `line` waits for what it prints, which is lines of JSON. */
export function startFixture(name: string) {
  const script = new URL(`./fixtures/${name}`, import.meta.url);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", script.href],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let text = "";
  const reading = (async () => {
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) text += part;
  })();
  const line = (index: number) =>
    until(`line ${index} is said`, () => {
      const said = text.split("\n")[index + 1] !== undefined && text.split("\n")[index];
      return said && JSON.parse(said);
    });
  return { child, reading, line };
}
