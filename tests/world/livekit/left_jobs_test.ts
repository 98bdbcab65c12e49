/** Jobs that are over when a worker is to take them up, on LiveKit's own server. */
import { assertEquals } from "@std/assert";
import { Agent, silentLogger } from "@ringline/edge";
import { MemoryJobStore, sharedJobs, type StoredOffer } from "@ringline/edge/leases";
import { type AgentWorker, JobStartedEvent, serve } from "@ringline/edge/serve";
import type { LiveKitEdge } from "@ringline/livekit";
import { AgentDispatchClient } from "livekit-server-sdk";
import { until } from "../../fixtures/until.ts";
import { edgeOn } from "./_fixture.ts";
import { API_KEY, API_SECRET, LiveKitServer, program } from "./_server.ts";

/** A worker, and the jobs of others. */
interface Fixture {
  server: LiveKitServer;
  dispatches: AgentDispatchClient;
  store: MemoryJobStore;
  /** Enters a job of a worker that is gone. */
  leave(room: { name: string; sid: string }, dispatchId: string): Promise<void>;
  /** The calls that the worker has begun. */
  begun: string[];
}

function leftJobsTest(name: string, body: (fixture: Fixture) => Promise<void>): void {
  Deno.test({
    name,
    ignore: program === undefined,
    async fn() {
      await using server = await LiveKitServer.start();
      await using edge = edgeOn(server.url);
      const store = new MemoryJobStore();
      await using worker = await workerOf(edge, store);
      const begun: string[] = [];
      worker.events.subscribe(JobStartedEvent, ({ job }) => void begun.push(job.callId));
      const dispatches = new AgentDispatchClient(
        `http://127.0.0.1:${server.port}`,
        API_KEY,
        API_SECRET,
      );
      const leave: Fixture["leave"] = async ({ name, sid }, dispatchId) => {
        const id = `AJ_${name}`;
        const original = { id, dispatchId, room: { name, sid } };
        const offer: StoredOffer = { id, callId: name, metadata: null, original };
        await store.claim({ key: dispatchId, offer, workerId: "gone" }, {
          leaseMs: 1,
          maxJobs: Infinity,
        });
      };
      await body({ server, dispatches, store, leave, begun });
    },
  });
}

async function workerOf(edge: LiveKitEdge, store: MemoryJobStore): Promise<AgentWorker> {
  return await serve({
    sources: [sharedJobs(edge.jobs({ agentName: "cook" }), { store })],
    agent: () => new Agent({ edge, agentUser: { id: "cook", name: "Cook" } }),
    measure: () => ({ cpu: undefined, memory: undefined }),
    logger: silentLogger,
  });
}

/** Waits until the store has no job of this dispatch any more. */
async function isOver({ store }: Fixture, dispatchId: string): Promise<void> {
  await until(
    "the job is over",
    async () => (await store.jobs({ freeOnly: false })).every(({ key }) => key !== dispatchId),
  );
}

leftJobsTest("a room that was deleted meanwhile is not made again", async (fixture) => {
  const { server, leave, begun } = fixture;
  await leave({ name: "kitchen", sid: "RM_gone" }, "AD_gone");
  await isOver(fixture, "AD_gone");
  assertEquals([begun, await server.rooms.listRooms()], [[], []]);
});

leftJobsTest("a job whose dispatch was deleted meanwhile is not taken up", async (fixture) => {
  const { server, dispatches, leave, begun } = fixture;
  const kitchen = await server.rooms.createRoom({ name: "kitchen" });
  const bar = await server.rooms.createRoom({ name: "bar" });
  const hall = await server.rooms.createRoom({ name: "hall" });
  const { id } = await dispatches.createDispatch("bar", "waiter");
  await leave(kitchen, "AD_gone");
  await leave(bar, id);
  // A node that is lost takes the dispatches of its rooms along.
  await leave({ ...hall, sid: "RM_gone" }, "AD_lost");
  await until("the others are taken up", () => begun.length === 2);
  await isOver(fixture, "AD_gone");
  assertEquals(begun.sort(), ["bar", "hall"]);
});
