/**
 * A long call on two nodes of LiveKit's own server and one Redis, and what happens to it. The agent is in
 * this process; the caller uses LiveKit's SDK for Python.
 */
import { AccessToken } from "livekit-server-sdk";
import { delay } from "@std/async/delay";
import {
  Agent,
  ConnectionStateChangedEvent,
  ErrorEvent,
  type ParticipantAudio,
  ParticipantJoinedEvent,
  ParticipantLeftEvent,
  silentLogger,
} from "@ringline/edge";
import { LiveKitEdge, ReconnectedEvent } from "@ringline/livekit";
import { cpuMs } from "../../../bench/lib/process_cpu.ts";
import { tone } from "../../edges/getstream/listener.ts";
import { until } from "../../fixtures/until.ts";
import { type Caller, Callers, type Heard } from "../../programs/_livekit_callers.ts";
import { RedisServer } from "../leases/_redis.ts";
import { optionsFor } from "./_fixture.ts";
import { API_KEY, API_SECRET, LiveKitServer } from "./_server.ts";
import { Wire } from "./_wire.ts";

const AGENT_HZ = 660;
const CALLER_HZ = 440;
/** How long the sound must go on until an outage is over, and how long that may take. */
const STEADY_MS = 2000;
const RECOVERY_LIMIT_MS = 90_000;
/** For how long the nodes are watched to know which of them works. */
const WORK_MS = 3000;
/** Tokens expire this early, so that only those that the server sends later can be used. */
const TOKEN_MS = 20_000;

/** Something that happens to the call. */
export type Outage =
  | "socket lost"
  | "socket lost for 5 s"
  | "address gone for 10 s: the next"
  | "joined anew, on the next address"
  | "caller's socket lost"
  | "caller joins anew"
  | "Redis gone for 15 s"
  | "Redis gone, and the socket lost meanwhile"
  | "room's node stands still for 25 s"
  | "room's node killed";

/** What an outage did. */
export interface OutageReport {
  outage: Outage;
  atS: number;
  /** Sound that each did not hear of the other: all of it, and the longest time. */
  caller: { missingMs: number; longestMs: number };
  agent: { missingMs: number; longestMs: number };
  /** How the agent came back, each with its milliseconds. */
  reconnected: string[];
  /** What the agent was told meanwhile of people who come and go, and of its connection. */
  told: string[];
  /** Whether the token by which the agent came back was the first one, and whether that had expired. */
  token: string;
}

/** What was seen. */
export interface OutagesReport {
  reports: OutageReport[];
  /** Times that the agent greeted the caller, at the caller's end. */
  greetings: number;
  /** What the agent was told of people who come and go, and of its connection. */
  story: string[];
  errors: string[];
  /** The caller's ids, as the agent knows them, of the whole call. */
  people: string[];
  isOpen: boolean;
}

/** What the agent hears of the caller. */
class ToneMeter {
  readonly name = "hearing";
  #since = 0;
  #last = 0;
  #loudMs = 0;
  #longestMs = 0;

  processAudio({ pcm: { samples, durationMs } }: ParticipantAudio): void {
    if (!samples.some((sample) => Math.abs(sample) > 3000)) return;
    const now = performance.now();
    this.#longestMs = Math.max(this.#longestMs, now - this.#last - durationMs);
    this.#last = now;
    this.#loudMs += durationMs;
  }

  reset(): void {
    this.#since = this.#last = performance.now();
    this.#loudMs = this.#longestMs = 0;
  }

  get loudMs(): number {
    return this.#loudMs;
  }

