import type { Clock } from "../../../events/clock.ts";
import type { RealtimeEvent, RealtimeLLM, RealtimeSession } from "../../contracts/realtime_llm.ts";
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

/** Options for {@linkcode ReconnectingSession}. */
export interface ReconnectingSessionInit {
  /** The model as it is now, for what is reported. */
  readonly llm: Pick<RealtimeLLM, "name">;
  clock: Clock;
  /** Aborted when the conversation is over. */
  signal: AbortSignal;
  /** Starts a session: the first one, and each that replaces a lost one. */
  connect: (signal: AbortSignal) => Promise<RealtimeSession>;
  /** Called with each event of the model. */
  onEvent: (event: RealtimeEvent) => void;
  /** Called when a session is lost, or replaced: no more of its replies comes. */
  onLost: () => void;
  /** Called when there is a session: the first one, and each that replaces a lost one. */
  onConnected: () => void;
  /** Whether nothing is being said: a session that is ending is replaced then. */
  isQuiet: () => boolean;
  report: Report;
}

/** A session with a realtime model that is replaced when it is lost, and before it ends. */
export class ReconnectingSession {
  readonly #init: ReconnectingSessionInit;
  readonly #onEvent: UserHook<RealtimeEvent>;
  #current: RealtimeSession | undefined;
  #running: Promise<void> | undefined;
  /** Puts another session in the place of the one that is followed. */
  #replaceBy: ((next: RealtimeSession) => void) | undefined;

  constructor(init: ReconnectingSessionInit) {
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
      this.#current = await this.#connect(signal);
    } catch (error) {
      if (!inferenceErrorIn(error)?.retryable) throw error;
      report(error, `${llm.name}: connecting`);
      onLost();
    }
    this.#running = this.#run(this.#current);
  }

  /**
   * Connects a session of other settings, to take when nothing is being said, as now when this resolves.
   * Rejects where there is none to be had; the one in use stays.
   */
  async prepare(
    connect: (signal: AbortSignal) => Promise<RealtimeSession>,
  ): Promise<RealtimeSession> {
    const { clock, isQuiet, signal } = this.#init;
    while (true) {
      while (!isQuiet()) await sleep(QUIET_CHECK_MS, { clock, signal });
      const next = await this.#connect(signal, connect);
      if (isQuiet()) return next;
      // It knows nothing of what began meanwhile.
      await this.#leave(next);
    }
  }

  /** Takes a session that was prepared in the place of the one in use. */
  take(next: RealtimeSession): void {
    if (this.#replaceBy) this.#replaceBy(next);
    // It is lost at the moment: the next one has the same settings.
    else void this.#leave(next);
  }

  /** Ends it, once the signal was aborted. */
  async close(): Promise<void> {
    const session = this.#current;
    this.#current = undefined;
    await this.#leave(session);
    await this.#running;
  }

  /** Follows one session after another until the conversation is over. */
  async #run(first: RealtimeSession | undefined): Promise<void> {
    const { llm, clock, signal, report, onLost, onConnected } = this.#init;
    let next = first;
    let losses = first ? 0 : 1;
    while (!signal.aborted) {
      let since: number | undefined;
      try {
        if (!next) await sleep(RETRY_MS[Math.min(losses, RETRY_MS.length) - 1]!, { clock, signal });
        this.#current = next ??= await this.#connect(signal);
        since = clock.now();
        onConnected();
        next = await this.#follow(next);
      } catch (error) {
        if (signal.aborted) return;
        report(error, `${llm.name}: reconnecting`);
        this.#current = undefined;
        if (since !== undefined && clock.now() - since > GOOD_SESSION_MS) losses = 0;
        losses++;
        if (since !== undefined) onLost();
        await this.#leave(next);
        next = undefined;
      }
    }
  }

  /** Follows a session until another replaces it, and returns that; rejects when it is lost. */
  async #follow(session: RealtimeSession): Promise<RealtimeSession | undefined> {
    const { llm, clock, signal, onLost } = this.#init;
    const replaced = new AbortController();
    const over = new AbortController();
    const end = AbortSignal.any([signal, replaced.signal]);
    let replacement: RealtimeSession | undefined;
    this.#replaceBy = (next) => {
      // Another that was to take its place is not needed.
      if (replacement) void this.#leave(replacement);
      replacement = next;
      this.#current = undefined;
      replaced.abort();
    };
    try {
      for await (const event of untilAborted(() => session, llm.name, end, clock)) {
        // An event that cannot be handled does not end the session.
        void this.#onEvent.run(event);
        if (event?.type !== "session-ending" || replacement) continue;
        this.#replace(event.timeLeftMs, AbortSignal.any([end, over.signal])).then((next) => {
          if (!next) return;
          if (replacement) void this.#leave(next);
          else this.#replaceBy?.(next);
        });
      }
    } catch (error) {
      if (!replacement || signal.aborted) throw error;
      this.#current = undefined;
      onLost();
      await this.#leave(session);
      return replacement;
    } finally {
      this.#replaceBy = undefined;
      over.abort();
    }
    signal.throwIfAborted();
    throw new InferenceError(`${llm.name}: the session ended`, {
      code: "cut-off",
      retryable: true,
    });
  }

  /** Returns a session that replaces one that ends soon, when nothing is said; in any case before. */
  async #replace(timeLeftMs: number, signal: AbortSignal): Promise<RealtimeSession | undefined> {
    const { llm, clock, isQuiet, report } = this.#init;
    const latest = clock.now() + timeLeftMs - REPLACE_MS;
    try {
      while (true) {
        while (!isQuiet() && clock.now() < latest) await sleep(QUIET_CHECK_MS, { clock, signal });
        const next = await this.#connect(signal);
        // It knows nothing of what began meanwhile.
        if (!signal.aborted && (isQuiet() || clock.now() >= latest)) return next;
        await this.#leave(next);
      }
    } catch (error) {
      // The session is lost then, and replaced as any that is.
      if (!signal.aborted) report(error, `${llm.name}: replacing a session that ends`);
      return undefined;
    }
  }

  async #connect(
    signal: AbortSignal,
    connect = this.#init.connect,
  ): Promise<RealtimeSession> {
    const { llm, clock } = this.#init;
    const what = `${llm.name}.connect`;
    const connecting = promised(() => connect(signal));
    try {
      const session = await waitFor(connecting, what, {
        timeoutMs: CONNECT_LIMIT_MS,
        signal,
        clock,
      });
      checkMethods(session, what, "a RealtimeSession", SESSION_METHODS);
      return session;
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
