/** Jobs that are over when a worker is to take them up, on LiveKit's own server. */
import { assertEquals } from "@std/assert";
import { Agent, type Clock, silentLogger, systemClock } from "@ringline/edge";
import { MemoryJobStore, sharedJobs, type StoredOffer } from "@ringline/edge/leases";
import { type AgentWorker, JobStartedEvent, serve } from "@ringline/edge/serve";
import { LiveKitEdge } from "@ringline/livekit";
import { AgentDispatchClient } from "livekit-server-sdk";
import { Listener } from "../../edges/getstream/listener.ts";
import { until } from "../../fixtures/until.ts";
import { edgeOn, optionsFor } from "./_fixture.ts";
import { API_KEY, API_SECRET, LiveKitServer, program } from "./_server.ts";

/** A worker, and the jobs of others. */
interface WorkerFixture {
  server: LiveKitServer;
  store: MemoryJobStore;
  /** Enters a job of a worker that is gone. */
  leave(room: string, dispatchId: string, participant?: { sid: string }): Promise<void>;
  /** The calls that the worker has begun. */
  begun: string[];
}

function workerTest(name: string, body: (fixture: WorkerFixture) => Promise<void>): void {
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
      const leave: WorkerFixture["leave"] = async (room, dispatchId, participant) => {
        const id = `AJ_${room}`;
        const original = {
          id,
          dispatchId,
          room: { name: room },
          ...participant ? { participant } : {},
        };
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

/** Brings a person into a room, until the result is disposed. */
async function joinAsPerson(server: LiveKitServer, room: string): Promise<AsyncDisposable> {
  const anna = { id: "anna", name: "Anna" };
  await using keys = edgeOn(server.url);
  const call = await keys.createCall(room);
  const token = await keys.createToken(call, anna);
  const edge = new LiveKitEdge({ url: server.url, logger: silentLogger, token: () => token });
  await edge.join(new Listener(anna), call);
  return edge;
}

/** Waits until the store has no job of this dispatch any more. */
async function isOver({ store }: WorkerFixture, dispatchId: string): Promise<void> {
  await until(
    "the job is over",
    async () => (await store.jobs({ freeOnly: false })).every(({ key }) => key !== dispatchId),
  );
}

workerTest("a room that was deleted meanwhile is not made again", async (fixture) => {
  const { server, leave, begun } = fixture;
  await leave("kitchen", "AD_gone");
  await isOver(fixture, "AD_gone");
  assertEquals([begun, await server.rooms.listRooms()], [[], []]);
});

workerTest(
  "a room that is there gets an agent, though its node lost its dispatches",
  async (fixture) => {
    const { server, leave, begun } = fixture;
    await server.rooms.createRoom({ name: "kitchen" });
    await leave("kitchen", "AD_lost");
    await until("the job is taken up", () => begun.includes("kitchen"));
    await server.hasMediaOf("agent-AJ_kitchen-2", "kitchen");
  },
);

workerTest("a job for a person who has left meanwhile is not taken up", async (fixture) => {
  const { server, leave, begun } = fixture;
  await using _people = await joinAsPerson(server, "kitchen");
  const [anna] = await server.rooms.listParticipants("kitchen");
  await leave("kitchen", "AD_gone", { sid: "PA_gone" });
  await isOver(fixture, "AD_gone");
  assertEquals(begun, []);
  await leave("kitchen", "AD_1", { sid: anna!.sid });
  await until("the job of one who is there is taken up", () => begun.includes("kitchen"));
});

Deno.test({
  name: "a worker whose clock is slow takes up what was announced to none, as soon as others",
  ignore: program === undefined,
  async fn() {
    await using server = await LiveKitServer.start();
    const clock: Clock = {
      now: () => systemClock.now(),
      epochMs: () => systemClock.epochMs() - 600_000,
      schedule: (act, ms) => systemClock.schedule(act, ms),
    };
    await using edge = new LiveKitEdge({ ...optionsFor(server.url), clock });
    await using _people = await joinAsPerson(server, "kitchen");
    const url = `http://127.0.0.1:${server.port}`;
    await new AgentDispatchClient(url, API_KEY, API_SECRET).createDispatch("kitchen", "cook");
    await using worker = await workerOf(edge, new MemoryJobStore());
    const job = await until("the job is taken up", () => [...worker.jobs.values()][0]);
    assertEquals([job.callId, job.attempt], ["kitchen", 1]);
  },
});