  get report(): { missingMs: number; longestMs: number } {
    const wallMs = this.#last - this.#since;
    return {
      missingMs: Math.max(0, Math.round(wallMs - this.#loudMs)),
      longestMs: Math.round(this.#longestMs),
    };
  }
}

/** Sound that the caller did not hear; the last gap is what is still under way. */
function missingOf({ gaps, wallMs }: Heard): { missingMs: number; longestMs: number } {
  const over = gaps.filter(([at, ms]) => at + ms < wallMs - 5).map(([, ms]) => ms);
  return {
    missingMs: over.reduce((sum, ms) => sum + ms, 0),
    longestMs: Math.max(0, ...over),
  };
}

/** The call, and all that is under it. */
class LongCall {
  readonly hearing = new ToneMeter();
  readonly story: string[] = [];
  readonly errors: string[] = [];
  readonly reconnected: string[] = [];
  readonly people = new Set<string>();
  agent!: Agent;
  caller!: Caller;
  edge!: LiveKitEdge;
  redis!: RedisServer;
  nodes!: LiveKitServer[];
  /** The agent's ways, one to each node, and the caller's. */
  wires!: Wire[];
  callerWire!: Wire;

  /** Starts all of it; what it starts ends with `stack`. */
  async begin(stack: AsyncDisposableStack): Promise<void> {
    this.redis = stack.use(await RedisServer.start());
    this.nodes = [await this.#start(stack)];
    this.wires = [stack.use(new Wire(this.nodes[0]!.port))];
    const options = optionsFor([]);
    const edge = new LiveKitEdge({ ...options, url: this.wires[0]!.url });
    // A room lives on one node: on the only one that there is now.
    const call = await edge.createCall("kitchen");
    await edge.close();
    this.nodes.push(await this.#start(stack));
    this.wires.push(stack.use(new Wire(this.nodes[1]!.port)));
    this.callerWire = stack.use(new Wire(this.nodes[0]!.port));
    this.edge = stack.use(
      new LiveKitEdge({
        ...options,
        url: this.wires.map(({ url }) => url),
        tokenValidityMs: TOKEN_MS,
        logger: silentLogger,
      }),
    );
    this.#observe();
    this.agent = new Agent({
      edge: this.edge,
      agentUser: { id: "bot", name: "Bot" },
      processors: [this.hearing],
    });
    stack.defer(() => this.agent.close());
    await this.agent.join(call, { participantWaitTimeoutMs: 0 });
    (async () => {
      for (;;) await this.agent.audio.write(tone({ frequency: AGENT_HZ, ms: 100 }));
    })().catch(() => {});
    const callers = stack.use(await Callers.start());
    const token = new AccessToken(API_KEY, API_SECRET, { identity: "anna", name: "Anna" });
    token.addGrant({ room: "kitchen", roomJoin: true });
    this.caller = callers.caller("anna");
    await this.caller.join(this.callerWire.url, await token.toJwt(), CALLER_HZ);
    await this.recovered();
  }

  /** Waits until both hear each other for a while. */
  async recovered(): Promise<void> {
    const heardMs = async () => (await this.caller.heard("bot"))?.audibleMs ?? 0;
    const [theirs, ours] = [await heardMs(), this.hearing.loudMs];
    await until(
      "both hear each other",
      async () =>
        !this.agent.connection!.isReconnecting && this.hearing.loudMs > ours + STEADY_MS &&
        await heardMs() > theirs + STEADY_MS,
      RECOVERY_LIMIT_MS,
    );
  }

  /** The tokens by which the agent has come to the servers, with when it did. */
  get tokens(): { atMs: number; expiresMs: number; text: string }[] {
    return this.wires.flatMap(({ requests }) => requests).flatMap(({ atMs, head }) => {
      // Sockets of the room, and no requests of the API.
      const text = /^GET \/rtc/.test(head) && /bearer (\S+)/i.exec(head)?.[1];
      if (!text) return [];
      const bytes = Uint8Array.fromBase64(text.split(".")[1]!, { alphabet: "base64url" });
      const { exp } = JSON.parse(new TextDecoder().decode(bytes));
      return [{ atMs, expiresMs: exp * 1000, text }];
    }).sort((a, b) => a.atMs - b.atMs);
  }

  async happen(outage: Outage, stack: AsyncDisposableStack): Promise<void> {
    const { wires, redis, edge, agent } = this;
    const cut = (isCut: boolean, some = wires) => some.forEach((wire) => wire.cut(isCut));
    switch (outage) {
      case "socket lost":
        cut(true);
        await until("it is noticed", () => agent.connection!.isReconnecting);
        return cut(false);
      case "socket lost for 5 s":
        cut(true);
        await delay(5000);
        return cut(false);
      case "address gone for 10 s: the next": {
        const used = wires.filter(({ isInUse }) => isInUse);
        cut(true, used);
        await delay(10_000);
        return cut(false, used);
      }
      case "joined anew, on the next address": {
        const used = wires.filter(({ isInUse }) => isInUse);
        // It is refused there first.
        cut(true, used);
        await edge.reconnect(agent.connection!, "rejoin");
        return cut(false, used);
      }
      case "caller's socket lost":
        return await this.caller.run("simulate", "SIMULATE_SIGNAL_RECONNECT");
      case "caller joins anew":
        return await this.caller.run("simulate", "SIMULATE_FULL_RECONNECT");
      case "Redis gone for 15 s":
        await redis.stop();
        await delay(15_000);
        return await redis.restart();
      case "Redis gone, and the socket lost meanwhile":
        await redis.stop();
        await delay(3000);
        cut(true);
        await until("it is noticed", () => agent.connection!.isReconnecting);
        cut(false);
        await delay(7000);
        return await redis.restart();
      case "room's node stands still for 25 s":
        return await this.#pauseRoomsNode();
      case "room's node killed":
        await this.#killRoomsNode(stack);
    }
  }

  /** The node that carries the room's sound: there is no other room, so it is the one that works. */
  async #roomsNode(): Promise<LiveKitServer> {
    const used = () => Promise.all(this.nodes.map(async ({ pid }) => await cpuMs(pid) ?? 0));
    const before = await used();
    await delay(WORK_MS);
    const work = (await used()).map((ms, index) => ms - before[index]!);
    return this.nodes[work.indexOf(Math.max(...work))]!;
  }

  async #pauseRoomsNode(): Promise<void> {
    const node = await this.#roomsNode();
    node.pause(true);
    await delay(25_000);
    node.pause(false);
  }

  /** The room goes to the other node, and another one takes the place of the one that is killed. */
  async #killRoomsNode(stack: AsyncDisposableStack): Promise<void> {
    const killed = await this.#roomsNode();
    const other = this.nodes.find((node) => node !== killed)!;
    await killed.kill();
    // As a load balancer does: the people have one address.
    this.callerWire.target = other.port;
    await this.recovered();
    const next = await this.#start(stack);
    for (const wire of this.wires) if (wire.target === killed.port) wire.target = next.port;
    this.nodes = [other, next];
  }

  async #start(stack: AsyncDisposableStack): Promise<LiveKitServer> {
    return stack.use(await LiveKitServer.start({ redis: this.redis.address }));
  }

  #observe(): void {
    const { events } = this.edge;
    events.subscribe([ParticipantJoinedEvent, ParticipantLeftEvent], ({ type, participant }) => {
      this.story.push(`${type} ${participant.userId}`);
      this.people.add(participant.id);
      if (type !== "participant-joined") return;
      this.agent.sendCustomEvent({ greeting: "Hello." }).catch(() => {});
    });
    events.subscribe(ConnectionStateChangedEvent, ({ state, previous }) => {
      if (state !== previous) this.story.push(state);
    });
    events.subscribe(ErrorEvent, (e) => void this.errors.push(`${e.context}: ${e.error}`));
    events.subscribe(ReconnectedEvent, ({ strategy, attempts, elapsedMs }) => {
      this.reconnected.push(`${strategy} ${Math.round(elapsedMs)} ms (${attempts})`);
    });
  }
}

