import { ClosedError, ConnectionError, type EdgeError } from "../../edge/errors.ts";
import type { JsonValue } from "../../edge/types.ts";
import { checkObject, shown } from "../../events/checks.ts";
import { type Clock, systemClock } from "../../events/clock.ts";
import { consoleLogger, type Logger } from "../../events/logger.ts";
import { limitTime, waitFor } from "../../events/waiting.ts";
import { type DenoOptions, type DenoProgram, findDeno, readDenoPath } from "./deno_program.ts";
import { ChildLink, type SpawnedChild } from "./child_link.ts";
import { type ChildPermissions, spawnChild } from "./spawn.ts";

/** Options of a {@linkcode MediaProcess}. */
export interface MediaProcessOptions extends DenoOptions {
  /** The host's main module: `new URL("./host.ts", import.meta.url)`. */
  host: URL;
  /** Given to the host at its start. No secrets. */
  config: JsonValue;
  /** What the process may do. Default: nothing beside WebRTC itself. */
  permissions?: ChildPermissions;
  /** Names of further environment variables to pass. */
  variables?: string[];
  /** Where time comes from: the edge's clock. */
  clock?: Clock;
  /** Takes what the process has to say: the edge's logger. */
  logger?: Logger;
  /** Takes what the host notifies that belongs to no connection. */
  onMessage?(message: JsonValue): void;
  /**
   * When an empty process is replaced, since wrtc does not give all memory back: above so many
   * bytes (default 400 MiB), looked at so often (default every 30 s). The host must have `isEmpty`.
   */
  recycle?: { aboveBytes?: number; everyMs?: number };
  /**
   * The process died while somebody held a lease, or was replaced (code `media-process-renewed`).
   * Its connections are told by themselves.
   */
  onLost?(error: EdgeError): void;
  /** @internal Starts the process; for tests. */
  spawn?(): SpawnedChild;
}

/** When an empty process is replaced: a fresh one has 60 MiB. */
const RENEW_ABOVE_BYTES = 400 << 20;
const RENEW_EVERY_MS = 30_000;
/** How long a process has to become ready. */
const START_MS = 10_000;

/**
 * The process that wrtc runs in, as an edge in the agent's process sees it: started with the first
 * lease, shared, ended with the last, and started anew after a death.
 *
 * @example
 * ```ts ignore
 * const media = new MediaProcess({ host: new URL("./host.ts", import.meta.url), config: {} });
 * const lease = await media.acquire();
 * await lease.request("open", { callId: "kitchen" });
 * await lease.release();
 * ```
 */
export class MediaProcess {
  readonly #options: MediaProcessOptions;
  readonly #denoPath: string | undefined;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #current: Current | undefined;
  /** The end of the process before: its ports and sockets must be free before the next starts. */
  #ending: Promise<void> = Promise.resolve();
  #nextConnection = 1;

  /**
   * Starts nothing yet.
   *
   * @throws {TypeError} `host` is no URL, or `denoPath` neither a path nor a file URL.
   */
  constructor(options: MediaProcessOptions) {
    checkObject(options, "options", "an object like { host, config }");
    if (!(options.host instanceof URL)) {
      throw new TypeError(`host: expected the URL of a module, got ${shown(options.host)}`);
    }
    this.#options = options;
    this.#denoPath = readDenoPath(options.denoPath);
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? consoleLogger;
  }

  /** The process id, while one runs. */
  get pid(): number | undefined {
    return this.#current?.link.pid;
  }

  /** Leases that are held. */
  get leases(): number {
    return this.#current?.leases ?? 0;
  }

