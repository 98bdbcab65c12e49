/** Shares of a media process. @module */
import { ClosedError, ConnectionError, type EdgeError } from "../../edge/errors.ts";
import type { JsonValue } from "../../edge/types.ts";
import type { Clock } from "../../events/clock.ts";
import { limitTime, waitFor } from "../../events/waiting.ts";
import type { ChildLink, LinkedConnection, RequestOptions } from "./child_link.ts";
import type { CallName } from "./restarts.ts";

/** Options for {@linkcode MediaLease.request}. */
export interface LeaseRequestOptions extends RequestOptions {
  /**
   * Whether it may happen twice: when the process is lost before it has replied, the request is sent
   * again to the one that takes its place. Default `false`: it rejects as `media-process-replaced`.
   */
  idempotent?: boolean;
}

/** A share of a `MediaProcess`, which runs at least until this is released. */
export interface MediaLease {
  /**
   * Why the process cannot be used any more; `undefined` while it can, also while another takes its
   * place.
   */
  readonly lost: EdgeError | undefined;
  /**
   * Sends a request to the edge's child side: `EdgeChild.request`. While a process that was lost is
   * replaced, it waits for the next one.
   *
   * @throws {EdgeError} the child's; `media-process-lost`: there is no process any more;
   *   `media-process-replaced`: the process was lost before it replied, so it may have happened; or a
   *   `TimeoutError`, or the signal's reason
   */
  request(method: string, params: JsonValue, options?: LeaseRequestOptions): Promise<JsonValue>;
  /** Returns figures of the process. */
  stats(): Promise<{ rssBytes: number; connections: number }>;
  /** Returns the share; resolves after the last one's process is gone. Idempotent. */
  release(): Promise<void>;
}

/** A connection as its process sees it: it outlives one process after another. */
export interface SharedConnection extends LinkedConnection {
  /** Its call. */
  readonly call: CallName;
  /** The process is gone, and another takes its place. */
  readonly onCut: () => void;
  /** Joins again over the link of another process; `onRetry`: a try has failed. Never rejects. */
  readonly rejoin: (link: ChildLink, options: { onRetry: () => void }) => Promise<void>;
  /** It has joined again, and all others of the call that did so at their first try. */
  readonly onRestored: () => void;
  /** The process is gone for good. */
  readonly onLost: (error: EdgeError) => void;
}

/** What the leases of one process share: the process that runs now, and its connections. */
export interface SharedProcess {
  /** The wire to the process that runs now. */
  link: ChildLink;
  /** Resolves when the process has started, or, after a loss, another one. */
  ready: Promise<void>;
  /** Why there is no process any more. */
  lost: EdgeError | undefined;
  leases: number;
  readonly clock: Clock;
  readonly connections: Map<number, SharedConnection>;
}

/** A lease with what a `MediaConnection` needs of it: every lease of a process is one. */
export class ProcessLease implements MediaLease {
  /** A number for a connection, never used before with this edge. */
  readonly newConnectionId: () => number;
  readonly #process: SharedProcess;
  readonly #release: () => Promise<void>;
  #released: Promise<void> | undefined;

  constructor(
    process: SharedProcess,
    newConnectionId: () => number,
    release: () => Promise<void>,
  ) {
    this.#process = process;
    this.newConnectionId = newConnectionId;
    this.#release = release;
  }

  /** The wire to the process that runs now. */
  get link(): ChildLink {
    return this.#process.link;
  }

  get lost(): EdgeError | undefined {
    return this.#process.lost;
  }

  /** What arrives for this number goes to `connection`, also from a later process. */
  attach(connectionId: number, connection: SharedConnection): void {
    this.#process.connections.set(connectionId, connection);
    this.link.attach(connectionId, connection);
  }

  detach(connectionId: number): void {
    this.#process.connections.delete(connectionId);
    this.link.detach(connectionId);
  }

  async request(
    method: string,
    params: JsonValue,
    options: LeaseRequestOptions = {},
  ): Promise<JsonValue> {
    const { idempotent = false, timeoutMs = Infinity, signal, isGoodbye } = options;
    using limit = limitTime(`the media process replying to ${method}`, {
      timeoutMs,
      signals: signal ? [signal] : [],
      clock: this.#process.clock,
    });
    for (;;) {
      const usable = this.#usable();
      if (usable) await waitFor(usable, "the next media process", { signal: limit.signal });
      const { link } = this;
      const wait = { signal: limit.signal, isGoodbye };
      try {
        return await link.request("edge", { method, params }, wait);
      } catch (error) {
        if (link.lost === undefined || error !== link.lost) throw error;
        if (this.lost !== undefined) throw this.lost;
        if (!idempotent) throw replacedError(method, link.lost);
      }
    }
  }

  async stats(): Promise<{ rssBytes: number; connections: number }> {
    const usable = this.#usable();
    if (usable) await usable;
    return await this.link.request("stats", {});
  }

  release(): Promise<void> {
    return this.#released ??= this.#release();
  }

  /** While a process is replaced, requests wait for the next one. */
  #usable(): Promise<void> | undefined {
    if (this.#released !== undefined) throw new ClosedError("the lease");
    return this.link.isReady ? undefined : this.#process.ready;
  }
}

/** Returns the error of a request that a lost process had, and that must not happen twice. */
export function replacedError(what: string, lost: EdgeError): ConnectionError {
  return new ConnectionError(
    `${lost.message} before it replied to ${what}, and another takes its place: it may have ` +
      "happened, so repeat it only if twice does no harm",
    { code: "media-process-replaced", retryable: true, cause: lost },
  );
}
