import { ClosedError, ConnectionError, type EdgeError } from "../../edge/errors.ts";
import type { JsonValue } from "../../edge/types.ts";
import { type Clock, systemClock } from "../../events/clock.ts";
import { consoleLogger, type Logger } from "../../events/logger.ts";
import { limitTime, waitFor } from "../../events/waiting.ts";
import { type DenoOptions, type DenoProgram, findDeno, readDenoPath } from "./deno_program.ts";
import { HostLink, type HostProcess } from "./host_link.ts";
import { type HostPermissions, lockFor, spawnHost } from "./spawn.ts";
import { lacksLockEntries } from "./start_failure.ts";

/** Options of a {@linkcode MediaProcess}. */
export interface MediaProcessOptions extends DenoOptions {
  /** The host's main module: `new URL("./host.ts", import.meta.url)`. */
  host: URL;
  /** Given to the host at its start. No secrets. */
  config: JsonValue;
  permissions?: HostPermissions;
  /** Names of further environment variables to pass. */
  variables?: string[];
  clock?: Clock;
  logger?: Logger;
  /** Takes what the host notifies that belongs to no connection. */
  onNotify?(message: JsonValue): void;
  /**
   * When an empty process is replaced, since wrtc does not give all memory back: above so many
   * bytes (default 400 MiB), looked at so often (default every 30 s). The host must have `isEmpty`.
   */
  renew?: { aboveBytes?: number; everyMs?: number };
  /**
   * The process died while somebody held a lease, or was replaced (code `media-process-renewed`).
   * Its connections are told by themselves.
   */
  onLost?(error: EdgeError): void;
  /** Starts the process; for tests. */
  spawn?(): HostProcess;
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
  /** Whether a start has shown that the project's lock file lacks something. */
  #ignoresLock = false;

  constructor(options: MediaProcessOptions) {
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
      const lock = deno && !this.#ignoresLock
        ? await waitFor(lockFor(deno, this.#options.host), "the search for the lock file", wait)
        : undefined;
      // Somebody else may have begun one, or another end, in the meantime.
      if (ending === this.#ending) this.#current ??= this.#start(deno, lock);
    }
    const current = this.#current;
    current.leases++;
    const lease = new MediaLease(
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
   * Goes on without the lock file, which lacks something. This program runs without it, too, or Deno
   * would have added that or ended. It is not written: it may be read-only.
   */
  #leaveLock(lock: string | undefined): void {
    if (this.#ignoresLock) return;
    this.#ignoresLock = true;
    this.#logger.warn(
      `${lock} lacks what the media process imports, so the newest versions that fit are used: ` +
        "`deno cache` with the program's main module adds it",
    );
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

  #start(deno: DenoProgram | undefined, lock: string | undefined): Current {
    const { host, config, permissions = {}, variables = [], onNotify, renew } = this.#options;
    const process = this.#options.spawn?.() ??
      spawnHost(deno!, { host, permissions, variables, lock });
    const link = new HostLink({
      process,
      config,
      clock: this.#clock,
      logger: this.#logger,
      grown: {
        aboveBytes: renew?.aboveBytes ?? RENEW_ABOVE_BYTES,
        everyMs: renew?.everyMs ?? RENEW_EVERY_MS,
      },
      onNotify: (message) => onNotify?.(message),
      onGrown: (rssBytes) => this.#renew(current, rssBytes),
    });
    const current: Current = { link, lock, leases: 0, isReady: false };
    link.ready.then(() => current.isReady = true, () => {});
    this.#ending = link.gone.then(() => {
      if (this.#current === current) this.#current = undefined;
      // Not on its last lease's order.
      if (current.isReady && current.leases > 0) this.#options.onLost?.(link.lost!);
    });
    return current;
  }

  /** Whoever holds a lease learns it as a loss and takes another, from a new process. */
  #renew(current: Current, rssBytes: number): void {
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
  readonly link: HostLink;
  readonly lock: string | undefined;
  leases: number;
  isReady: boolean;
}

/** A share of a {@linkcode MediaProcess}: it runs at least until this is released. */
export class MediaLease {
  /** The wire, for `MediaConnection`. */
  readonly link: HostLink;
  readonly #newConnectionId: () => number;
  readonly #release: () => Promise<void>;
  #released: Promise<void> | undefined;

  /** Leases come from {@linkcode MediaProcess.acquire}. */
  constructor(link: HostLink, newConnectionId: () => number, release: () => Promise<void>) {
    this.link = link;
    this.#newConnectionId = newConnectionId;
    this.#release = release;
  }

  /** Why the process cannot be used any more; `undefined` while it can. */
  get lost(): EdgeError | undefined {
    return this.link.lost;
  }

  /** A number for a connection, never used before with this edge. */
  newConnectionId(): number {
    return this.#newConnectionId();
  }

  /** Asks the edge's half in the process for something: `EdgeHost.request`. */
  async request(
    method: string,
    params: JsonValue,
    options: { signal?: AbortSignal; timeoutMs?: number } = {},
  ): Promise<JsonValue> {
    if (this.#released !== undefined) throw new ClosedError("the lease");
    return await this.link.request("edge", { method, params }, options);
  }

  /** Figures of the process. */
  async stats(): Promise<{ rssBytes: number; connections: number }> {
    if (this.#released !== undefined) throw new ClosedError("the lease");
    return await this.link.request("stats", {}) as { rssBytes: number; connections: number };
  }

  /** Gives the share back; resolves after the last one's process is gone. Idempotent. */
  release(): Promise<void> {
    return this.#released ??= this.#release();
  }
}
