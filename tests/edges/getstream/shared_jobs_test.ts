/** Workers that share the calls of Stream's webhooks, on the double of its services. */
import { assertEquals } from "@std/assert";
import { Agent, type Call, silentLogger } from "@ringline/edge";
import { MemoryJobStore, sharedJobs } from "@ringline/edge/leases";
import { type AgentWorker, serve, WebhookJobs } from "@ringline/edge/serve";
import type { GetStreamEdge } from "../../../src/edges/getstream/mod.ts";
import { until } from "../../fixtures/until.ts";
import { Link } from "../../leases/_fixture.ts";
import { edgeOn } from "./_fixture.ts";
import { StreamDouble } from "./double/stream_double.ts";

/** A worker with an edge, webhooks and a way to the store of its own. */
class Member implements AsyncDisposable {
  readonly #edge: GetStreamEdge;
  readonly #webhooks: WebhookJobs;
  worker!: AgentWorker;

  constructor(readonly name: string, double: StreamDouble, readonly link: Link) {
    this.#edge = edgeOn(double);
    this.#webhooks = new WebhookJobs({
      read: ({ body }) => {
        const { id } = JSON.parse(new TextDecoder().decode(body));
        return { id: `default:${id}:1`, edge: this.#edge, callId: id };
      },
    });
  }

  async start(): Promise<this> {
    this.worker = await serve({
      sources: [sharedJobs(this.#webhooks, {
        store: this.link.reach(),
        edge: this.#edge,
        workerId: this.name,
        calls: 2,
        leaseMs: 1000,
      })],
      agent: () => new Agent({ edge: this.#edge, agentUser: { id: this.name, name: this.name } }),
      measure: () => ({ cpu: undefined, memory: undefined }),
      logger: silentLogger,
    });
    return this;
  }

  /** A webhook comes to this worker; returns the status of the answer. */
  async announce(id: string): Promise<number> {
    const init = { method: "POST", body: JSON.stringify({ id }) };
    const response = await this.#webhooks.fetch(new Request("http://worker/webhook", init));
    await response.body?.cancel();
    return response.status;
  }

  /** The calls that its agents have joined. */
  get calls(): string[] {
    return [...this.#edge.connections].filter(({ state }) => state !== "establishing")
      .map(({ call }: { call: Call }) => call.id).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker.close();
    await this.#edge.close();
  }
}

Deno.test("workers share Stream's calls: their limit, and the calls of one that is gone", async () => {
  await using double = await StreamDouble.start();
  const store = new MemoryJobStore();
  await using a = await new Member("a", double, new Link(store)).start();
  await using b = await new Member("b", double, new Link(store)).start();
  assertEquals([await a.announce("kitchen"), await b.announce("kitchen")], [200, 200]);
  assertEquals([await b.announce("bar"), await a.announce("hall")], [200, 503], "two in all");
  await until("both have joined", () => `${a.calls} ${b.calls}` === "kitchen bar");
  const jobs = await store.jobs({ freeOnly: false });
  assertEquals(jobs.map(({ workerId, offer: { callId } }) => `${workerId} ${callId}`), [
    ...["a kitchen", "b bar"],
  ]);

  // The worker cannot reach the store any more, and cannot know that another has its call.
  a.link.isCut = true;
  await until("its call is taken up", () => `${b.calls}` === "bar,kitchen");
  assertEquals(a.calls, ["kitchen"]);
  a.link.isCut = false;
  await until("it falls silent", () => a.calls.length === 0);
  assertEquals(b.calls, ["bar", "kitchen"]);

  // The other is closed, without its callers having left.
  await b.worker.close();
  await until("its calls are taken up", () => `${a.calls}` === "bar,kitchen");
  assertEquals([...a.worker.jobs.values()].map(({ attempt }) => attempt).sort(), [2, 3]);
});
