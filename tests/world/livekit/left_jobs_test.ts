/** Jobs that are over when a worker is to take them up, on LiveKit's own server. */
import { assertEquals } from "@std/assert";
import { Agent, silentLogger } from "@ringline/edge";
import { MemoryJobStore, sharedJobs, type StoredOffer } from "@ringline/edge/leases";
import { type AgentWorker, JobStartedEvent, serve } from "@ringline/edge/serve";
import type { LiveKitEdge } from "@ringline/livekit";
import { until } from "../../fixtures/until.ts";
import { edgeOn } from "./_fixture.ts";
import { LiveKitServer, program } from "./_server.ts";

/** A worker, and the jobs of others. */
interface Fixture {
  server: LiveKitServer;
  store: MemoryJobStore;
  /** Enters a job of a worker that is gone. */
  leave(room: string, dispatchId: string): Promise<void>;
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
      const leave: Fixture["leave"] = async (room, dispatchId) => {
        const id = `AJ_${room}`;
        const original = { id, dispatchId, room: { name: room } };
        const offer: StoredOffer = { id, callId: room, metadata: null, original };
        await store.claim({ key: dispatchId, offer, workerId: "gone" }, {
          leaseMs: 1,
          maxJobs: Infinity,
        });
      };
      await body({ server, store, leave, begun });
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
  await leave("kitchen", "AD_gone");
  await isOver(fixture, "AD_gone");
  assertEquals([begun, await server.rooms.listRooms()], [[], []]);
});

leftJobsTest(
  "a room that is there gets an agent, though its node lost its dispatches",
  async (fixture) => {
    const { server, leave, begun } = fixture;
    await server.rooms.createRoom({ name: "kitchen" });
    await leave("kitchen", "AD_lost");
    await until("the job is taken up", () => begun.includes("kitchen"));
    await server.hasMediaOf("agent-AJ_kitchen-2", "kitchen");
  },
);
