/** A store of jobs in memory, for one program. @module */
import { checkOptions } from "../events/checks.ts";
import { type Clock, systemClock } from "../events/clock.ts";
import type {
  ClaimResult,
  JobStore,
  Lease,
  ReleaseOutcome,
  RenewResult,
  StoredJob,
  StoredOffer,
  StoredWorker,
} from "./job_store.ts";

/** How long a worker that says nothing counts as one that lives. */
const WORKER_MS = 10_000;
/** How long a job that is over is known to be. */
const FINISHED_MS = 24 * 3_600_000;

interface Entry {
  offer: StoredOffer;
  workerId: string;
  attempt: number;
  /** The holder's; `undefined` where it was given back. */
  token: number | undefined;
  /** When the lease expires, or the job is free for those who look for one. */
  endsAt: number;
}

/**
 * A {@linkcode JobStore} in memory: for the workers of one program, and for tests. With it a worker that
 * is alone takes up the jobs that its source announced while it was cut off, as far as that source knows
 * of them: LiveKit's does.
 *
 * @example
 * ```ts
 * import { MemoryJobStore } from "@ringline/edge/leases";
 *
 * const store = new MemoryJobStore();
 * const job = { key: "1", offer: { id: "1", callId: "kitchen" } };
 * const limits = { leaseMs: 2000, maxJobs: Infinity };
 * console.log((await store.claim({ ...job, workerId: "a" }, limits)).status); // claimed
 * console.log((await store.claim({ ...job, workerId: "b" }, limits)).status); // held
 * ```
 */
export class MemoryJobStore implements JobStore {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  /** Until when a job that is over is known, the oldest first. */
  readonly #finished = new Map<string, number>();
  readonly #workers = new Map<string, { worker: StoredWorker; at: number }>();
  readonly #turns = new Map<string, number>();
  #token = 0;

  /** Creates an empty store. */
  constructor(options: { clock?: Clock } = {}) {
    checkOptions(options, "options", { clock: true }, "an object like { clock }, or nothing");
    this.#clock = options.clock ?? systemClock;
  }

  // Async, as a store elsewhere is.
  // deno-lint-ignore require-await
  async claim(
    { key, offer, workerId }: { key: string; offer: StoredOffer; workerId: string },
    { leaseMs, maxJobs, isOwn = false }: { leaseMs: number; maxJobs: number; isOwn?: boolean },
  ): Promise<ClaimResult> {
    const now = this.#clock.now();
    this.#forgetFinished(now);
    if (this.#finished.has(key)) return { status: "finished" };
    const entry = this.#entries.get(key);
    const isAgain = entry !== undefined && isHeld(entry, now);
    if (isAgain && !(isOwn && entry.workerId === workerId)) return { status: "held" };
    // A new job leaves places to those whose workers are gone.
    const counts = (one: Entry) => entry ? isHeld(one, now) : one.token !== undefined;
    const held = [...this.#entries.values()].filter((one) => one !== entry && counts(one)).length;
    if (held >= maxJobs) return { status: "limit" };
    const token = ++this.#token;
    const attempt = (entry?.attempt ?? 0) + (isAgain ? 0 : 1);
    this.#entries.set(key, { offer, workerId, attempt, token, endsAt: now + leaseMs });
    return { status: "claimed", lease: { key, token }, attempt };
  }

  // deno-lint-ignore require-await
  async renew(
    leases: readonly Lease[],
    { leaseMs, worker }: { leaseMs: number; worker: StoredWorker },
  ): Promise<RenewResult[]> {
    const now = this.#clock.now();
    this.#workers.set(worker.workerId, { worker, at: now });
    return leases.map(({ key, token }) => {
      const entry = this.#entries.get(key);
      if (!entry) return "unknown";
      if (entry.token !== token) return "lost";
      entry.endsAt = now + leaseMs;
      return "held";
    });
  }

  // deno-lint-ignore require-await
  async release(
    { key, token }: Lease,
    { outcome, afterMs = 0 }: { outcome: ReleaseOutcome; afterMs?: number },
  ): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry?.token !== token) return;
    if (outcome === "finished" || outcome === "forgotten") {
      this.#entries.delete(key);
      if (outcome === "finished") this.#finished.set(key, this.#clock.now() + FINISHED_MS);
      return;
    }
    entry.token = undefined;
    entry.endsAt = this.#clock.now() + afterMs;
    if (outcome === "declined") entry.attempt--;
  }

  // deno-lint-ignore require-await
  async jobs({ freeOnly }: { freeOnly: boolean }): Promise<StoredJob[]> {
    const now = this.#clock.now();
    return [...this.#entries].filter(([, { endsAt }]) => !freeOnly || endsAt <= now)
      .map(([key, entry]) => {
        const { offer, workerId, attempt } = entry;
        return { key, offer, workerId, attempt, isHeld: isHeld(entry, now) };
      });
  }

  // deno-lint-ignore require-await
  async known(keys: readonly string[]): Promise<boolean[]> {
    return keys.map((key) => this.#entries.has(key) || this.#finished.has(key));
  }

  // deno-lint-ignore require-await
  async workers(): Promise<StoredWorker[]> {
    const since = this.#clock.now() - WORKER_MS;
    return [...this.#workers.values()].filter(({ at }) => at > since).map(({ worker }) => worker);
  }

  // deno-lint-ignore require-await
  async takeTurn(name: string, ms: number): Promise<boolean> {
    const now = this.#clock.now();
    if ((this.#turns.get(name) ?? -Infinity) > now) return false;
    this.#turns.set(name, now + ms);
    return true;
  }

  #forgetFinished(now: number): void {
    for (const [key, until] of this.#finished) {
      if (until > now) return;
      this.#finished.delete(key);
    }
  }
}

function isHeld({ token, endsAt }: Entry, now: number): boolean {
  return token !== undefined && endsAt > now;
}