/**
 * Runs the call.
 *
 * @param plan what happens, and at which second of the call at the earliest
 * @param totalS how long the call lasts at least
 */
export async function runOutages(
  plan: readonly (readonly [atS: number, outage: Outage])[],
  { totalS = 0, onReport = (_: OutageReport): void => {} } = {},
): Promise<OutagesReport> {
  await using stack = new AsyncDisposableStack();
  const call = new LongCall();
  await call.begin(stack);
  const begun = performance.now();
  const elapsedS = () => (performance.now() - begun) / 1000;
  const reports: OutageReport[] = [];
  for (const [atS, outage] of plan) {
    await delay(Math.max(0, atS - elapsedS()) * 1000);
    call.reconnected.length = 0;
    const [joins, known] = [call.tokens.length, call.story.length];
    const at = elapsedS();
    await call.caller.listenAnew();
    call.hearing.reset();
    await delay(1000);
    await call.happen(outage, stack);
    await call.recovered();
    const [first, ...others] = call.tokens;
    const last = others.at(-1);
    const isUsed = call.tokens.length > joins;
    const report: OutageReport = {
      outage,
      atS: Math.round(at),
      caller: missingOf((await call.caller.heard("bot"))!),
      agent: call.hearing.report,
      reconnected: [...call.reconnected],
      told: call.story.slice(known),
      token: !isUsed || !last
        ? "-"
        : `${last.text === first!.text ? "the first" : "another"}${
          last.atMs > first!.expiresMs ? ", the first had expired" : ""
        }`,
    };
    reports.push(report);
    onReport(report);
  }
  await delay(Math.max(0, totalS - elapsedS()) * 1000);
  await call.recovered();
  const data = await call.caller.field<string[][]>("data");
  const { story, errors, people, agent } = call;
  return {
    reports,
    story,
    errors,
    people: [...people],
    greetings: data.filter(([, , text]) => text?.includes("greeting")).length,
    isOpen: agent.connection!.state === "active",
  };
}
