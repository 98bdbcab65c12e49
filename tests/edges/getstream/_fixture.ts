/** A call on the double with an agent and a person. @module */
import { delay } from "@std/async/delay";
import type { Call } from "../../../src/edge/call.ts";
import type { CallConnection } from "../../../src/edge/call_connection.ts";
import type { AudioTrack } from "../../../src/edge/audio_track.ts";
import { ConnectionStateChangedEvent, ErrorEvent } from "../../../src/edge/events.ts";
import {
  AgentMutedEvent,
  GetStreamEdge,
  type GetStreamEdgeOptions,
  ReconnectedEvent,
} from "../../../src/edges/getstream/mod.ts";
import { silentLogger } from "../../../src/events/logger.ts";
import { API_KEY, API_SECRET, type StreamDouble } from "./double/stream_double.ts";
import type { Heard } from "./double/sfu/recorder.ts";
import { type HeardSlot, Listener, longestGap, tone } from "./listener.ts";
import { until } from "../../fixtures/until.ts";

export const CID = "default:kitchen";

/** Returns an edge on a double. */
export function edgeOn(double: StreamDouble, options: GetStreamEdgeOptions = {}): GetStreamEdge {
  return new GetStreamEdge({
    apiKey: API_KEY,
    apiSecret: API_SECRET,
    basePath: double.url,
    logger: silentLogger,
    // Who leaves has left.
    participantGraceMs: 0,
    ...options,
  });
}

/** What something did to the sound: the longest gaps, and the times between which they were. */
export interface SoundGaps {
  hears: number;
  isHeard: number;
  from: number;
  to: number;
}

/**
 * Does something, and again if it cost more sound than it may, three times in all: a busy machine costs
 * some now and then, a fault costs it each time. Returns how often it did it.
 */
export async function keepsSound(
  test: TestCall,
  limitMs: number,
  act: () => Promise<void>,
): Promise<number> {
  for (let times = 1;; times++) {
    const { hears, isHeard } = await gapsDuring(test, act, 1000);
    if (Math.max(hears, isHeard) <= limitMs) return times;
    if (times === 3) throw new Error(`gaps of ${hears} and ${isHeard} ms, not of ${limitMs}`);
  }
}

/** Does something, waits, and measures what that did to the sound, both ways. */
export async function gapsDuring(
  test: TestCall,
  act: () => Promise<void>,
  waitMs: number,
): Promise<SoundGaps> {
  const from = performance.now();
  await act();
  await delay(waitMs);
  const to = performance.now() - 100;
  const hears = longestGap(test.slots, from, to);
  return { hears, isHeard: longestGap(await test.heard(), from, to), from, to };
}

/** A call with an agent ("bot") and a person ("anna"). */
export class TestCall implements AsyncDisposable {
  readonly errors: string[] = [];
  readonly reconnected: ReconnectedEvent[] = [];
  readonly states: string[] = [];
  /** What others muted of the agent, or let be heard again, as "audio true". */
  muted: string[] = [];
  participantSession = "";
  #speaking = false;
  #clockOffset = 0;

  private constructor(
    readonly double: StreamDouble,
    readonly edge: GetStreamEdge,
    readonly agent: Listener,
    readonly call: Call,
    readonly connection: CallConnection,
    readonly track: AudioTrack,
  ) {}

  static async start(
    double: StreamDouble,
    { silent = false, ...options }: GetStreamEdgeOptions & { silent?: boolean } = {},
  ): Promise<TestCall> {
    const edge = edgeOn(double, options);
    const agent = new Listener({ id: "bot", name: "Bot" });
    try {
      await edge.authenticate(agent.user);
      const call = await edge.createCall("kitchen");
      const participantSession = await double.addPerson(CID, "anna", "Anna");
      await double.sfu.command("record", { cid: CID, userId: "bot" });
      const errors: string[] = [];
      edge.events.subscribe(ErrorEvent, (e) => void errors.push(`${e.context}: ${e.error}`));
      const muted: string[] = [];
      edge.events.subscribe(AgentMutedEvent, (e) => void muted.push(`${e.track} ${e.muted}`));
      const connection = await edge.join(agent, call);
      const track = edge.createAudioTrack();
      await connection.publishTracks({ audio: track });
      const test = new TestCall(double, edge, agent, call, connection, track);
      test.errors.push(...errors);
      test.muted = muted;
      edge.events.subscribe(ErrorEvent, (e) => void test.errors.push(`${e.context}: ${e.error}`));
      edge.events.subscribe(ReconnectedEvent, (e) => void test.reconnected.push(e));
      edge.events.subscribe(ConnectionStateChangedEvent, (e) => {
        test.states.push(e.reconnecting ? "reconnecting" : e.state);
      });
      test.participantSession = participantSession;
      const before = performance.now();
      const theirs = await double.sfu.command<number>("now");
      test.#clockOffset = theirs - (before + performance.now()) / 2;
      if (!silent) await test.talk();
      return test;
    } catch (error) {
      await edge.close();
      throw error;
    }
  }

  /** Both speak from now on; resolves when each hears the other. */
  async talk(): Promise<void> {
    await this.double.sfu.command("speak", {
      cid: CID,
      sessionId: this.participantSession,
      frequency: 440,
    });
    this.#speaking = true;
    this.#say();
    await until("hearing Anna", () => this.agent.slots.some(({ rms }) => rms > 0.05));
    await until("Anna hearing", async () => (await this.heard()).some(({ rms }) => rms > 0.05));
    // The start of a stream is stretched and concealed.
    await delay(500);
  }

  async #say(): Promise<void> {
    while (this.#speaking && this.connection.state !== "closed") {
      await this.track.write(tone({ frequency: 660, ms: 100 })).catch(() => this.#speaking = false);
    }
  }

  /** The slots that the agent received. */
  get slots(): readonly HeardSlot[] {
    return this.agent.slots;
  }

  /** Returns the agent's audio at the SFU, by this process's clock. */
  async heard(): Promise<Heard[]> {
    const heard = await this.double.heard(CID, "bot");
    return heard.map((frame) => ({ ...frame, at: frame.at - this.#clockOffset }));
  }

  /** Runs a command about the agent. */
  async command(name: string, params: Record<string, unknown> = {}): Promise<void> {
    await this.double.sfu.command(name, { cid: CID, userId: "bot", ...params });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#speaking = false;
    await this.edge.close();
  }
}
