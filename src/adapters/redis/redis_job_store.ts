/** A store of jobs in Redis. @module */
import { createClient } from "@redis/client";
import { checkOptions, ConnectionError, messageOf } from "@ringline/edge/toolkit";
import type {
  ClaimResult,
  JobStore,
  Lease,
  ReleaseOutcome,
  RenewResult,
  StoredJob,
  StoredOffer,
  StoredWorker,
} from "@ringline/edge/leases";
import { CLAIM, JOBS, RELEASE, RENEW } from "./redis_scripts.ts";

/** How long a job that is over is known to be. */
const FINISHED_MS = 24 * 3_600_000;
/** The longest pause between two tries to connect: workers are back together, and renew their leases. */
const RECONNECT_MS = 500;

type Client = ReturnType<typeof createClient>;

/** Options for a {@linkcode RedisJobStore}. */
export interface RedisJobStoreOptions {
  /** The address, e.g. `"redis://:password@redis.internal:6379/0"`, or `rediss://` for TLS. */
  url: string;
  /** Workers of the same pool share jobs: those that take the same ones. Default `"default"`. */
  pool?: string;
}

/**
 * A {@linkcode JobStore} in Redis, for workers on any machines. It connects by itself, and again when
 * the connection is lost; meanwhile each method rejects.
 *
 * Redis 6.2 or newer, a single server or the primary of a replicated one. All keys begin with
 * `ringline:` and the pool. Needs `--allow-net` for the server.
 *
 * @example
 * ```ts ignore
 * import { sharedJobs } from "@ringline/edge/leases";
 * import { RedisJobStore } from "@ringline/redis";
 *
 * await using store = new RedisJobStore({ url: "redis://127.0.0.1:6379", pool: "receptionist" });
 * const source = sharedJobs(edge.jobs({ agentName: "receptionist" }), { store });
 * ```
 */
export class RedisJobStore implements JobStore, AsyncDisposable {
  readonly #client: Client;
  readonly #prefix: string;
  readonly #host: string;
  /** Resolves when the first try to connect has succeeded, or failed. */
  readonly #tried = Promise.withResolvers<void>();
  /** Why the last try to connect failed. */
  #failure: unknown;
  #isClosed = false;

