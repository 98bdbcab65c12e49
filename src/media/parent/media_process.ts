/** The media process of an edge: started, shared, replaced and stopped. @module */
import { ConnectionError, type EdgeError } from "../../edge/errors.ts";
import type { JsonValue } from "../../edge/types.ts";
import { checkOptions, shown } from "../../events/checks.ts";
import { type Clock, systemClock } from "../../events/clock.ts";
import { consoleLogger, type Logger } from "../../events/logger.ts";
import { messageOf } from "../../events/error_text.ts";
import { limitTime, waitFor } from "../../events/waiting.ts";
import { type DenoOptions, type DenoProgram, findDeno, readDenoPath } from "./deno_program.ts";
import type { MemoryLimit } from "../wire/control.ts";
import { ChildLink, type SpawnedChild } from "./child_link.ts";
import { type MediaLease, ProcessLease, type SharedProcess } from "./media_lease.ts";
import { rejoinTogether } from "./rejoining.ts";
import { isSameCall, Restarts, type Suspect } from "./restarts.ts";
import { type ChildPermissions, lockFor, spawnChild } from "./spawn.ts";
import { lacksLockEntries } from "./start_failure.ts";

/** The option of an edge that decides when its media process has grown too large. */
export interface MemoryOptions {
  /**
   * When an empty media process is replaced, since WebRTC does not release all its memory: above
   * `bytes` (default 400 MiB), checked every `checkEveryMs` (default 30,000, at least 10). People notice
   * nothing: there are none.
   */
  memoryLimit?: Partial<MemoryLimit>;
}

/** Options of a {@linkcode MediaProcess}. Replacing one that has grown needs the child's `isEmpty`. */
export interface MediaProcessOptions extends DenoOptions, MemoryOptions {
  /** The main module of the media process: `new URL("./child/main.ts", import.meta.url)`. */
  child: URL;
  /**
   * Passed to the child at its start, over its standard input: no other program sees it, so it may hold
   * secrets that the child needs.
   */
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
   * Another process has taken the place of one that was lost or had grown, and the connections are
   * back: opens again what else was open, by requests to the edge's child side.
   */
  onReplaced?(request: MediaLease["request"]): Promise<void>;
  /**
   * The messages of this user, or of several of this call, ended the process twice. The call of several
   * is not opened again, and its connections close; one user is for the edge to refuse. Called before the
   * next process starts.
   */
  onRefused?(refused: Suspect): void;
  /** The process was lost while a lease was held, and none takes its place. Connections close. */
  onLost?(error: EdgeError): void;
  /** The process has ended, and none takes its place until the next lease. */
  onEnded?(): void;
  /** @internal Starts the process; for tests. */
  spawn?(): SpawnedChild;
}

const OPTIONS = {
  child: true,
  config: true,
  permissions: true,
  variables: true,
  denoPath: true,
  memoryLimit: true,
  clock: true,
  logger: true,
  onMessage: true,
  onReplaced: true,
  onRefused: true,
  onLost: true,
  onEnded: true,
  spawn: true,
} as const;

/** When an empty process is replaced: a fresh one has 60 MiB. */
const MEMORY_LIMIT_BYTES = 400 << 20;
const MEMORY_CHECK_MS = 30_000;
/** How long a process may take to become ready. */
const START_MS = 10_000;

