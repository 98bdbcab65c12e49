import { ClosedError, ConnectionError, type EdgeError } from "../../edge/errors.ts";
import type { JsonValue } from "../../edge/types.ts";
import { checkObject, shown } from "../../events/checks.ts";
import { type Clock, systemClock } from "../../events/clock.ts";
import { consoleLogger, type Logger } from "../../events/logger.ts";
import { limitTime, waitFor } from "../../events/waiting.ts";
import { type DenoOptions, type DenoProgram, findDeno, readDenoPath } from "./deno_program.ts";
import type { MemoryLimit } from "../wire/control.ts";
import { ChildLink, type SpawnedChild } from "./child_link.ts";
import { type ChildPermissions, lockFor, spawnChild } from "./spawn.ts";
import { lacksLockEntries } from "./start_failure.ts";

/** Options of a {@linkcode MediaProcess}. */
export interface MediaProcessOptions extends DenoOptions {
  /** The main module of the media process: `new URL("./child/main.ts", import.meta.url)`. */
  child: URL;
  /** Passed to the child at its start. No secrets. */
  config: JsonValue;
  /** The permissions of the process. Default: none beside WebRTC itself. */
  permissions?: ChildPermissions;
  /** Names of further environment variables to pass. */
  variables?: string[];
  /** Where time comes from: the edge's clock. */
  clock?: Clock;
  /** Takes what the process has to say: the edge's logger. */
  logger?: Logger;
  /** Takes the child's messages that belong to no connection. */
  onMessage?(message: JsonValue): void;
  /**
   * When an empty process is recycled, since wrtc does not release all its memory: above `bytes`
   * (default 400 MiB), checked every `checkEveryMs` (default 30 s). The child must have `isEmpty`.
   */
  memoryLimit?: Partial<MemoryLimit>;
  /**
   * The process died while a lease was held, or was recycled (code `media-process-recycled`). Its
   * connections close by themselves.
   */
  onLost?(error: EdgeError): void;
  /** @internal Starts the process; for tests. */
  spawn?(): SpawnedChild;
}

/** When an empty process is recycled: a fresh one has 60 MiB. */
const MEMORY_LIMIT_BYTES = 400 << 20;
const MEMORY_CHECK_MS = 30_000;
/** How long a process may take to become ready. */
const START_MS = 10_000;