  /**
   * Creates a store, and begins to connect.
   *
   * @throws {TypeError} an option is not valid.
   */
  constructor(options: RedisJobStoreOptions) {
    const expected = 'an object like { url: "redis://127.0.0.1:6379" }';
    checkOptions(options, "options", { url: true, pool: true }, expected);
    const { url, pool = "default" } = options;
    if (typeof url !== "string" || !/^rediss?:$/.test(URL.parse(url)?.protocol ?? "")) {
      // Not shown: it may hold a password.
      throw new TypeError("url: expected an address that begins with redis:// or rediss://");
    }
    if (typeof pool !== "string" || !/^[\w.:-]{1,100}$/.test(pool)) {
      throw new TypeError(
        `pool: expected a text of letters, digits and _.:- , 100 at most, got ${
          JSON.stringify(pool)
        }`,
      );
    }
    // In braces, so that a cluster keeps a pool's keys together.
    this.#prefix = `ringline:{${pool}}:`;
    this.#client = createClient({
      url,
      // What cannot be asked now is not to be asked later: an old claim would be wrong.
      disableOfflineQueue: true,
      socket: {
        connectTimeout: 1000,
        reconnectStrategy: (tries) => Math.min(RECONNECT_MS, 50 * 2 ** Math.min(tries, 5)),
      },
    });
    this.#host = new URL(url).host;
    // The methods reject with it; unheard it would end the program.
    this.#client.on("error", (error) => {
      this.#failure = error;
      this.#tried.resolve();
    });
    this.#client.on("ready", () => {
      this.#failure = undefined;
      this.#tried.resolve();
    });
    this.#client.connect().catch(() => {});
  }

  /** Closes the connection. Idempotent. */
  // deno-lint-ignore require-await
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#tried.resolve();
    this.#client.destroy();
  }

  /** Closes the connection, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async claim(
    { key, offer, workerId }: { key: string; offer: StoredOffer; workerId: string },
    { leaseMs, maxJobs, isOwn = false }: { leaseMs: number; maxJobs: number; isOwn?: boolean },
  ): Promise<ClaimResult> {
    const [status, token, attempt] = await this.#run(CLAIM, {
      keys: ["jobs", "leases", "holders", "tokens", `finished:${key}`],
      arguments: [
        ...[key, JSON.stringify(offer), workerId, `${Math.ceil(leaseMs)}`],
        ...[maxJobs === Infinity ? "0" : `${maxJobs}`, isOwn ? "own" : ""],
      ],
    }) as [ClaimResult["status"], number, number];
    return status === "claimed" ? { status, lease: { key, token }, attempt } : { status };
  }

  async renew(
    leases: readonly Lease[],
    { leaseMs, worker }: { leaseMs: number; worker: StoredWorker },
  ): Promise<RenewResult[]> {
    return await this.#run(RENEW, {
      keys: ["leases", "holders", "workers", "seen"],
      arguments: [
        ...[`${Math.ceil(leaseMs)}`, worker.workerId, JSON.stringify(worker)],
        ...leases.flatMap(({ key, token }) => [key, `${token}`]),
      ],
    }) as RenewResult[];
  }

  async release(
    { key, token }: Lease,
    { outcome, afterMs = 0 }: { outcome: ReleaseOutcome; afterMs?: number },
  ): Promise<void> {
    await this.#run(RELEASE, {
      keys: ["jobs", "leases", "holders", `finished:${key}`],
      arguments: [key, `${token}`, outcome, `${Math.ceil(afterMs)}`, `${FINISHED_MS}`],
    });
  }

  async jobs({ freeOnly }: { freeOnly: boolean }): Promise<StoredJob[]> {
    const found = await this.#run(JOBS, {
      keys: ["jobs", "leases", "holders"],
      arguments: [freeOnly ? "free" : "all"],
    }) as string[];
    return Array.from({ length: found.length / 3 }, (_, index) => {
      const [key, data, isHeld] = found.slice(3 * index, 3 * index + 3) as [string, string, string];
      const { offer, workerId, attempt } = JSON.parse(data);
      return { key, offer: JSON.parse(offer), workerId, attempt, isHeld: isHeld !== "" };
    });
  }

  async known(keys: readonly string[]): Promise<boolean[]> {
    const commands = this.#client.multi();
    for (const key of keys) {
      commands.hExists(`${this.#prefix}jobs`, key).exists(`${this.#prefix}finished:${key}`);
    }
    const results = keys.length === 0
      ? []
      : await this.#ask(() => commands.exec()) as unknown as number[];
    return keys.map((_, index) => results[2 * index] === 1 || results[2 * index + 1] === 1);
  }

  async workers(): Promise<StoredWorker[]> {
    const all = await this.#ask(() => this.#client.hGetAll(`${this.#prefix}workers`));
    return Object.values(all).map((text) => JSON.parse(text));
  }

  async takeTurn(name: string, ms: number): Promise<boolean> {
    const options = { condition: "NX", expiration: { type: "PX", value: Math.ceil(ms) } } as const;
    const key = `${this.#prefix}turn:${name}`;
    return await this.#ask(() => this.#client.set(key, "1", options)) !== null;
  }

  async #run(
    script: string,
    { keys, arguments: given }: { keys: string[]; arguments: string[] },
  ): Promise<unknown[]> {
    const options = { keys: keys.map((key) => `${this.#prefix}${key}`), arguments: given };
    return await this.#ask(() => this.#client.eval(script, options)) as unknown as unknown[];
  }

  /** Asks Redis; where it is away, the client says no more than that: this says why. */
  async #ask<T>(act: () => Promise<T>): Promise<T> {
    await this.#tried.promise;
    try {
      return await act();
    } catch (error) {
      if (this.#isClosed || this.#client.isReady) throw error;
      const why = messageOf(this.#failure ?? error);
      throw new ConnectionError(`Redis at ${this.#host} cannot be used: ${why}`, {
        code: "unreachable",
        retryable: true,
        cause: error,
      });
    }
  }
}
