/** Restarts of ICE on a failed connection. @module */
import type { Clock } from "@ringline/edge/toolkit";
import type { RtcConnectionState } from "@ringline/edge/media/child";
import type { PeerName } from "./sfu_connection.ts";

/** A connection that loses packets for a shorter time recovers by itself. */
const PATIENCE_MS = 1500;
/** Time limit for a restart to restore the connection. */
const RESTART_MS = 4000;

/** What {@linkcode IceRestart} needs. */
export interface IceRestartInit {
  clock: Clock;
  /** Restarts ICE on one connection. */
  restart: (peer: PeerName) => Promise<void>;
  /** The restart did not restore the connection. */
  onLost: (peer: PeerName) => void;
  onError: (error: unknown) => void;
}

/** Restarts ICE once on a connection that failed, and calls back when that did not help. */
export class IceRestart {
  readonly #options: IceRestartInit;
  readonly #timers = new Map<PeerName, Disposable>();
  readonly #restarted = new Set<PeerName>();
  #stopped = false;

  constructor(options: IceRestartInit) {
    this.#options = options;
  }

  /** Takes a connection's new state. */
  onState(peer: PeerName, state: RtcConnectionState): void {
    if (this.#stopped) return;
    if (state === "connected") {
      this.#cancel(peer);
      this.#restarted.delete(peer);
    } else if (state === "failed") {
      if (this.#restarted.has(peer)) this.#lose(peer);
      else this.#restart(peer);
    } else if (state === "disconnected" && !this.#timers.has(peer)) {
      this.#schedule(peer, PATIENCE_MS, () => this.#restart(peer));
    }
  }

  /** Forgets the old connections, when there are new ones. */
  reset(): void {
    for (const peer of [...this.#timers.keys()]) this.#cancel(peer);
    this.#restarted.clear();
  }

  /** Cancels all restarts. */
  stop(): void {
    this.#stopped = true;
    this.reset();
  }

  #restart(peer: PeerName): void {
    if (this.#stopped) return;
    this.#restarted.add(peer);
    this.#schedule(peer, RESTART_MS, () => this.#lose(peer));
    this.#options.restart(peer).catch((error) => {
      if (this.#stopped) return;
      this.#options.onError(error);
      this.#lose(peer);
    });
  }

  #lose(peer: PeerName): void {
    this.#cancel(peer);
    this.#restarted.delete(peer);
    if (!this.#stopped) this.#options.onLost(peer);
  }

  #schedule(peer: PeerName, ms: number, act: () => void): void {
    this.#cancel(peer);
    this.#timers.set(peer, this.#options.clock.schedule(act, ms));
  }

  #cancel(peer: PeerName): void {
    this.#timers.get(peer)?.[Symbol.dispose]();
    this.#timers.delete(peer);
  }
}
