/** A session with a realtime model that outlives its connections. @module */
import type { Clock } from "../../../events/clock.ts";
import type { RealtimeEvent, RealtimeLLM, RealtimeSession } from "../../contracts/realtime_llm.ts";
import type { ChatMessage } from "../../contracts/messages.ts";
import { checkMethods } from "../../../events/checks.ts";
import { promised, type Report, UserHook } from "../../../events/user_code.ts";
import { sleep, waitFor } from "../../../events/waiting.ts";
import { untilAborted } from "../../../events/until_aborted.ts";
import { InferenceError, inferenceErrorIn } from "../../contracts/errors.ts";

/** The delays before the tries to replace a lost session; the last one is repeated. */
const RETRY_MS = [250, 1000, 3000, 10_000] as const;
/** The loss of a session that lasted so long counts as the first: the shortest delay follows. */
const GOOD_SESSION_MS = 30_000;
/** How long a connection may take before it is tried again. */
const CONNECT_LIMIT_MS = 15_000;
/** The methods that a session must have. */
const SESSION_METHODS = [
  "sendAudio",
  "sendText",
  "sendToolResult",
  "requestReply",
  "interrupt",
];
/** How long to wait for a session to end. */
const LEAVE_LIMIT_MS = 2000;
/** How often to check whether a session that is ending can be replaced. */
const QUIET_CHECK_MS = 500;
/** A session that is ending is replaced so long before its end, also in the middle of speech. */
const REPLACE_MS = 5000;
/** A session of other settings is taken after so long, also in the middle of speech. */
const CHANGE_LIMIT_MS = 10_000;

/** A session that was connected. */
export interface ConnectedSession<Settings> {
  readonly session: RealtimeSession;
  /** What it was connected with. */
  readonly settings: Settings;
  /** The conversation that it was told of. */
  readonly known: KnownConversation;
}

/** A conversation, as it was when a session was told of it. */
export interface KnownConversation {
  /** How many messages there had been. */
  readonly count: number;
  /** Those that there were; the output of a tool may be another one since. */
  readonly messages: readonly ChatMessage[];
}

/** Starts a session with these settings. */
type Connect<Settings> = (settings: Settings, signal: AbortSignal) => Promise<RealtimeSession>;

/** What {@linkcode ReconnectingSession} needs. */
export interface ReconnectingSessionInit<Settings> {
  /** The model as it is now, for what is reported. */
  readonly llm: Pick<RealtimeLLM, "name">;
  clock: Clock;
  /** Aborted when the conversation is over. */
  signal: AbortSignal;
  /** Starts a session: the first one, and each that replaces a lost one. */
  connect: Connect<Settings>;
  /** Returns the settings as they are now: a session connected with others is not used. */
  settings: () => Settings;
  /** Returns the conversation as it is now. */
  known: () => KnownConversation;
  /** Called with each event of the model. */
  onEvent: (event: RealtimeEvent) => void;
  /** Called when a session is lost, or replaced: no more of its replies comes. */
  onLost: () => void;
  /**
   * Called when there is a session: the first one, and each that replaces another. It was told of what
   * is `known`.
   */
  onConnected: (known: KnownConversation) => void;
  /** Whether nothing is being said: a session of other settings takes its place then. */
  isQuiet: () => boolean;
  /** Whether no reply waits for a tool either: a session that is ending is replaced then. */
  isIdle: () => boolean;
  report: Report;
}

/** A session with a realtime model that is replaced when it is lost, and before it ends. */
export class ReconnectingSession<Settings> {
  readonly #init: ReconnectingSessionInit<Settings>;
  readonly #onEvent: UserHook<RealtimeEvent>;
  #current: RealtimeSession | undefined;
  /** The one to use next. */
  #next: ConnectedSession<Settings> | undefined;
  /** Aborted when another is to be used than the one in use, or being connected. */
  #change = new AbortController();
  /** Resolves when the next one is in use, and those before are left. */
  #used = Promise.withResolvers<void>();
  /** Those that were prepared and not taken. */
  readonly #prepared = new Set<ConnectedSession<Settings>>();
  #running: Promise<void> | undefined;

