/** What an agent sends as data: also while its call is joined anew. @module */
import {
  type Clock,
  ClosedError,
  ConnectionError,
  EdgeError,
  isTimeout,
  waitFor,
} from "@ringline/edge/toolkit";
import type { RoomSession } from "../session/room_session.ts";

/** How long data waits for a reconnection. */
const WAIT_MS = 10_000;

/** The part of a session that sends. */
export type SendingSession = Pick<RoomSession, "isClosed" | "sendData">;

/** What {@linkcode OutgoingData} needs. */
export interface OutgoingDataInit<S extends SendingSession> {
  /** The session now; `undefined` before the call is joined. */
  session: () => S | undefined;
  /** Whether the agent has the right to send data. */
  isAllowed: () => boolean;
  reconnector: () => { readonly isRunning: boolean; idle(): Promise<void> };
  clock: Clock;
  /** Aborted when the agent leaves. */
  signal: AbortSignal;
}

/** Sends data by the session that there is. */
export class OutgoingData<S extends SendingSession> {
  readonly #options: OutgoingDataInit<S>;

  constructor(options: OutgoingDataInit<S>) {
    this.#options = options;
  }

  /**
   * Runs `act` with a session that is open: with the next one where the last is over.
   *
   * @throws {EdgeError} the agent may send no data: `forbidden`.
   * @throws {ConnectionError} there is none within 10 s, or it was lost meanwhile: `reconnecting`.
   */
  async with(act: (session: S) => Promise<void>): Promise<void> {
    const { signal } = this.#options;
    const session = await this.#session();
    if (!this.#options.isAllowed()) throw forbidden();
    try {
      await act(session);
    } catch (error) {
      throw session.isClosed && !signal.aborted && error instanceof ClosedError
        ? lost("it was lost while it was sent")
        : error;
    }
  }

  /** Sends a packet. */
  send(...packet: Parameters<RoomSession["sendData"]>): Promise<void> {
    return this.with((session) => session.sendData(...packet));
  }

  async #session(): Promise<S> {
    const { session, reconnector, clock, signal } = this.#options;
    if (session()?.isClosed && reconnector().isRunning) {
      try {
        const wait = { timeoutMs: WAIT_MS, signal, clock };
        await waitFor(reconnector().idle(), "the reconnection", wait);
      } catch (error) {
        throw isTimeout(error) ? lost(`there is no session within ${WAIT_MS} ms`) : error;
      }
    }
    const found = session();
    if (found) return found;
    throw new ClosedError("the call");
  }
}

/** Servers drop what is sent without the right to, and say nothing. */
function forbidden(): EdgeError {
  const text = "the agent has no right to send data (canPublishData): its token, or a moderator, " +
    "gives none";
  return new EdgeError(text, { code: "forbidden" });
}

function lost(why: string): ConnectionError {
  const text = `the data was not sent, since the call is reconnecting: ${why}`;
  return new ConnectionError(text, { code: "reconnecting", retryable: true });
}