  /**
   * Starts the process, or shares the one that runs.
   *
   * @throws {EdgeError} it may not be started (`permission-denied`) or cannot be (`spawn-failed`),
   *   there is no Deno for it (`no-deno`), this program was started as one
   *   (`media-process-nested`), it could not load its modules (`media-process-not-started`), its
   *   host failed, or it died; a `TimeoutError`; the signal's reason
   */
  async acquire(options: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<MediaLease> {
    const { signal, timeoutMs = START_MS } = options;
    signal?.throwIfAborted();
    const wait = { timeoutMs, clock: this.#clock, ...(signal ? { signal } : {}) };
    while (this.#current === undefined) {
      const ending = this.#ending;
      await waitFor(ending, "the end of the media process before", wait);
      const deno = await this.#findDeno(wait);
      // Somebody else may have begun one, or another end, in the meantime.
      if (ending === this.#ending) this.#current ??= this.#start(deno);
    }
    const current = this.#current;
    current.leases++;
    const lease = new ProcessLease(
      current.link,
      () => this.#nextConnection++,
      () => this.#release(current),
    );
    try {
      await waitFor(current.link.ready, "the start of the media process", wait);
      return lease;
    } catch (error) {
      await lease.release();
      throw error;
    }
  }

  /** Not for a test that brings its own process. */
  async #findDeno(
    wait: { timeoutMs: number; clock: Clock; signal?: AbortSignal },
  ): Promise<DenoProgram | undefined> {
    if (this.#options.spawn !== undefined) return undefined;
    const signals = wait.signal ? [wait.signal] : [];
    using limit = limitTime("the start of the media process", { ...wait, signals });
    return await findDeno(this.#denoPath, limit.signal);
  }

  #start(deno: DenoProgram | undefined): Current {
    const { host, config, permissions = {}, variables = [], onMessage, recycle } = this.#options;
    const process = this.#options.spawn?.() ?? spawnChild(deno!, { host, permissions, variables });
    const link = new ChildLink({
      process,
      config,
      clock: this.#clock,
      logger: this.#logger,
      grown: {
        aboveBytes: recycle?.aboveBytes ?? RENEW_ABOVE_BYTES,
        everyMs: recycle?.everyMs ?? RENEW_EVERY_MS,
      },
      onMessage: (message) => onMessage?.(message),
      onGrown: (rssBytes) => this.#recycle(current, rssBytes),
    });
    const current: Current = { link, leases: 0, isReady: false };
    link.ready.then(() => current.isReady = true, () => {});
    this.#ending = link.gone.then(() => {
      if (this.#current === current) this.#current = undefined;
      // Not on its last lease's order.
      if (current.isReady && current.leases > 0) this.#options.onLost?.(link.lost!);
    });
    return current;
  }

  /** Whoever holds a lease learns it as a loss and takes another, from a new process. */
  #recycle(current: Current, rssBytes: number): void {
    if (this.#current !== current || !current.link.isIdle) return;
    this.#current = undefined;
    const message = `the media process is replaced: it is empty and has ${rssBytes >> 20} MiB`;
    this.#logger.info(message);
    const reason = { code: "media-process-renewed", retryable: true };
    void current.link.close(new ConnectionError(message, reason));
  }

  async #release(current: Current): Promise<void> {
    if (--current.leases > 0) return;
    if (this.#current === current) this.#current = undefined;
    await current.link.close();
  }
}

/** A process, and how many share it. */
interface Current {
  readonly link: ChildLink;
  leases: number;
  isReady: boolean;
}

/** A share of a {@linkcode MediaProcess}: the process runs at least until this is released. */
export interface MediaLease {
  /** Why the process cannot be used any more; `undefined` while it can. */
  readonly lost: EdgeError | undefined;
  /** Asks the edge's half in the process for something: `EdgeChild.request`. */
  request(
    method: string,
    params: JsonValue,
    options?: { signal?: AbortSignal; timeoutMs?: number },
  ): Promise<JsonValue>;
  /** Figures of the process. */
  stats(): Promise<{ rssBytes: number; connections: number }>;
  /** Gives the share back; resolves after the last one's process is gone. Idempotent. */
  release(): Promise<void>;
}

/** A lease with what a `MediaConnection` needs of it: every lease of a process is one. */
export class ProcessLease implements MediaLease {
  /** The wire. */
  readonly link: ChildLink;
  /** A number for a connection, never used before with this edge. */
  readonly newConnectionId: () => number;
  readonly #release: () => Promise<void>;
  #released: Promise<void> | undefined;

  constructor(link: ChildLink, newConnectionId: () => number, release: () => Promise<void>) {
    this.link = link;
    this.newConnectionId = newConnectionId;
    this.#release = release;
  }

  get lost(): EdgeError | undefined {
    return this.link.lost;
  }

  async request(
    method: string,
    params: JsonValue,
    options: { signal?: AbortSignal; timeoutMs?: number } = {},
  ): Promise<JsonValue> {
    if (this.#released !== undefined) throw new ClosedError("the lease");
    return await this.link.request("edge", { method, params }, options);
  }

  async stats(): Promise<{ rssBytes: number; connections: number }> {
    if (this.#released !== undefined) throw new ClosedError("the lease");
    return await this.link.request("stats", {}) as { rssBytes: number; connections: number };
  }

  release(): Promise<void> {
    return this.#released ??= this.#release();
  }
}
