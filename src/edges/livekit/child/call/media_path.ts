/**
 * The path of a call's media through the network: how long it may be cut, and whether it carries anything.
 *
 * @module
 */
import type { RtcConnectionState } from "@ringline/edge/media/child";
import { type Clock, ConnectionError, isTimeout, waitFor } from "@ringline/edge/toolkit";
import type { RoomSession } from "../session/room_session.ts";

/** How long a connection may be cut before another path is looked for. */
const PATIENCE_MS = 3000;
/** How long another path may take. */
const PATH_MS = 10_000;

/** The part of a session that a path needs. */
export type PathSession = Pick<RoomSession, "peerState" | "stats">;

/** What {@linkcode MediaPath} needs. */
export interface MediaPathInit {
  clock: Clock;
  /** Whether the call is being reconnected, which waits for a path by itself. */
  isReconnecting: () => boolean;
  /** Another path is to be looked for. */
  onLost: (reason: string) => void;
}

/** The path of a call's media, through one session after another. */
export class MediaPath implements Disposable {
  readonly #init: MediaPathInit;
  #connected = Promise.withResolvers<void>();
  /** Runs while the connection is cut. */
  #cut: Disposable | undefined;
  /** What the session had received when it was last asked. */
  #arrivedBytes = 0;

  constructor(init: MediaPathInit) {
    this.#init = init;
  }

  /** From now on `connected` waits for a path that is found after this. */
  reset(): void {
    this.#connected = Promise.withResolvers();
  }

  /** Waits until the session has a path: a socket alone carries no sound. */
  async connected(session: PathSession, signal: AbortSignal): Promise<void> {
    if (session.peerState === "connected") return;
    const { clock } = this.#init;
    try {
      await waitFor(this.#connected.promise, "a path", { timeoutMs: PATH_MS, signal, clock });
    } catch (error) {
      if (!isTimeout(error)) throw error;
      const text = `no path to the server was found within ${PATH_MS} ms`;
      throw new ConnectionError(text, { code: "no-path", retryable: true });
    }
  }

  /** Takes the state of the session's connection. */
  onState(state: RtcConnectionState): void {
    const { clock, isReconnecting, onLost } = this.#init;
    if (state === "connected") this.#connected.resolve();
    if (state !== "disconnected") this.#mend();
    if (isReconnecting()) return;
    if (state === "failed") onLost("the connection failed");
    else if (state === "disconnected") {
      this.#cut ??= clock.schedule(() => {
        this.#cut = undefined;
        if (!isReconnecting()) onLost("the connection is cut");
      }, PATIENCE_MS);
    }
  }

  /** Whether anything has arrived since it was asked last: of a node that died nothing does. */
  async carriesMedia(session: PathSession | undefined): Promise<boolean> {
    if (session?.peerState !== "connected") return false;
    const bytes = receivedBytes(await session.stats());
    const isMore = bytes > this.#arrivedBytes;
    this.#arrivedBytes = bytes;
    return isMore && session.peerState === "connected";
  }

  [Symbol.dispose](): void {
    this.#mend();
  }

  #mend(): void {
    this.#cut?.[Symbol.dispose]();
    this.#cut = undefined;
  }
}

/** Returns what a connection has received, with all that belongs to its transport. */
function receivedBytes(reports: readonly Record<string, unknown>[]): number {
  return reports.reduce((sum, { type, bytesReceived }) => {
    return type === "candidate-pair" && typeof bytesReceived === "number"
      ? sum + bytesReceived
      : sum;
  }, 0);
}
