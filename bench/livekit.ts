/**
 * `deno task bench livekit`: LiveKitEdge beside LiveKit's own client for Node (`@livekit/rtc-node`), both
 * returning what they hear, on one server of LiveKit's and with one page that uses LiveKit's client. The
 * two take turns, so that a busy machine is busy for both; read the ratios.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { AccessToken } from "livekit-server-sdk";
import { launchBrowser } from "../scripts/lib/browser.ts";
import { Guest, GuestPage } from "../tests/world/livekit/_guest.ts";
import { API_KEY, API_SECRET, LiveKitServer, program } from "../tests/world/livekit/_server.ts";
import { MARK } from "./livekit/echoes.ts";
import { childrenOf, cpuMs, residentMb } from "./lib/process_cpu.ts";
import { describeMachine } from "./lib/machine.ts";
import { progress } from "./lib/progress.ts";
import { percentile, rounded } from "./lib/stats.ts";
import { formatTable } from "./lib/table.ts";

const HELP = `deno task bench livekit [--json] [options]

Compares LiveKitEdge with @livekit/rtc-node (fetched from npm) on LiveKit's own server.

  --json           one JSON document on standard output instead of a table
  --connections N  connections with a person, of each (4), with 6 clicks each
  --joins N        further joins of each, for times and memory (30)`;

/** A program that returns what it hears. */
class Contender {
  readonly tripsMs: number[] = [];
  readonly joinsMs: number[] = [];
  /** Memory after the first join, and after the last. */
  readonly memoryMb: number[] = [];
  /** Of a core, while one person talks. */
  readonly cpuPercent: number[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(readonly name: string, args: string[]) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", ...args],
      ...{ stdin: "piped", stdout: "piped", stderr: "null" },
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reader = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  async order(line: string): Promise<{ joinMs?: number }> {
    await this.#writer.write(new TextEncoder().encode(`${line}\n`));
    for (;;) {
      const end = this.#text.indexOf("\n");
      if (end >= 0) {
        const found = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        if (found.startsWith(MARK)) return JSON.parse(found.slice(MARK.length));
        continue;
      }
      const { value, done } = await this.#reader.read();
      if (done) throw new Error(`${this.name} has ended`);
      this.#text += value;
    }
  }

  async join(url: string, room: string): Promise<void> {
    const token = new AccessToken(API_KEY, API_SECRET, { identity: "echo" });
    token.addGrant({ room, roomJoin: true, agent: true });
    token.kind = "agent";
    const where = { url, room, token: await token.toJwt() };
    this.joinsMs.push((await this.order(`join ${JSON.stringify(where)}`)).joinMs!);
  }

  leave = () => this.order("leave");

  /** Adds what all its processes have used, or hold. */
  async sum(of: (pid: number) => Promise<number | undefined>): Promise<number> {
    const pids = [this.#child.pid, ...await childrenOf(this.#child.pid)];
    const all = await Promise.all(pids.map(of));
    return all.reduce<number>((sum, one) => sum + (one ?? 0), 0);
  }

  async end(): Promise<void> {
    await this.#writer.close();
    await this.#child.status;
  }
}

async function measure(connections: number, joins: number): Promise<Contender[]> {
  await using server = await LiveKitServer.start();
  await using own = await launchBrowser();
  await using page = await GuestPage.open(own.browser);
  const folder = new URL("livekit/", import.meta.url).pathname;
  const contenders = [
    new Contender("LiveKitEdge", ["--frozen", `${folder}echo_edge.ts`]),
    new Contender("@livekit/rtc-node", ["--no-config", "--no-lock", `${folder}echo_rtc.ts`]),
  ];
  // A call that stays, as in a program that serves: what runs for all calls goes on.
  for (const contender of contenders) await contender.join(server.url, `stays-${contender.name}`);
  let room = 0;
  for (let count = 0; count < connections; count++) {
    for (const contender of contenders) {
      progress(`${contender.name}: connection ${count + 1} of ${connections}`);
      const name = `bench-${++room}`;
      await contender.join(server.url, name);
      const token = new AccessToken(API_KEY, API_SECRET, { identity: "person" });
      token.addGrant({ room: name, roomJoin: true });
      const person = await Guest.join(page, { url: server.url, token: await token.toJwt() });
      await person.run("click"); // the first one waits until both are received
      const [start, used] = [performance.now(), await contender.sum(cpuMs)];
      for (let click = 0; click < 6; click++) {
        contender.tripsMs.push(await person.run<number>("click"));
      }
      const ms = performance.now() - start;
      contender.cpuPercent.push(100 * (await contender.sum(cpuMs) - used) / ms);
      await person.run("leave");
      await contender.leave();
    }
  }
  for (let count = 0; count < joins; count++) {
    for (const contender of contenders) {
      progress(`${contender.name}: join ${count + 1} of ${joins}`);
      await contender.join(server.url, `bench-${++room}`);
      await contender.leave();
      if (count === 0 || count === joins - 1) {
        contender.memoryMb.push(await contender.sum(residentMb));
      }
    }
  }
  await Promise.all(contenders.map((one) => one.end()));
  return contenders;
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
      connections: { type: "string", default: "4" },
      joins: { type: "string", default: "30" },
    },
  });
  if (values.help) {
    console.log(HELP);
    Deno.exit();
  }
  if (program === undefined) {
    console.error("bench livekit: LiveKit's server cannot be built, since Go is missing");
    Deno.exit(1);
  }
  const machine = await describeMachine();
  const contenders = await measure(Number(values.connections), Number(values.joins));
  const figures = contenders.map(({ name, tripsMs, joinsMs, memoryMb, cpuPercent }) => ({
    name,
    tripP50Ms: rounded(percentile(tripsMs, 0.5)),
    tripP95Ms: rounded(percentile(tripsMs, 0.95)),
    // Without the first, which starts a process or loads a library.
    joinP50Ms: rounded(percentile(joinsMs.slice(1), 0.5)),
    joinP95Ms: rounded(percentile(joinsMs.slice(1), 0.95)),
    cpuPercent: rounded(percentile(cpuPercent, 0.5)),
    memoryMb: memoryMb.map((one) => rounded(one)),
  }));
  if (values.json) console.log(JSON.stringify({ machine, figures }, null, 2));
  else {
    console.log(formatTable(
      ["", ...figures.map(({ name }) => name)],
      [
        ["round trip p50, ms", ...figures.map(({ tripP50Ms }) => `${tripP50Ms}`)],
        ["round trip p95, ms", ...figures.map(({ tripP95Ms }) => `${tripP95Ms}`)],
        ["join and publish p50, ms", ...figures.map(({ joinP50Ms }) => `${joinP50Ms}`)],
        ["join and publish p95, ms", ...figures.map(({ joinP95Ms }) => `${joinP95Ms}`)],
        ["% of a core, one person", ...figures.map(({ cpuPercent }) => `${cpuPercent}`)],
        ["MB after the first join", ...figures.map(({ memoryMb }) => `${memoryMb[0]}`)],
        ["MB after the last join", ...figures.map(({ memoryMb }) => `${memoryMb[1]}`)],
      ],
    ));
  }
}
