import type { Clock } from "../../../events/clock.ts";
import type { RealtimeEvent, RealtimeLLM, RealtimeSession } from "../../contracts/realtime_llm.ts";
import { checkMethods } from "../../../events/checks.ts";
import { promised, type Report, UserHook } from "../../../events/user_code.ts";
import { retry } from "../../../events/retry.ts";
import { waitFor } from "../../../events/waiting.ts";
import { untilAborted } from "../../../events/until_aborted.ts";

/** The delays before a lost session is replaced; after the last one it is given up. */
const RETRY_MS = [250, 1000, 3000, 10_000];
/** The loss of a session that lasted so long counts as the first: the shortest delay follows. */
const GOOD_SESSION_MS = 30_000;
/** How long a connection may take before it is tried again. */
const CONNECT_LIMIT_MS = 15_000;
/** The methods that a session must have. */
const SESSION_METHODS = ["sendAudio", "say", "sendText", "sendToolResult", "interrupt"];
/** How long to wait for a session to end. */
const LEAVE_LIMIT_MS = 2000;

/** Options for {@linkcode ReconnectingSession}. */
export interface ReconnectingSessionInit {
  llm: RealtimeLLM;
  clock: Clock;
  /** Aborted when the conversation is over. */
  signal: AbortSignal;
  /** Starts a session: the first one, and each that replaces a lost one. */
  connect: (signal: AbortSignal) => Promise<RealtimeSession>;
  /** Called with each event of the model. */
  onEvent: (event: RealtimeEvent) => void;
  /** Called when a session is lost: no more of its replies comes. */
  onLost: () => void;
  report: Report;
}

/** A session with a realtime model that is replaced when it is lost. */
export class ReconnectingSession {
  readonly #init: ReconnectingSessionInit;
  readonly #onEvent: UserHook<RealtimeEvent>;
  #current: RealtimeSession | undefined;
  #running: Promise<void> | undefined;

  constructor(init: ReconnectingSessionInit) {
    this.#init = init;
    this.#onEvent = new UserHook<RealtimeEvent>((event) => init.onEvent(event), {
      ...init,
      context: `handling an event of ${init.llm.name}`,
    });
  }

  /** The session in use; `undefined` while it is lost. */
  get current(): RealtimeSession | undefined {
    return this.#current;
  }

  /** Starts the first session; rejects when the service refuses. */
  async start(signal: AbortSignal): Promise<void> {
    this.#current = await this.#connect(signal);
    this.#running = this.#run(this.#current);
  }

  /** Ends it, once the signal was aborted. */
  async close(): Promise<void> {
    const session = this.#current;
    this.#current = undefined;
    await this.#leave(session);
    await this.#running;
  }

  /** Follows one session after another until the conversation is over, or too many were lost. */
  async #run(first: RealtimeSession): Promise<void> {
    const { llm, clock, signal, report } = this.#init;
    let next: RealtimeSession | undefined = first;
    let losses = 0;
    let since = 0;
    await retry(() => {
      since = clock.now();
      const session = next;
      next = undefined;
      return this.#follow(session);
    }, {
      clock,
      signal,
      waitMs: () => {
        if (clock.now() - since > GOOD_SESSION_MS) losses = 0;
        const waitMs = RETRY_MS[losses++];
        if (waitMs === undefined) {
          report(new Error(`${losses} sessions were lost`), `${llm.name}: giving up`);
        }
        return waitMs;
      },
    }).catch(() => {}); // The conversation is over, or the loss was reported.
  }

  /** Follows a session, a new one where none is given; rejects when it is lost. */
  async #follow(session: RealtimeSession | undefined): Promise<void> {
    const { llm, clock, signal, onLost, report } = this.#init;
    try {
      session ??= this.#current = await this.#connect(signal);
      const events = session;
      for await (const event of untilAborted(() => events, llm.name, signal, clock)) {
        // An event that cannot be handled does not end the session.
        void this.#onEvent.run(event);
      }
      if (signal.aborted) return;
      throw new Error("the session ended");
    } catch (error) {
      if (signal.aborted) return;
      report(error, `${llm.name}: reconnecting`);
      this.#current = undefined;
      await this.#leave(session);
      onLost();
      throw error;
    }
  }

  async #connect(signal: AbortSignal): Promise<RealtimeSession> {
    const { llm, clock, connect } = this.#init;
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
