/** The fixture of a test of a realtime model: the model, a session, and its events. @module */
import type { Clock } from "../../../events/clock.ts";
import { systemClock } from "../../../events/clock.ts";
import { silentLogger } from "../../../events/logger.ts";
import type {
  RealtimeEvent,
  RealtimeSession,
  RealtimeSessionOptions,
} from "../../../inference/contracts/realtime_llm.ts";
import type {
  RealtimeConnectAct,
  RealtimeFactory,
  RealtimeReceived,
  RealtimeUnderTest,
} from "./realtime_under_test.ts";
import { collect, type Collected } from "./model_test.ts";
import { TestTime } from "../test_time.ts";

/** The parts of the contract that options leave out. */
export type RealtimePartOfContract = "network" | "commit" | "update" | "text";

/** Tests by name: a sentence of what a realtime model does. */
export interface RealtimeContract {
  readonly [sentence: string]: {
    readonly part?: RealtimePartOfContract;
    readonly test: (fixture: RealtimeFixture) => Promise<void>;
  };
}

/** An event as it came, with a copy of its audio. */
export type SeenEvent = Exclude<RealtimeEvent, { type: "audio" }> | {
  readonly type: "audio";
  readonly replyId: string;
  readonly samples: Int16Array;
};

/** A session, and all that came of it. */
export class SessionUnderTest {
  readonly events: SeenEvent[] = [];
  /** Resolves when the iteration has ended, with its error. */
  readonly ended: Promise<Collected<SeenEvent>>;

  constructor(readonly session: RealtimeSession) {
    this.ended = collect(this.#read());
  }

  async *#read(): AsyncGenerator<SeenEvent, void, void> {
    for await (const event of this.session) {
      const seen: SeenEvent = event.type === "audio"
        ? { type: "audio", replyId: event.replyId, samples: event.pcm.samples.slice() }
        : event;
      this.events.push(seen);
      yield seen;
    }
  }

  /** The events of a type. */
  of<T extends SeenEvent["type"]>(type: T): Extract<SeenEvent, { type: T }>[] {
    return this.events.filter((one): one is Extract<SeenEvent, { type: T }> => one.type === type);
  }
}

/** Creates the model of one test and its sessions, and closes them. */
export class RealtimeFixture extends TestTime implements AsyncDisposable {
  #underTest: RealtimeUnderTest | undefined;
  readonly #sessions: RealtimeSession[] = [];

  /** Whether the model replies by itself to a turn that was committed. */
  readonly repliesByItself: boolean;

  constructor(
    readonly factory: RealtimeFactory,
    { limitMs, repliesByItself }: { limitMs: number; repliesByItself: boolean },
  ) {
    super(undefined, limitMs);
    this.repliesByItself = repliesByItself;
  }

  /** The model, and the other side of it. */
  get underTest(): RealtimeUnderTest {
    return this.#underTest!;
  }

  /** Creates the model whose service does this; the one before is closed. */
  async create(act: RealtimeConnectAct = {}): Promise<RealtimeUnderTest> {
    await this[Symbol.asyncDispose]();
    return this.#underTest = await this.factory(act);
  }

  /** Begins a session with the model; creates one where there is none. */
  async connect(change: Partial<RealtimeSessionOptions> = {}): Promise<SessionUnderTest> {
    const { llm } = this.#underTest ?? await this.create();
    const session = await this.until(llm.connect(sessionOptions(change)), "the session");
    this.#sessions.push(session);
    return new SessionUnderTest(session);
  }

  /** Waits until the service has received so many of a type, and returns them. */
  async received<T extends RealtimeReceived["type"]>(
    type: T,
    count = 1,
  ): Promise<Extract<RealtimeReceived, { type: T }>[]> {
    const all = () =>
      this.underTest.received.filter((one): one is Extract<RealtimeReceived, { type: T }> =>
        one.type === type
      );
    await this.eventually(() => all().length >= count, `the service receives ${count} ${type}`);
    return all();
  }

  /** Waits until the session has had so many events of a type, and returns them. */
  async events<T extends SeenEvent["type"]>(
    one: SessionUnderTest,
    type: T,
    count = 1,
  ): Promise<Extract<SeenEvent, { type: T }>[]> {
    await this.eventually(() => one.of(type).length >= count, `${count} events ${type}`);
    return one.of(type);
  }

  /** Waits until no connection is open. */
  async nothingLeft(): Promise<void> {
    const count = () => this.#underTest?.openConnections?.() ?? 0;
    await this.eventually(() => count() === 0, "all connections are closed");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions.splice(0)) {
      await this.until(session[Symbol.asyncDispose](), "the end of a session");
    }
    await this.#underTest?.[Symbol.asyncDispose]();
    this.#underTest = undefined;
  }
}

/** Returns the options of a session. */
export function sessionOptions(change: Partial<RealtimeSessionOptions>): RealtimeSessionOptions {
  const clock: Clock = systemClock;
  const { signal } = new AbortController();
  const shared = { clock, logger: silentLogger, signal };
  return { ...shared, instructions: "Be brief.", tools: [], history: [], ...change };
}
