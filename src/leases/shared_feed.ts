/** The jobs of one worker, under leases that it renews; and the jobs of others that it takes up. @module */
import type {
  AcceptedJob,
  DeclinedJob,
  JobFeed,
  JobOffer,
  JobOutcome,
  JobWorker,
  RunningJob,
  WorkerLoad,
} from "../edge/jobs.ts";
import type { EdgeTransport } from "../edge/edge_transport.ts";
import type { Clock } from "../events/clock.ts";
import { sleep, waitFor } from "../events/waiting.ts";
import type { JobStore, Lease, ReleaseOutcome, StoredJob, StoredOffer } from "./job_store.ts";
import type { ShareableJobs } from "./shareable_jobs.ts";

/** How often a job is begun whose agent fails. */
const MAX_ATTEMPTS = 3;
/** How long a job waits that a worker could not take, or whose agent failed. */
const PAUSE_MS = 1000;
/** How often one of the workers looks for jobs that no worker took. */
const UNTAKEN_MS = 2000;
/** How much later a worker at its limits takes up a call than one without any load. */
const LOAD_MS = 250;
/** How long a worker is not offered once more what its application did not want. */
const UNWANTED_MS = 30_000;
const CONTEXT = "jobs that workers share";

/** Options for {@linkcode SharedFeed.open}. */
export interface SharedFeedInit {
  source: ShareableJobs;
  edge: EdgeTransport;
  worker: JobWorker;
  store: JobStore;
  maxJobs: number;
  leaseMs: number;
  workerId: string;
  /** Aborted when the worker is closed. */
  signal: AbortSignal;
}

/** A job that this worker has. */
interface HeldJob {
  readonly key: string;
  readonly offer: StoredOffer;
  attempt: number;
  /** `undefined` while the store could not be asked. */
  lease: Lease | undefined;
  running: RunningJob | undefined;
  /** Whether another worker has it now. */
  isLost: boolean;
}

/** A job to give back. */
interface Release {
  readonly held: HeldJob;
  readonly outcome: ReleaseOutcome;
  readonly afterMs: number;
}

/** The jobs of a source, as one of several workers takes them. */
export class SharedFeed implements JobFeed {
  readonly #init: SharedFeedInit;
  readonly #clock: Clock;
  readonly #held = new Set<HeldJob>();
  readonly #closing = new AbortController();
  #feed: JobFeed | undefined;
  #beating: Promise<void> = Promise.resolve();
  #looking: Promise<void> | undefined;
  /** What could not be given back while the store was away. */
  readonly #unreleased = new Set<Release>();
  /** Until when jobs that no worker has are not offered again: those that the application did not want. */
  readonly #unwanted = new Map<string, number>();
  #nextTurnAt = -Infinity;
  /** Since when the store has responded each time; `undefined` while it does not. */
  #contactSince: number | undefined;
  #lastBeat = 0;
  #isAway = false;

  private constructor(init: SharedFeedInit) {
    this.#init = init;
    this.#clock = init.edge.clock;
  }