  constructor(init: ReconnectingSessionInit<Settings>) {
    this.#init = init;
    const { clock, report } = init;
    this.#onEvent = new UserHook<RealtimeEvent>((event) => init.onEvent(event), {
      clock,
      report,
      context: `handling an event of ${init.llm.name}`,
    });
  }

  /** The session in use; `undefined` while it is lost. */
  get current(): RealtimeSession | undefined {
    return this.#current;
  }

  /** Starts the first session; rejects when the service refuses, and goes on where it is down. */
  async start(signal: AbortSignal): Promise<void> {
    const { llm, report, onLost } = this.#init;
    try {
      this.#next = await this.#connect(signal);
    } catch (error) {
      if (!inferenceErrorIn(error)?.retryable) throw error;
      report(error, `${llm.name}: connecting`);
      onLost();
    }
    this.#running = this.#run();
  }

  /**
   * Connects a session of other settings, to take when this resolves: nothing is being said then, unless
   * that took too long. Rejects where there is none to be had; the one in use stays.
   */
  async prepare(
    settings: Settings,
    connect: Connect<Settings>,
  ): Promise<ConnectedSession<Settings>> {
    const { clock, signal } = this.#init;
    const latestMs = clock.now() + CHANGE_LIMIT_MS;
    const prepared = await this.#connectInQuiet(latestMs, signal, { settings, connect });
    this.#prepared.add(prepared);
    return prepared;
  }

  /**
   * Takes a session in the place of the one in use. Resolves when those before are left.
   *
   * @param count how many messages there have been up to those that it was told of
   */
  take(next: ConnectedSession<Settings>, count = next.known.count): Promise<void> {
    this.#prepared.delete(next);
    if (this.#init.signal.aborted) return this.#leave(next.session);
    void this.#leave(this.#next?.session);
    this.#next = { ...next, known: { ...next.known, count } };
    this.#current = undefined;
    this.#change.abort();
    return this.#used.promise;
  }

  /** Ends it, once the signal was aborted. */
  async close(): Promise<void> {
    const unused = [...this.#prepared].map((one) => one.session);
    this.#prepared.clear();
    await Promise.all([this.#current, ...unused].map((one) => this.#leave(one)));
    await this.#running;
    this.#current = undefined;
  }

  /** Uses one session after another until the conversation is over. */
  async #run(): Promise<void> {
    const { signal } = this.#init;
    let losses = this.#next ? 0 : 1;
    while (!signal.aborted) losses = await this.#useNext(losses);
    await this.#leave(this.#next?.session);
    this.#used.resolve();
  }

  /** Uses a session until it is lost or replaced; returns how many were lost in a row by then. */
  async #useNext(losses: number): Promise<number> {
    const { llm, clock, signal, report, settings, onLost, onConnected } = this.#init;
    let session: RealtimeSession | undefined;
    let sinceMs: number | undefined;
    try {
      if (!this.#next) await this.#connectNext(losses);
      const next = this.#next!;
      this.#next = undefined;
      this.#change = new AbortController();
      ({ session } = next);
      if (next.settings !== settings()) {
        await this.#leave(session);
        return losses;
      }
      this.#used.resolve();
      this.#used = Promise.withResolvers();
      this.#current = session;
      sinceMs = clock.now();
      onConnected(next.known);
      return await this.#follow(session);
    } catch (error) {
      if (signal.aborted) {
        // The one in use is left last.
        if (session !== this.#current) await this.#leave(session);
        return losses;
      }
      this.#current = undefined;
      const isLost = !this.#next;
      if (isLost) report(error, `${llm.name}: reconnecting`);
      if (sinceMs !== undefined) onLost();
      await this.#leave(session);
      if (!isLost) return losses;
      return sinceMs !== undefined && clock.now() - sinceMs > GOOD_SESSION_MS ? 1 : losses + 1;
    }
  }

  /** Connects the next session, unless another is taken meanwhile. */
  async #connectNext(losses: number): Promise<void> {
    const { clock } = this.#init;
    const signal = AbortSignal.any([this.#init.signal, this.#change.signal]);
    try {
      const delayMs = losses === 0 ? 0 : RETRY_MS[Math.min(losses, RETRY_MS.length) - 1]!;
      await sleep(delayMs, { clock, signal });
      const next = await this.#connect(signal);
      if (this.#next) await this.#leave(next.session);
      else this.#next = next;
    } catch (error) {
      if (!this.#next) throw error;
    }
  }

  /** Follows a session until it is lost, or replaced: always rejects. */
  async #follow(session: RealtimeSession): Promise<never> {
    const { llm, clock, signal } = this.#init;
    const over = new AbortController();
    const end = AbortSignal.any([signal, this.#change.signal]);
    try {
      for await (const event of untilAborted(() => session, llm.name, end, clock)) {
        // An event that cannot be handled does not end the session.
        void this.#onEvent.run(event);
        if (event?.type !== "session-ending") continue;
        void this.#replace(event.timeLeftMs, AbortSignal.any([end, over.signal]));
      }
    } finally {
      over.abort();
    }
    end.throwIfAborted();
    throw new InferenceError(`${llm.name}: the session ended`, {
      code: "cut-off",
      retryable: true,
    });
  }

  /** Replaces a session that ends soon, when nothing is said; in any case before. */
  async #replace(timeLeftMs: number, signal: AbortSignal): Promise<void> {
    const { llm, clock, report, settings, isIdle } = this.#init;
    const latestMs = clock.now() + timeLeftMs - REPLACE_MS;
    try {
      while (true) {
        const next = await this.#connectInQuiet(latestMs, signal, { isQuiet: isIdle });
        const isStale = next.settings !== settings();
        if (!signal.aborted && !isStale) return void this.take(next);
        await this.#leave(next.session);
      }
    } catch (error) {
      // The session is lost then, and replaced as any that is.
      if (!signal.aborted) report(error, `${llm.name}: replacing a session that ends`);
    }
  }

  /** Connects a session while nothing is said; from `latestMs` on in any case. */
  async #connectInQuiet(
    latestMs: number,
    signal: AbortSignal,
    { isQuiet = this.#init.isQuiet, ...options }: {
      settings?: Settings;
      connect?: Connect<Settings>;
      isQuiet?: () => boolean;
    } = {},
  ): Promise<ConnectedSession<Settings>> {
    const { clock } = this.#init;
    while (true) {
      while (!isQuiet() && clock.now() < latestMs) await sleep(QUIET_CHECK_MS, { clock, signal });
      const next = await this.#connect(signal, options);
      if (isQuiet() || clock.now() >= latestMs) return next;
      // What began meanwhile is heard to its end.
      await this.#leave(next.session);
    }
  }

  async #connect(
    signal: AbortSignal,
    { settings = this.#init.settings(), connect = this.#init.connect }: {
      settings?: Settings;
      connect?: Connect<Settings>;
    } = {},
  ): Promise<ConnectedSession<Settings>> {
    const { llm, clock } = this.#init;
    const what = `${llm.name}.connect`;
    const known = this.#init.known();
    const connecting = promised(() => connect(settings, signal));
    try {
      const session = await waitFor(connecting, what, {
        timeoutMs: CONNECT_LIMIT_MS,
        signal,
        clock,
      });
      checkMethods(session, what, "a RealtimeSession", SESSION_METHODS);
      return { session, settings, known };
    } catch (error) {
      // A session that comes too late is closed.
      connecting.then((late) => this.#leave(late), () => {});
      throw error;
    }
  }

  async #leave(session: RealtimeSession | undefined): Promise<void> {
    const { clock } = this.#init;
    try {
      await waitFor(session?.[Symbol.asyncDispose]?.(), "the end of a session", {
        timeoutMs: LEAVE_LIMIT_MS,
        clock,
      });
    } catch (error) {
      this.#init.report(error, "ending a session");
    }
  }
}