/**
 * The process that wrtc runs in, as an edge in the agent's program sees it: it starts with the first
 * lease, is shared, ends with the last lease, and starts anew after a crash.
 *
 * @example
 * ```ts ignore
 * const media = new MediaProcess({ child: new URL("./child/main.ts", import.meta.url), config: {} });
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
  /** The end of the previous process: the next one needs its ports and sockets. */
  #ending: Promise<void> = Promise.resolve();
  #nextConnection = 1;
  /** Whether a start has shown that the project's lock file lacks something. */
  #ignoresLock = false;

  /**
   * Starts nothing yet.
   *
   * @throws {TypeError} `child` is no URL, or `denoPath` neither a path nor a file URL.
   */
  constructor(options: MediaProcessOptions) {
    checkObject(options, "options", "an object like { child, config }");
    if (!(options.child instanceof URL)) {
      throw new TypeError(`child: expected the URL of a module, got ${shown(options.child)}`);
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
   * Starts the process, or shares the running one.
   *
   * @throws {EdgeError} it may not be started (`permission-denied`) or cannot be (`spawn-failed`),
   *   there is no Deno for it (`no-deno`), this program was itself started as a media process
   *   (`media-process-nested`), it could not load its modules (`media-process-not-started`), its
   *   edge failed to start, or it died; a `TimeoutError`; the signal's reason
   */
  async acquire(options: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<MediaLease> {
    const { signal, timeoutMs = START_MS } = options;
    signal?.throwIfAborted();
    const wait = { timeoutMs, clock: this.#clock, ...(signal ? { signal } : {}) };
    while (this.#current === undefined) {
      const ending = this.#ending;
      await waitFor(ending, "the end of the previous media process", wait);
      const deno = await this.#findDeno(wait);
      const lock = deno && !this.#ignoresLock
        ? await waitFor(lockFor(deno, this.#options.child), "the search for the lock file", wait)
        : undefined;
      // Another caller may have started one, or ended it again, in the meantime.
      if (ending === this.#ending) this.#current ??= this.#start(deno, lock);
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
      if (!lacksLockEntries(error)) throw error;
      this.#leaveLock(current.lock);
      return await this.acquire(options);
    }
  }

  /**
   * Goes on without the lock file, which lacks entries. This program runs without it too, or Deno
   * would have added them or ended. The file is not written: it may be read-only.
   */
  #leaveLock(lock: string | undefined): void {
    if (this.#ignoresLock) return;
    this.#ignoresLock = true;
    this.#logger.warn(
      `${lock} lacks what the media process imports, so the newest versions that fit are used: ` +
        "`deno cache` with the program's main module adds it",
    );
  }

  /** Returns `undefined` for a test that brings its own process. */
  async #findDeno(
    wait: { timeoutMs: number; clock: Clock; signal?: AbortSignal },
  ): Promise<DenoProgram | undefined> {
    if (this.#options.spawn !== undefined) return undefined;
    const signals = wait.signal ? [wait.signal] : [];
    using limit = limitTime("the start of the media process", { ...wait, signals });
    return await findDeno(this.#denoPath, limit.signal);
  }

  #start(deno: DenoProgram | undefined, lock: string | undefined): Current {
    const { child, config, permissions = {}, variables = [], onMessage, memoryLimit } =
      this.#options;
    const process = this.#options.spawn?.() ??
      spawnChild(deno!, { child, permissions, variables, lock });
    const link = new ChildLink({
      process,
      config,
      clock: this.#clock,
      logger: this.#logger,
      memoryLimit: {
        bytes: memoryLimit?.bytes ?? MEMORY_LIMIT_BYTES,
        checkEveryMs: memoryLimit?.checkEveryMs ?? MEMORY_CHECK_MS,
      },
      onMessage: (message) => onMessage?.(message),
      onMemoryLimitExceeded: (rssBytes) => this.#recycle(current, rssBytes),
    });
    const current: Current = { link, lock, leases: 0, isReady: false };
    link.ready.then(() => current.isReady = true, () => {});
    this.#ending = link.gone.then(() => {
      if (this.#current === current) this.#current = undefined;
      // Not when the last lease was released.
      if (current.isReady && current.leases > 0) this.#options.onLost?.(link.lost!);
    });
    return current;
  }

  /** A holder of a lease sees this as a loss, and takes another lease from a new process. */
  #recycle(current: Current, rssBytes: number): void {
    if (this.#current !== current || !current.link.isIdle) return;
    this.#current = undefined;
    const message = `the media process is recycled: it is empty and has ${rssBytes >> 20} MiB`;
    this.#logger.info(message);
    const reason = { code: "media-process-recycled", retryable: true };
    void current.link.close(new ConnectionError(message, reason));
  }

  async #release(current: Current): Promise<void> {
    if (--current.leases > 0) return;
    if (this.#current === current) this.#current = undefined;
    await current.link.close();
  }
}

/** A process, and the number of leases on it. */
interface Current {
  readonly link: ChildLink;
  readonly lock: string | undefined;
  leases: number;
  isReady: boolean;
}

/** A share of a {@linkcode MediaProcess}, which runs at least until this is released. */
export interface MediaLease {
  /** Why the process cannot be used any more; `undefined` while it can. */
  readonly lost: EdgeError | undefined;
  /** Sends a request to the edge's child side: `EdgeChild.request`. */
  request(
    method: string,
    params: JsonValue,
    options?: { signal?: AbortSignal; timeoutMs?: number },
  ): Promise<JsonValue>;
  /** Returns figures of the process. */
  stats(): Promise<{ rssBytes: number; connections: number }>;
  /** Returns the share; resolves after the last one's process is gone. Idempotent. */
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
    return await this.link.request("stats", {});
  }

  release(): Promise<void> {
    return this.#released ??= this.#release();
  }
}