  static async open(init: SharedFeedInit): Promise<SharedFeed> {
    const shared = new SharedFeed(init);
    const { source, worker, signal } = init;
    shared.#feed = await source.openJobs({
      get load() {
        return worker.load;
      },
      offer: (offer) => shared.#offer(offer),
      report: (error, context) => worker.report(error, context),
    }, { signal });
    shared.#beating = shared.#beat();
    return shared;
  }

  update(load: WorkerLoad): void {
    this.#feed?.update?.(load);
  }

  async drain(): Promise<void> {
    await this.#feed?.drain?.();
  }

  async close(): Promise<void> {
    this.#closing.abort(new DOMException("the worker was closed", "AbortError"));
    await Promise.all([this.#beating, this.#looking]);
    await this.#feed?.close();
    await Promise.all(
      [...this.#held].map((held) =>
        this.#release(held, held.running ? "unfinished" : "declined", 0)
      ),
    );
  }

  /** Claims a job that the source announces, and offers it to the worker. */
  async #offer(offer: JobOffer): Promise<AcceptedJob | DeclinedJob> {
    const { source, maxJobs } = this.#init;
    const { edge: _, attempt: __, ...stored } = offer;
    const held = heldJob(source.keyOf?.(offer) ?? offer.id, stored);
    try {
      const refusal = await this.#claim(held, { maxJobs });
      if (refusal) return refusal;
    } catch (error) {
      // A call is worth more than its lease: that is claimed when the store is back.
      this.#onError(error);
    }
    return await this.#place(held, { ...offer, attempt: held.attempt });
  }

  async #claim(
    held: HeldJob,
    options: { maxJobs: number; isOwn?: boolean },
  ): Promise<DeclinedJob | undefined> {
    const { store, workerId, leaseMs } = this.#init;
    const { key, offer } = held;
    const claim = store.claim({ key, offer, workerId }, { leaseMs, ...options });
    const result = await this.#ask(claim);
    if (result.status === "claimed") {
      held.lease = result.lease;
      held.attempt = result.attempt;
      return undefined;
    }
    return result.status === "limit"
      ? {
        accepted: false,
        reason: "calls",
        message: `the workers have ${options.maxJobs} calls together`,
      }
      : duplicate(result.status);
  }

  /**
   * Claims a job that this worker began without a lease: no limit ends a call that goes on, and what the
   * store says the worker holds was taken by a claim whose answer it did not get.
   */
  async #claimOwn(held: HeldJob): Promise<DeclinedJob | undefined> {
    const isTwice = [...this.#held].some((one) => one !== held && one.key === held.key);
    if (isTwice) return duplicate("held");
    return await this.#claim(held, { maxJobs: Infinity, isOwn: true });
  }

  /** Offers a job to the worker, whose application may take longer to decide than a lease lasts. */
  async #place(held: HeldJob, offer: JobOffer): Promise<AcceptedJob | DeclinedJob> {
    this.#held.add(held);
    const answer = await this.#init.worker.offer(offer);
    if (answer.accepted && held.isLost) {
      answer.release();
      return duplicate("held");
    }
    if (!answer.accepted) {
      // What the application does not want is no other worker's to take up.
      const isOver = answer.reason === "application";
      if (isOver && this.#init.source.untaken) this.#leaveAside(held.key);
      await this.#release(held, isOver ? "forgotten" : "declined", PAUSE_MS);
      return answer;
    }
    return {
      accepted: true,
      start: (options) => {
        if (held.running) return held.running;
        held.running = answer.start(options);
        if (held.isLost) void held.running.end();
        void held.running.ended.then((outcome) => this.#onEnd(held, outcome));
        return held.running;
      },
      release: () => {
        answer.release();
        if (!held.running) void this.#release(held, "declined", PAUSE_MS);
      },
    };
  }

  async #onEnd(held: HeldJob, outcome: JobOutcome): Promise<void> {
    const isOver = isFinished(outcome, held.attempt, this.#init.signal.aborted);
    const waitMs = outcome.status === "failed" ? PAUSE_MS : 0;
    await this.#release(held, isOver ? "finished" : "unfinished", waitMs);
  }

  async #release(held: HeldJob, outcome: ReleaseOutcome, afterMs = 0): Promise<void> {
    this.#held.delete(held);
    // Others were asked for what was declined without a lease.
    const isNothing = !held.lease && (outcome === "declined" || outcome === "forgotten");
    if (!held.isLost && !isNothing) await this.#giveBack({ held, outcome, afterMs });
  }

  /** Where the store is away, this is done when it is back. */
  async #giveBack(release: Release): Promise<void> {
    const { held, outcome, afterMs } = release;
    try {
      // One that was taken without a lease is the store's to know, too.
      if (held.lease || !await this.#claimOwn(held)) {
        await this.#ask(this.#init.store.release(held.lease!, { outcome, afterMs }));
      }
      this.#unreleased.delete(release);
    } catch (error) {
      this.#unreleased.add(release);
      this.#onError(error);
    }
  }

  /** Renews the leases and looks for free jobs, until the feed is closed. */
  async #beat(): Promise<void> {
    const { signal } = this.#closing;
    const clock = this.#clock;
    try {
      for (;;) {
        try {
          await this.#renew();
          // Beside it, so that no hook of the application holds up the leases.
          this.#looking ??= this.#look().finally(() => this.#looking = undefined);
        } catch (error) {
          this.#onError(error);
        }
        await sleep(this.#init.leaseMs / 4, { signal, clock });
      }
    } catch {
      // It was closed.
    }
  }

  async #renew(): Promise<void> {
    const { store, worker, workerId, leaseMs } = this.#init;
    const { calls, load } = worker.load;
    const leased = [...this.#held].filter(({ lease }) => lease);
    const leases = leased.map(({ lease }) => lease!);
    const options = { leaseMs, worker: { workerId, calls, load } };
    const results = await this.#ask(store.renew(leases, options));
    const now = this.#clock.now();
    // A machine that slept has missed its beats, and the other workers may have theirs.
    if (now - this.#lastBeat > leaseMs) this.#contactSince = undefined;
    this.#contactSince ??= now;
    this.#lastBeat = now;
    this.#isAway = false;
    for (const release of [...this.#unreleased]) await this.#giveBack(release);
    for (const [index, held] of leased.entries()) {
      if (!this.#held.has(held)) continue; // it was given back meanwhile
      if (results[index] === "lost") this.#lose(held);
      else if (results[index] === "unknown") held.lease = undefined;
    }
    for (const held of [...this.#held].filter(({ lease }) => !lease)) {
      const { attempt } = held;
      if (await this.#claimOwn(held)) this.#lose(held);
      // It went on all the time.
      held.attempt = attempt;
    }
  }

  /** Another agent has the call: this one falls silent. */
  #lose(held: HeldJob): void {
    this.#held.delete(held);
    held.lease = undefined;
    held.isLost = true;
    void held.running?.end();
  }

  get #mayTakeUp(): boolean {
    const { worker, signal } = this.#init;
    return !worker.load.declines && !signal.aborted && !this.#closing.signal.aborted;
  }

  /** Looks for jobs to take up. Never rejects. */
  async #look(): Promise<void> {
    const { store, leaseMs, source } = this.#init;
    // The others renew their leases first, had the store been away from them, too.
    const contactMs = this.#clock.now() - (this.#contactSince ?? Infinity);
    if (contactMs < leaseMs * 1.5 || !this.#mayTakeUp) return;
    try {
      for (const job of await this.#ask(store.jobs({ freeOnly: true }))) {
        if (!this.#mayTakeUp) return;
        await this.#takeUp(job);
      }
      const isDue = this.#clock.now() >= this.#nextTurnAt;
      if (source.untaken && isDue && await this.#ask(store.takeTurn("untaken", UNTAKEN_MS))) {
        await this.#takeUntaken();
      }
    } catch (error) {
      this.#onError(error);
    }
  }

  async #takeUntaken(): Promise<void> {
    const { store, source, edge, worker } = this.#init;
    let untaken: JobOffer[];
    try {
      untaken = await source.untaken!();
    } catch (error) {
      return worker.report(error, CONTEXT); // the source is away, not the store
    }
    const jobs = untaken.map(({ edge: _, attempt: __, ...offer }) => {
      const key = source.keyOf?.({ ...offer, edge }) ?? offer.id;
      return { key, offer };
    });
    const now = this.#clock.now();
    const known = await this.#ask(store.known(jobs.map(({ key }) => key)));
    for (const [index, job] of jobs.entries()) {
      if (!this.#mayTakeUp) return;
      if (known[index]) continue;
      if ((this.#unwanted.get(job.key) ?? -Infinity) <= now) await this.#takeUp(job);
      // The next turn is another worker's, whose application may want it.
      if (this.#unwanted.has(job.key)) this.#nextTurnAt = this.#clock.now() + 2 * UNTAKEN_MS;
    }
  }

  /** The application does not want a job: it is not offered again for a while. */
  #leaveAside(key: string): void {
    const now = this.#clock.now();
    for (const [one, until] of this.#unwanted) if (until <= now) this.#unwanted.delete(one);
    this.#unwanted.set(key, now + UNWANTED_MS);
  }

  async #takeUp({ key, offer: stored }: Pick<StoredJob, "key" | "offer">): Promise<void> {
    const { edge, worker, maxJobs } = this.#init;
    const { signal } = this.#closing;
    await sleep(LOAD_MS * worker.load.load, { signal, clock: this.#clock });
    const held = heldJob(key, stored);
    if (await this.#claim(held, { maxJobs })) return; // another worker was faster
    const { token } = held.lease!;
    const offer: JobOffer = { ...stored, edge, attempt: held.attempt };
    const place = await this.#place(held, offer);
    if (place.accepted) void this.#begin(held, { place, offer, token });
  }

  async #begin(
    held: HeldJob,
    { place, offer, token }: { place: AcceptedJob; offer: JobOffer; token: number },
  ): Promise<void> {
    const { source, worker } = this.#init;
    try {
      if (await source.isOver?.(offer)) {
        await this.#release(held, "finished");
        held.lease = undefined;
        return place.release();
      }
      place.start({ call: await source.takeUp?.(offer, { token }) });
    } catch (error) {
      worker.report(error, CONTEXT);
      place.release();
    }
  }

  /** A store that takes longer than half a lease counts as one that is not there. */
  #ask<T>(answer: Promise<T>): Promise<T> {
    const timeoutMs = this.#init.leaseMs / 2;
    return waitFor(answer, "the response of the store of jobs", { timeoutMs, clock: this.#clock });
  }

  /** Reports once that the store is away. */
  #onError(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    this.#contactSince = undefined;
    if (!this.#isAway) this.#init.worker.report(error, CONTEXT);
    this.#isAway = true;
  }
}

function heldJob(key: string, offer: StoredOffer): HeldJob {
  return { key, offer, attempt: 1, lease: undefined, running: undefined, isLost: false };
}

function duplicate(status: "held" | "finished"): DeclinedJob {
  return { accepted: false, reason: "duplicate", message: `the job is ${status}` };
}

/** Whether no other agent is to take the call up. */
function isFinished(outcome: JobOutcome, attempt: number, isClosing: boolean): boolean {
  if (outcome.status === "failed") return attempt >= MAX_ATTEMPTS;
  switch (outcome.reason) {
    case "network":
    case "media-process-lost":
      return false;
    case "left":
    case "aborted":
      // The agent hung up, or the source has taken the job back. A worker that is closed leaves callers
      // alone, unless it has drained before.
      return !isClosing;
    default:
      return true;
  }
}
