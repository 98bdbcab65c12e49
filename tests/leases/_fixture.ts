/** Several workers that share the jobs of a source, in virtual time. */
import type { JobFeed, JobOffer, JobWorker } from "../../src/edge/jobs.ts";
import { MemoryJobStore } from "../../src/leases/memory_job_store.ts";
import type { ShareableJobs } from "../../src/leases/shareable_jobs.ts";
import { sharedJobs } from "../../src/leases/shared_jobs.ts";
import type { SharedJobsOptions } from "../../src/leases/shared_jobs.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { type TestJob, TestWorker } from "../fixtures/test_worker.ts";

/** A store that one can be cut off from. */
export class Link {
  isCut = false;
  /** What the store is asked is done, and its answers do not arrive. */
  losesAnswers = false;

  constructor(readonly store: MemoryJobStore) {}

  /** The store, as one worker reaches it. */
  reach(): MemoryJobStore {
    return new Proxy(this.store, {
      get: (store, name) => {
        // deno-lint-ignore no-explicit-any
        const method = (store as any)[name] as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          if (this.isCut) throw new Error("the store is away");
          const answer = await Reflect.apply(method, store, args);
          return this.losesAnswers ? await new Promise(() => {}) : answer;
        };
      },
    });
  }
}

/** One of the workers. */
export class Member {
  readonly worker = new TestWorker();
  readonly link: Link;
  readonly takenUp: string[] = [];
  inner!: JobWorker;
  feed: JobFeed | undefined;
  untaken: JobOffer[] = [];
  /** The ids of jobs whose calls are over. */
  over: string[] = [];
  readonly stop = new AbortController();
  readonly #edge: MemoryEdge;

  constructor(readonly name: string, store: MemoryJobStore, clock: VirtualClock) {
    this.link = new Link(store);
    this.#edge = new MemoryEdge({ clock });
  }

  async open(options: Partial<SharedJobsOptions> = {}): Promise<this> {
    const source: ShareableJobs = {
      edge: this.#edge,
      openJobs: (worker) => {
        this.inner = worker;
        return Promise.resolve({ close() {} });
      },
      isOver: ({ id }) =>
        id === "unknown"
          ? Promise.reject(new Error("away"))
          : Promise.resolve(this.over.includes(id)),
      takeUp: (offer, { token }) => {
        this.takenUp.push(`${offer.id} as ${token}`);
        return Promise.resolve(undefined);
      },
      untaken: () => Promise.resolve(this.untaken),
    };
    const shared = sharedJobs(source, {
      store: this.link.reach(),
      workerId: this.name,
      ...options,
    });
    this.feed = await shared.openJobs(this.worker, { signal: this.stop.signal });
    return this;
  }

  offerOf(id: string): JobOffer {
    return { id, edge: this.#edge, callId: `call of ${id}` };
  }

  /** The source announces a job to this worker; it begins where the worker takes it. */
  async announce(id: string): Promise<boolean> {
    const place = await this.inner.offer(this.offerOf(id));
    if (place.accepted) place.start();
    return place.accepted;
  }

  /** The jobs that run here. */
  get running(): string[] {
    return this.worker.jobs.filter(({ state }) => state === "running").map(({ offer }) => offer.id);
  }

  job(id: string): TestJob {
    return this.worker.jobs.findLast(({ offer }) => offer.id === id)!;
  }

  /** The program is killed: it says nothing any more. */
  kill(): void {
    for (const job of this.worker.jobs) if (job.state === "running") job.state = "killed";
    this.link.isCut = true;
  }
}

/** Workers with one store. */
export async function members(
  count: number,
  options: Partial<SharedJobsOptions> = {},
): Promise<{ clock: VirtualClock; store: MemoryJobStore; workers: Member[] }> {
  const clock = new VirtualClock();
  const store = new MemoryJobStore({ clock });
  const workers: Member[] = [];
  for (let index = 0; index < count; index++) {
    workers.push(await new Member("abcdefgh"[index]!, store, clock).open(options));
  }
  // From now on they take up calls.
  await clock.advance(5000);
  return { clock, store, workers };
}