/**
 * The process that wrtc runs in, as an edge in the agent's program sees it: it starts with the first
 * lease, is shared, and ends with the last lease. One that dies or hangs is replaced, and its connections
 * join their calls again; the third loss within a minute is final.
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
  readonly #memoryLimit: MemoryLimit;
  readonly #denoPath: string | undefined;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #restarts: Restarts;
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
   * @throws {RangeError} a figure of `memoryLimit` is wrong.
   */
  constructor(options: MediaProcessOptions) {
    checkOptions(options, "options", OPTIONS, "an object like { child, config }");
    if (!(options.child instanceof URL)) {
      throw new TypeError(`child: expected the URL of a module, got ${shown(options.child)}`);
    }
    this.#options = options;
    this.#memoryLimit = readMemoryLimit(options.memoryLimit);
    this.#denoPath = readDenoPath(options.denoPath);
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? consoleLogger;
    this.#restarts = new Restarts(this.#clock);
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
    checkOptions(options, "options", { signal: true, timeoutMs: true });
    const { signal, timeoutMs = START_MS } = options;
    signal?.throwIfAborted();
    const wait = { timeoutMs, clock: this.#clock, signal };
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
      current,
      () => this.#nextConnection++,
      () => this.#release(current),
    );
    try {
      await waitFor(current.ready, "the start of the media process", wait);
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
    { timeoutMs, clock, signal }: { timeoutMs: number; clock: Clock; signal?: AbortSignal },
  ): Promise<DenoProgram | undefined> {
    if (this.#options.spawn !== undefined) return undefined;
    const signals = signal ? [signal] : [];
    using limit = limitTime("the start of the media process", { timeoutMs, clock, signals });
    return await findDeno(this.#denoPath, limit.signal);
  }

  #start(deno: DenoProgram | undefined, lock: string | undefined): Current {
    const { child, permissions = {}, variables = [] } = this.#options;
    const spawn = () =>
      this.#options.spawn?.() ?? spawnChild(deno!, { child, permissions, variables, lock });
    const current: Current = {
      link: undefined!,
      ready: undefined!,
      lost: undefined,
      leases: 0,
      clock: this.#clock,
      connections: new Map(),
      lock,
      spawn,
      isStarted: false,
      isRecycled: false,
      restoring: undefined,
    };
    current.ready = this.#open(current, { replaces: false }).ready;
    current.ready.then(() => current.isStarted = true, () => {});
    return current;
  }

  /** Starts a process. */
  #open(current: Current, { replaces }: { replaces: boolean }): ChildLink {
    const { config, onMessage } = this.#options;
    const link = new ChildLink({
      process: current.spawn(),
      config,
      replaces,
      clock: this.#clock,
      logger: this.#logger,
      memoryLimit: this.#memoryLimit,
      onMessage: (message) => onMessage?.(message),
      onMemoryLimitExceeded: (rssBytes) => this.#recycle(current, rssBytes),
      onLost: (error) => this.#lost(current, error),
    });
    current.link = link;
    this.#ending = link.gone;
    void link.gone.then(() => {
      if (this.#current === undefined) this.#options.onEnded?.();
    });
    return link;
  }

  /** The process is gone: another takes its place, unless nothing needs it or it is lost too often. */
  #lost(current: Current, error: EdgeError): void {
    if (this.#current !== current || !current.isStarted) return this.#end(current, error);
    if (current.isRecycled) {
      current.isRecycled = false;
      return void this.#replace(current);
    }
    const { again, refused } = this.#restarts.lost(current.link.suspect);
    if (!again) return this.#end(current, error);
    this.#logger.warn(`${error.message}: another one takes its place`);
    if (refused && refused.userId === undefined) this.#rejectCall(current, refused);
    if (refused) this.#options.onRefused?.(refused);
    void this.#replace(current);
  }

  async #replace(current: Current): Promise<void> {
    const restoring = awaitNext(current);
    for (const connection of current.connections.values()) connection.onCut();
    // Closing a connection may have released the last lease.
    if (this.#current !== current) return;
    let link: ChildLink;
    try {
      link = this.#open(current, { replaces: true });
    } catch (error) {
      return this.#end(current, error as EdgeError);
    }
    const timeout = setTimeout(() => void link.close(), START_MS);
    try {
      await link.ready;
    } catch {
      // A loss of its own, which comes here again.
      return;
    } finally {
      clearTimeout(timeout);
    }
    current.restoring = undefined;
    restoring.resolve();
    const connections = [...current.connections];
    for (const [id, connection] of connections) link.attach(id, connection);
    const calls = Map.groupBy(
      connections.map(([, connection]) => connection),
      ({ call }) => `${call.type}:${call.id}`,
    );
    // No call waits for another.
    await Promise.all([...calls.values()].map((members) => rejoinTogether(members, link)));
    await this.#reopen(link);
  }

  /** Has the edge open what belongs to no connection. */
  async #reopen(link: ChildLink): Promise<void> {
    try {
      await this.#options.onReplaced?.((method, params, options) =>
        link.request("edge", { method, params }, options)
      );
    } catch (error) {
      if (link.lost === undefined) {
        this.#logger.error(`the media process was replaced, but ${messageOf(error)}`);
      }
    }
  }

  /** Closes a call that ended the process twice, so that the others go on. */
  #rejectCall(current: Current, call: Suspect): void {
    const error = new ConnectionError(
      `a message of the call ${call.type}:${call.id} ended the media process twice`,
      { code: "media-process-lost" },
    );
    for (const [id, connection] of [...current.connections]) {
      if (!isSameCall(connection.call, call)) continue;
      current.connections.delete(id);
      connection.onLost(error);
    }
  }

  /** There is no process any more: it was closed, did not start, or is lost for good. */
  #end(current: Current, error: EdgeError): void {
    if (current.lost !== undefined) return;
    current.lost = error;
    if (this.#current === current) this.#current = undefined;
    const connections = [...current.connections.values()];
    current.connections.clear();
    for (const connection of connections) connection.onLost(error);
    current.restoring?.reject(error);
    // Not when the last lease was released.
    if (current.isStarted && current.leases > 0) this.#options.onLost?.(error);
  }

  /** It has no connections: what else is open is opened again in a fresh one. */
  #recycle(current: Current, rssBytes: number): void {
    if (this.#current !== current || current.isRecycled || !current.link.isIdle) return;
    current.isRecycled = true;
    awaitNext(current);
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

function readMemoryLimit(given: Partial<MemoryLimit> = {}): MemoryLimit {
  const known = { bytes: true, checkEveryMs: true };
  checkOptions(given, "memoryLimit", known, "an object like { bytes: 400 << 20 }");
  const { bytes = MEMORY_LIMIT_BYTES, checkEveryMs = MEMORY_CHECK_MS } = given;
  if (!(bytes > 0)) {
    throw new RangeError(`memoryLimit.bytes: expected above 0, got ${shown(bytes)}`);
  }
  if (!(checkEveryMs >= 10 && checkEveryMs < 2 ** 31)) {
    throw new RangeError(
      `memoryLimit.checkEveryMs: expected a number from 10 to ${2 ** 31 - 1}, got ${
        shown(checkEveryMs)
      }`,
    );
  }
  return { bytes, checkEveryMs };
}

/** From now on all that need the process wait for the next one. */
function awaitNext(current: Current): PromiseWithResolvers<void> {
  if (current.restoring === undefined) {
    current.restoring = Promise.withResolvers<void>();
    current.ready = current.restoring.promise;
    current.ready.catch(() => {});
  }
  return current.restoring;
}

/** A shared process, and what it takes to start another in its place. */
interface Current extends SharedProcess {
  readonly lock: string | undefined;
  readonly spawn: () => SpawnedChild;
  isStarted: boolean;
  /** It is being closed because it has grown. */
  isRecycled: boolean;
  /** Settles when another process has started, while none runs. */
  restoring: PromiseWithResolvers<void> | undefined;
}
