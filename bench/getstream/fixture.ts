/**
 * The fixture of GetStreamEdge's benchmark: a double, an edge, an agent that measures, and a
 * participant in the SFU.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import type { AudioTrack } from "../../src/edge/audio_track.ts";
import type { CallConnection } from "../../src/edge/call_connection.ts";
import type { AudioRow, EdgeAgent } from "../../src/edge/edge_agent.ts";
import { ConnectionStateChangedEvent } from "../../src/edge/events.ts";
import { GetStreamEdge, ReconnectedEvent } from "../../src/edges/getstream/mod.ts";
import { silentLogger } from "../../src/events/logger.ts";
import {
  API_KEY,
  API_SECRET,
  type StreamDouble,
} from "../../tests/edges/getstream/double/stream_double.ts";
import { longestGap, tone } from "../../tests/edges/getstream/listener.ts";
import { until } from "../../tests/fixtures/until.ts";
import { rms } from "../../src/audio/level.ts";

const CID = "default:bench";
/** Sound below this is silence, of a full scale of 1. */
const THRESHOLD = 0.05;

/** What one reconnection did. */
export interface Reconnection {
  strategy: string;
  /** From the trigger until the edge noticed. */
  detectedMs: number;
  /** From then on until the call was there again. */
  backMs: number;
  /** The longest silence since it was noticed: of the person, and of the agent. */
  hearsGapMs: number;
  isHeardGapMs: number;
  /** The same since the trigger. */
  hearsTotalMs: number;
  isHeardTotalMs: number;
}

/** Notes when it hears something, and says it back when it is told to. */
class BenchAgent implements EdgeAgent {
  readonly user = { id: "bench", name: "Bench" };
  readonly audioSubscription = { sampleRate: 16_000, agents: false } as const;
  readonly heard: { at: number; rms: number }[] = [];
  echo: AudioTrack | undefined;

  receiveRow(row: AudioRow): void {
    const at = performance.now();
    for (let index = 0; index < row.count; index++) {
      const { pcm } = row.entries[index]!;
      if (this.echo) {
        this.echo.write(pcm).catch(() => {});
        continue;
      }
      this.heard.push({ at, rms: rms(pcm.samples) });
    }
  }
}

/** One call with an agent and a person. */
export class Fixture implements AsyncDisposable {
  readonly agent = new BenchAgent();
  /** How long joining took, the start of the media process included. */
  joinMs = 0;
  #session = "";
  #speaking = false;
  #clockOffset = 0;

  private constructor(
    readonly double: StreamDouble,
    readonly edge: GetStreamEdge,
  ) {}

  connection!: CallConnection;

  /** Joins a call, with a person in it. */
  static async open(
    double: StreamDouble,
    options: { silenceTimeoutMs?: number } = {},
  ): Promise<Fixture> {
    const edge = new GetStreamEdge({
      apiKey: API_KEY,
      apiSecret: API_SECRET,
      basePath: double.url,
      logger: silentLogger,
      ...options,
    });
    const fixture = new Fixture(double, edge);
    await edge.authenticate(fixture.agent.user);
    const call = await edge.createCall("bench");
    fixture.#session = await double.addPerson(CID, "person");
    await fixture.command("speak", { sessionId: fixture.#session, amplitude: 0 });
    await fixture.command("record");
    const from = performance.now();
    fixture.connection = await edge.join(fixture.agent, call);
    fixture.joinMs = performance.now() - from;
    const before = performance.now();
    const theirs = await double.sfu.command<number>("now");
    fixture.#clockOffset = theirs - (before + performance.now()) / 2;
    return fixture;
  }

  /** Both speak without a pause. */
  async speak(): Promise<void> {
    const track = this.edge.createAudioTrack();
    await this.connection.publishTracks({ audio: track });
    await this.command("setTone", { sessionId: this.#session, amplitude: 0.3, frequency: 440 });
    this.#speaking = true;
    (async () => {
      while (this.#speaking) await track.write(tone({ frequency: 660, ms: 100 }));
    })().catch(() => {});
    await until("sound of the person", () => this.agent.heard.some(({ rms }) => rms > THRESHOLD));
    await until(
      "being heard",
      async () => (await this.#heard()).some((one) => one.rms > THRESHOLD),
    );
    await delay(700);
  }

  /** Triggers a loss and measures what it does to the sound. */
  async lose(command: string, params: Record<string, unknown> = {}): Promise<Reconnection> {
    let detectedAt = 0;
    using _state = this.edge.events.subscribe(ConnectionStateChangedEvent, (event) => {
      if (event.reconnecting) detectedAt ||= performance.now();
    });
    const done = Promise.withResolvers<ReconnectedEvent>();
    using _back = this.edge.events.subscribe(ReconnectedEvent, (event) => done.resolve(event));
    this.agent.heard.length = 0;
    const from = performance.now();
    await this.command(command, params);
    const { strategy } = await done.promise;
    const backAt = performance.now();
    await delay(1500);
    const to = performance.now() - 100;
    const heard = await this.#heard();
    return {
      strategy,
      detectedMs: detectedAt - from,
      backMs: backAt - detectedAt,
      hearsGapMs: longestGap(this.agent.heard, detectedAt, to),
      isHeardGapMs: longestGap(heard, detectedAt, to),
      hearsTotalMs: longestGap(this.agent.heard, from, to),
      isHeardTotalMs: longestGap(heard, from, to),
    };
  }

  /** Clicks of the person, said back by the agent: from their microphone to the SFU's decoder. */
  async roundTrips(count: number): Promise<number[]> {
    const echo = this.edge.createAudioTrack({ mode: "live" });
    await this.connection.publishTracks({ audio: echo });
    this.agent.echo = echo;
    await delay(1000);
    const trips: number[] = [];
    for (let index = 0; index < count; index++) {
      const at = await this.double.sfu.command<number>("click", {
        cid: CID,
        sessionId: this.#session,
      });
      await delay(420 + (index * 7) % 20);
      const heard = await this.double.heard(CID, this.agent.user.id, at);
      const echoed = heard.find(({ rms }) => rms > 0.02);
      if (echoed) trips.push(echoed.at - at);
    }
    return trips;
  }

  async command(name: string, params: Record<string, unknown> = {}): Promise<void> {
    await this.double.sfu.command(name, { cid: CID, userId: this.agent.user.id, ...params });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#speaking = false;
    this.agent.echo = undefined;
    await this.edge.close();
    await this.command("removePerson", { sessionId: this.#session }).catch(() => {});
  }

  async #heard(): Promise<{ at: number; rms: number }[]> {
    const heard = await this.double.heard(CID, this.agent.user.id);
    return heard.map(({ at, rms }) => ({ at: at - this.#clockOffset, rms }));
  }
}
